"""Mount entries as events carry them: plain dicts of texts, which any transcoder stores and any version reads.

Stored bytes are kept for ever, so a key here is never renamed and a new one gets a default for old events.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypedDict
from urllib.parse import urlsplit

from warpdrive.domain.content.paths import is_normal, why_prefix_hidden
from warpdrive.domain.content.texts import is_tenant_id, storable
from warpdrive.domain.namespace.errors import InvalidBackend, InvalidMountPath, InvalidPolicy
from warpdrive.domain.namespace.values import (
    BACKEND_TYPES,
    OPTIONS,
    POLICY_WORDS,
    BackendDefinition,
    MountEntry,
    MountPolicy,
)

_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}", re.ASCII)
"""An auth reference is a name in somebody's configuration; keys and tokens hold other characters or more."""


class BackendPayload(TypedDict):
    """A `BackendDefinition`, its options sorted by key."""

    name: str
    type: str
    options: dict[str, str]
    prefix: str
    auth: str
    tenant: str


class EntryPayload(TypedDict):
    """A `MountEntry`."""

    path: str
    backend: BackendPayload
    policy: dict[str, str]


def entry_payload(entry: MountEntry) -> EntryPayload:
    """Write an entry down. Raises InvalidMountPath, InvalidBackend or InvalidPolicy for what cannot be right."""
    if not is_normal(entry.path) or not storable(entry.path):
        raise InvalidMountPath(entry.path)
    _check_backend(entry.backend)
    policy = {field: getattr(entry.policy, field) for field in POLICY_WORDS}
    for field, value in policy.items():
        if value not in POLICY_WORDS[field]:
            raise InvalidPolicy(field, value)
    backend = entry.backend
    return EntryPayload(
        path=entry.path,
        backend=BackendPayload(
            name=backend.name,
            type=backend.type,
            options=dict(sorted(backend.options.items())),
            prefix=backend.prefix,
            auth=backend.auth,
            tenant=backend.tenant,
        ),
        policy=policy,
    )


def entry_value(payload: EntryPayload) -> MountEntry:
    """Read an entry back. What was stored is believed: rules may have changed since."""
    backend = payload["backend"]
    return MountEntry(
        path=payload["path"],
        backend=BackendDefinition(
            name=backend["name"],
            type=backend["type"],
            options=dict(backend["options"]),
            prefix=backend["prefix"],
            auth=backend["auth"],
            tenant=backend["tenant"],
        ),
        policy=MountPolicy(**payload["policy"]),
    )


def with_tenant(entry: Mapping[str, Any]) -> EntryPayload:
    """Bring a mount entry that was stored before 2026-11-23 to today's shape: its backend is not tenant-restricted.

    Until then no backend could name a tenant, so "" is what all of them meant. The one handed in is left alone:
    a snapshot and its reader may share it.
    """
    backend = entry["backend"]
    return EntryPayload(
        path=entry["path"],
        backend=BackendPayload(
            name=backend["name"],
            type=backend["type"],
            options=backend["options"],
            prefix=backend["prefix"],
            auth=backend["auth"],
            tenant="",
        ),
        policy=entry["policy"],
    )


def _check_backend(backend: BackendDefinition) -> None:
    """Refuse what no world makes right, and whatever could carry a secret into an event."""
    name = backend.name
    if not name or not name.isprintable() or not storable(name):
        raise InvalidBackend(name, "has an empty or unprintable name")
    if backend.type not in BACKEND_TYPES:
        raise InvalidBackend(name, f"has the unknown type {backend.type!r}")
    for key, value in backend.options.items():
        if key not in OPTIONS[backend.type]:
            raise InvalidBackend(name, f"has the unknown option {key!r}")
        if not storable(value):
            raise InvalidBackend(name, f"has an option {key!r} that cannot be stored")
    if _carries_credentials(backend.options.get("endpoint", "")):
        raise InvalidBackend(name, "has an endpoint with credentials or a query")
    if backend.auth and not _REFERENCE.fullmatch(backend.auth):
        raise InvalidBackend(name, "has an auth that is no reference")
    if backend.tenant and not is_tenant_id(backend.tenant):
        raise InvalidBackend(name, "has a tenant that is no lowercase UUID")
    prefix = backend.prefix
    if prefix and (not prefix.endswith("/") or why_prefix_hidden(prefix) is not None or not storable(prefix)):
        raise InvalidBackend(name, 'has a prefix that is neither "" nor names that end in "/"')


def _carries_credentials(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        return True
    return "@" in parts.netloc or "?" in endpoint or "#" in endpoint
