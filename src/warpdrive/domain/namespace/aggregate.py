"""The Namespace as a stream of events.

Commands check, then trigger; state changes only where an event is applied, so replaying the events is the same as
having been there. State and events are made of plain texts (`payloads`), so snapshots need nothing special.
"""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.domain.content.moments import in_utc
from warpdrive.domain.content.texts import why_no_label
from warpdrive.domain.namespace.errors import (
    BackendConflict,
    DuplicateMountPath,
    InvalidNamespaceName,
    NamespaceNotSealed,
    NamespaceRetired,
    NamespaceSealed,
    UnknownMountEntry,
)
from warpdrive.domain.namespace.payloads import EntryPayload, entry_payload, entry_value, with_tenant
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry


class Namespace(Aggregate):
    """A tree of paths served to nodes, and the unit of policy.

    The id is random and made by whoever creates it. Every command takes `at`, a moment with a time zone, and
    raises NamespaceRetired once retired; ValueError for a moment without a zone.
    """

    TOPIC = "warpdrive.namespace:Namespace"
    class_version = 2

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Read a snapshot of before 2026-11-23: like the events then, its entries name no tenant."""
        state["_mounts"] = {path: with_tenant(entry) for path, entry in state["_mounts"].items()}

    class Event(Aggregate.Event):
        """Something that happened to a namespace."""

    class Created(Event, Aggregate.Created):
        """The namespace came to be, without entries. Its state begins in `Namespace.__init__`."""

        TOPIC = "warpdrive.namespace:Created.v1"
        name: str

    class MountEntryAdded(Event):
        """A mount path began to live in a backend."""

        TOPIC = "warpdrive.namespace:MountEntryAdded.v1"
        class_version = 2
        entry: EntryPayload

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            """Read an event of before 2026-11-23, when cross-tenant access came: its backend names no tenant."""
            state["entry"] = with_tenant(state["entry"])

        def apply(self, aggregate: "Namespace") -> None:
            """Add the entry."""
            aggregate._mounts[self.entry["path"]] = self.entry  # noqa: SLF001 - events are the aggregate's own

    class MountEntryReconfigured(Event):
        """A mount path's backend definition or policy became another."""

        TOPIC = "warpdrive.namespace:MountEntryReconfigured.v1"
        class_version = 2
        entry: EntryPayload

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            """Read an event of before 2026-11-23, as above."""
            state["entry"] = with_tenant(state["entry"])

        def apply(self, aggregate: "Namespace") -> None:
            """Replace the entry on the same path."""
            aggregate._mounts[self.entry["path"]] = self.entry  # noqa: SLF001 - as above

    class MountEntryRemoved(Event):
        """A mount path stopped to live anywhere."""

        TOPIC = "warpdrive.namespace:MountEntryRemoved.v1"
        path: str

        def apply(self, aggregate: "Namespace") -> None:
            """Remove the entry."""
            del aggregate._mounts[self.path]  # noqa: SLF001 - as above

    class Sealed(Event):
        """Changes were forbidden until it is unsealed."""

        TOPIC = "warpdrive.namespace:Sealed.v1"

        def apply(self, aggregate: "Namespace") -> None:
            """Close it."""
            aggregate._sealed = True  # noqa: SLF001 - as above

    class Unsealed(Event):
        """Changes were allowed again."""

        TOPIC = "warpdrive.namespace:Unsealed.v1"

        def apply(self, aggregate: "Namespace") -> None:
            """Open it."""
            aggregate._sealed = False  # noqa: SLF001 - as above

    class Retired(Event):
        """The namespace ended; its name is free again, its history stays."""

        TOPIC = "warpdrive.namespace:Retired.v1"

        def apply(self, aggregate: "Namespace") -> None:
            """End it."""
            aggregate._retired = True  # noqa: SLF001 - as above

    def __init__(self, name: str) -> None:
        """Begin the state that `Created` describes; use `create`, which knows the time."""
        self._name = name
        self._mounts: dict[str, EntryPayload] = {}
        self._sealed = False
        self._retired = False

    @classmethod
    def create(cls, namespace_id: UUID, name: str, *, at: datetime) -> Self:
        """Bring a namespace into being. Raises InvalidNamespaceName when `name` could not be a file's."""
        reason = why_no_label(name)
        if reason is not None:
            raise InvalidNamespaceName(name, reason)
        return cls._create(cls.Created, id=namespace_id, timestamp=in_utc(at), name=name)

    @property
    def name(self) -> str:
        """What people call it; unique among those that are not retired (the names table sees to that)."""
        return self._name

    @property
    def sealed(self) -> bool:
        """No entry may change."""
        return self._sealed

    @property
    def retired(self) -> bool:
        """Nothing may change, ever."""
        return self._retired

    @property
    def entries(self) -> tuple[MountEntry, ...]:
        """Mount entries, parents before what is nested in them."""
        return self.tree().entries

    def tree(self) -> MountTree:
        """Build the path logic of the entries as they are now."""
        return MountTree(map(entry_value, self._mounts.values()))

    def add_mount_entry(self, entry: MountEntry, *, at: datetime) -> None:
        """Let a path live in a backend.

        Raises DuplicateMountPath, BackendConflict, NamespaceSealed, InvalidMountPath, InvalidBackend,
        InvalidPolicy.
        """
        self._must_be_open()
        payload = entry_payload(entry)
        if entry.path in self._mounts:
            raise DuplicateMountPath(entry.path)
        self._must_agree(entry.backend)
        self.trigger_event(self.MountEntryAdded, timestamp=in_utc(at), entry=payload)

    def reconfigure_mount_entry(self, entry: MountEntry, *, at: datetime) -> None:
        """Give the path of `entry` its backend definition and policy; nothing happens if they are the same.

        A backend's name keeps meaning one place: to move a path elsewhere, name the new backend differently.
        Raises UnknownMountEntry and what `add_mount_entry` does.
        """
        self._must_be_open()
        payload = entry_payload(entry)
        if entry.path not in self._mounts:
            raise UnknownMountEntry(entry.path)
        self._must_agree(entry.backend)
        if payload != self._mounts[entry.path]:
            self.trigger_event(self.MountEntryReconfigured, timestamp=in_utc(at), entry=payload)

    def remove_mount_entry(self, path: str, *, at: datetime) -> None:
        """Let a path live nowhere; entries nested in it stay. Raises UnknownMountEntry, NamespaceSealed."""
        self._must_be_open()
        if path not in self._mounts:
            raise UnknownMountEntry(path)
        self.trigger_event(self.MountEntryRemoved, timestamp=in_utc(at), path=path)

    def seal(self, *, at: datetime) -> None:
        """Forbid changes. Raises NamespaceSealed when it is sealed already."""
        self._must_be_open()
        self.trigger_event(self.Sealed, timestamp=in_utc(at))

    def unseal(self, *, at: datetime) -> None:
        """Allow changes again. Raises NamespaceNotSealed."""
        self._must_live()
        if not self._sealed:
            raise NamespaceNotSealed(self._name)
        self.trigger_event(self.Unsealed, timestamp=in_utc(at))

    def retire(self, *, at: datetime) -> None:
        """End it for good. Raises NamespaceSealed: what is sealed is first unsealed."""
        self._must_be_open()
        self.trigger_event(self.Retired, timestamp=in_utc(at))

    def _must_live(self) -> None:
        if self._retired:
            raise NamespaceRetired(self._name)

    def _must_be_open(self) -> None:
        self._must_live()
        if self._sealed:
            raise NamespaceSealed(self._name)

    def _must_agree(self, offered: BackendDefinition) -> None:
        """One backend name is one place in all entries."""
        for payload in self._mounts.values():
            # Names first: making values of all entries for each new one took 1.4 s for a thousand.
            if payload["backend"]["name"] != offered.name:
                continue
            known = entry_value(payload).backend
            if known.fingerprint != offered.fingerprint:
                raise BackendConflict(offered.name, known.fingerprint, offered.fingerprint)
