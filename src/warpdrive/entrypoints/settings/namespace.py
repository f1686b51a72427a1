"""Namespace configuration: what the file says, as a Namespace, and what this node makes of a backend's definition.

The same two questions are asked of every backend, from the file or from the control plane: may its options be as they
are, and which credentials does its auth reference stand for here.
"""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import BACKEND_TYPES, BackendDefinition, MountEntry, MountPolicy
from warpdrive.entrypoints.settings.agent import AgentSettings
from warpdrive.entrypoints.settings.auth import AuthSettings
from warpdrive.entrypoints.settings.backends import BackendSettings, definition_faults
from warpdrive.entrypoints.settings.faults import Fault


def auth_reference(backend: BackendSettings) -> str:
    """Name the credentials of a backend: an entry of `agent.credentials`, or the entry's own inline `auth`.

    The two cannot be confused: names of shared credentials hold no "/".
    """
    return backend.credentials or f"backends/{backend.name}"


def backend_definition(backend: BackendSettings) -> BackendDefinition:
    """Write a configured backend as the domain's value."""
    return BackendDefinition(
        name=backend.name,
        type=backend.type,
        options=backend.config.options(),
        prefix=backend.config.prefix,
        auth=auth_reference(backend),
    )


def mount_entries(settings: AgentSettings) -> tuple[MountEntry, ...]:
    """Write every configured backend as a mount entry, in the file's order."""
    return tuple(
        MountEntry(
            path=backend.mount_path,
            backend=backend_definition(backend),
            policy=MountPolicy(durability=backend.durability, conflict=backend.conflict, delete=backend.delete),
        )
        for backend in settings.backends
    )


def build_namespace(settings: AgentSettings, namespace_id: UUID, *, at: datetime) -> Namespace:
    """Build the Namespace that the file describes; `.tree()` is its path logic.

    Settings that loaded without faults make no command fail.
    """
    namespace = Namespace.create(namespace_id, settings.agent.namespace, at=at)
    for entry in mount_entries(settings):
        namespace.add_mount_entry(entry, at=at)
    return namespace


def credentials_for(settings: AgentSettings, definition: BackendDefinition) -> Credentials:
    """Resolve a backend's auth reference on this node; "" is the default method, `environment`.

    Raises BackendMisconfigured when the reference names nothing here, or nothing that fits the backend's type.
    """
    auth = _auth_of(settings, definition.auth)
    if auth is None:
        raise BackendMisconfigured(
            f"its auth reference {definition.auth!r} names no entry of agent.credentials on this node"
        )
    misfits = list(auth.misfits(definition.type))
    if misfits:
        key, message = misfits[0]
        raise BackendMisconfigured(f"agent.credentials.{definition.auth}.{key} {message}")
    return auth.credentials(definition.type)


def _auth_of(settings: AgentSettings, reference: str) -> AuthSettings | None:
    if not reference:
        return AuthSettings()
    for backend in settings.backends:
        if backend.auth is not None and auth_reference(backend) == reference:
            return backend.auth
    return settings.agent.credentials.get(reference)


def check_definition(settings: AgentSettings, definition: BackendDefinition) -> None:
    """Hold a backend that the control plane defines to the rules of the file. Raises BackendMisconfigured.

    The options went through the domain's checks, which know their names; what their texts may be is known here.
    """
    if definition.type not in BACKEND_TYPES:
        raise BackendMisconfigured(f"its type {definition.type!r} is not known to this version")
    faults = definition_faults(definition, _auth_of(settings, definition.auth) or AuthSettings())
    root = definition.options.get("root", "")
    if definition.type == "local" and not faults:
        if not root.startswith("/"):
            faults.append(Fault("root", "is not an absolute path"))
        elif _overlap(Path(root), settings.mount_point):
            faults.append(Fault("root", "and mount_point may not lie inside one another"))
    if faults:
        raise BackendMisconfigured("; ".join(f"its option {fault.path} {fault.message}" for fault in faults))


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
