"""Namespace configuration: what the file says, as a Namespace, its tree, and credentials by backend."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from warpdrive.application.ports.credentials import Credentials
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy
from warpdrive.entrypoints.settings.agent import AgentSettings
from warpdrive.entrypoints.settings.backends import BackendSettings


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


def backend_credentials(settings: AgentSettings) -> Mapping[str, Credentials]:
    """Resolve every backend's auth, keyed by the backend's name.

    Not by reference: `environment` shared by two types of backend stands for two different things.
    """
    return {
        backend.name: (backend.auth or settings.agent.credentials[backend.credentials]).credentials(backend.type)
        for backend in settings.backends
    }
