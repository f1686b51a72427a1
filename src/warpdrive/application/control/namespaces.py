"""Namespaces: commands on one, questions about all."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeGuard
from uuid import UUID

from warpdrive.application.control.calls import Call, Done, Page
from warpdrive.application.control.commands import Commands, Decision, name_taken
from warpdrive.application.control.errors import NotFound, VersionMismatch
from warpdrive.application.control.names import Names
from warpdrive.application.control.paging import page_of, page_size, page_start
from warpdrive.application.control.streams import Streams
from warpdrive.application.control.views import AppliedNamespace, EntryChange, NamespaceView
from warpdrive.application.ports.event_store import NameTaken, NameUse
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.payloads import entry_value
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import MountEntry

_ORDER: Final = ("name", "id")

NewId = Callable[[], UUID]


class Namespaces:
    """Use cases of namespaces.

    Commands raise what the aggregate does, NotFound, AlreadyThere (the name, or a backend's name that stands for
    another place in some namespace), ConcurrentWrite, CommandIdReused and StoreUnavailable.
    """

    def __init__(self, commands: Commands, names: Names, streams: Streams, models: ReadModels, new_id: NewId) -> None:
        self._commands = commands
        self._names = names
        self._streams = streams
        self._models = models
        self._new_id = new_id

    async def create(self, call: Call, name: str, entries: Sequence[MountEntry]) -> Done[NamespaceView]:
        """Bring a namespace into being, with its first entries."""

        def decide(_: Namespace | None) -> Decision[Namespace]:
            namespace = Namespace.create(self._new_id(), name, at=call.at)
            for entry in entries:
                namespace.add_mount_entry(entry, at=call.at)
            return Decision(namespace, (_name_use(namespace, 1), *_backend_uses((), namespace.entries)))

        return await self._commands.change(Namespace, call, _nowhere, decide, namespace_view)

    async def add_mount(self, call: Call, name: str, entry: MountEntry) -> Done[NamespaceView]:
        """Let a path live in a backend."""
        return await self._change(call, name, lambda namespace: namespace.add_mount_entry(entry, at=call.at))

    async def reconfigure_mount(self, call: Call, name: str, entry: MountEntry) -> Done[NamespaceView]:
        """Give a path's entry another backend definition or policy."""
        return await self._change(call, name, lambda namespace: namespace.reconfigure_mount_entry(entry, at=call.at))

    async def remove_mount(self, call: Call, name: str, path: str) -> Done[NamespaceView]:
        """Let a path live nowhere."""
        return await self._change(call, name, lambda namespace: namespace.remove_mount_entry(path, at=call.at))

    async def seal(self, call: Call, name: str) -> Done[NamespaceView]:
        """Forbid changes."""
        return await self._change(call, name, lambda namespace: namespace.seal(at=call.at))

    async def unseal(self, call: Call, name: str) -> Done[NamespaceView]:
        """Allow changes again."""
        return await self._change(call, name, lambda namespace: namespace.unseal(at=call.at))

    async def retire(self, call: Call, name: str) -> Done[NamespaceView]:
        """End it; its own name and those of its backends are given up."""

        def decide(namespace: Namespace | None) -> Decision[Namespace]:
            found = _there(namespace, name)
            entries = found.entries
            found.retire(at=call.at)
            return Decision(found, (_name_use(found, -1), *_backend_uses(entries, ())))

        return await self._commands.change(Namespace, call, lambda: self._find(name), decide, namespace_view)

    async def apply(
        self, call: Call, name: str, entries: Sequence[MountEntry], *, dry_run: bool, expected_version: int
    ) -> Done[AppliedNamespace]:
        """Make the entries exactly these, all or nothing; creates the namespace when it is missing.

        `expected_version` 0 means whichever it is; else VersionMismatch. A dry run raises what the real one would,
        as far as the read models know who uses a backend's name. In a repeated answer `changes` is empty: the state
        is what counts.
        """
        applied: list[AppliedNamespace] = []

        def decide(found: Namespace | None) -> Decision[Namespace]:
            namespace = found if _is(found, name) else None
            actual = 0 if namespace is None else namespace.version
            if expected_version and expected_version != actual:
                raise VersionMismatch("namespace", name, expected_version, actual)
            before = () if namespace is None else namespace.entries
            wished = namespace or Namespace.create(self._new_id(), name, at=call.at)
            _make(wished, before, MountTree(entries).entries, call)
            changes = tuple(_differences(before, wished.entries))
            applied[:] = [AppliedNamespace(namespace_view(wished), changes, created=namespace is None)]
            claim = () if namespace is not None else (_name_use(wished, 1),)
            return Decision(wished, (*claim, *_backend_uses(before, wished.entries)))

        if dry_run:
            stream = await self._find_or_make(name)
            decide(None if stream is None else await self._streams.take(Namespace, stream))
            position = await self._models.position()
            await self._must_agree_with_others(call, applied[0].namespace)
            return Done(applied[0], position)

        done = await self._commands.change(Namespace, call, lambda: self._find_or_make(name), decide, namespace_view)
        if done.repeated:
            return Done(AppliedNamespace(done.value, (), created=False), done.position, repeated=True)
        return Done(replace(applied[0], namespace=done.value), done.position)

    async def get(self, call: Call, name: str) -> Done[NamespaceView]:
        """Show one, by name; a retired one by its id."""
        del call
        position = await self._models.position()
        found = await self._models.rows("namespaces", where={"name": name, "retired": False}, order=_ORDER, limit=1)
        if not found:
            by_id = await self._models.row("namespaces", {"id": name})
            found = [] if by_id is None else [by_id]
        if not found:
            raise NotFound("namespace", name)
        return Done((await self._with_entries(found))[0], position)

    async def page(self, call: Call, *, size: int, token: str, retired: bool) -> Done[Page[NamespaceView]]:
        """Show those in the caller's scope, by name. Raises Malformed for a size or token that cannot be."""
        limit = page_size(size)
        where: dict[str, Any] = {} if retired else {"retired": False}
        if call.principal.namespaces:
            where["name"] = list(call.principal.namespaces)
        position = await self._models.position()
        rows = await self._models.rows(
            "namespaces", where=where, order=_ORDER, after=page_start(token, len(_ORDER)), limit=limit + 1
        )
        views = {view.id: view for view in await self._with_entries(rows[:limit])}
        return Done(page_of(rows, limit, _ORDER, lambda row: views[row["id"]]), position)

    async def current(self, stream: UUID) -> NamespaceView:
        """Show the newest state of a stream, straight from its events."""
        namespace = await self._streams.load(Namespace, stream)
        if namespace is None:
            raise NotFound("namespace", str(stream))
        return namespace_view(namespace)

    async def find(self, name: str) -> UUID:
        """Find the stream of a namespace that is not retired. Raises NotFound."""
        return await self._find(name)

    async def _change(self, call: Call, name: str, command: Callable[[Namespace], None]) -> Done[NamespaceView]:
        def decide(namespace: Namespace | None) -> Decision[Namespace]:
            found = _there(namespace, name)
            before = found.entries
            command(found)
            return Decision(found, tuple(_backend_uses(before, found.entries)))

        return await self._commands.change(Namespace, call, lambda: self._find(name), decide, namespace_view)

    async def _must_agree_with_others(self, call: Call, wished: NamespaceView) -> None:
        """Raise AlreadyThere when a backend's name stands for another place in another namespace."""
        places = {entry.backend.name: entry.backend.fingerprint for entry in wished.entries}
        others = [
            row
            for row in await self._models.rows(
                "mount_entries", where={"backend": list(places)}, order=("namespace_id", "path")
            )
            if row["namespace_id"] != wished.id and row["fingerprint"] != places[row["backend"]]
        ]
        ids = sorted({row["namespace_id"] for row in others})
        living = await self._models.rows("namespaces", where={"id": ids, "retired": False}, order=_ORDER)
        lasting = {row["id"] for row in living}
        for row in others:
            if row["namespace_id"] in lasting:
                raise name_taken(NameTaken("backend", row["backend"], row["fingerprint"]), call)

    async def _find(self, name: str) -> UUID:
        return await self._names.find("namespace", name)

    async def _find_or_make(self, name: str) -> UUID | None:
        try:
            return await self._find(name)
        except NotFound:
            return None

    async def _with_entries(self, rows: Sequence[Mapping[str, Any]]) -> list[NamespaceView]:
        if not rows:
            return []
        entries: dict[str, list[MountEntry]] = {row["id"]: [] for row in rows}
        for row in await self._models.rows(
            "mount_entries", where={"namespace_id": list(entries)}, order=("namespace_id", "path")
        ):
            entries[row["namespace_id"]].append(entry_value(row["entry"]))
        return [
            NamespaceView(
                id=row["id"],
                name=row["name"],
                entries=MountTree(entries[row["id"]]).entries,
                sealed=row["sealed"],
                retired=row["retired"],
                version=row["version"],
                created_at=row["created_at"],
                updated_at=row["updated_at"],
            )
            for row in rows
        ]


def namespace_view(namespace: Namespace) -> NamespaceView:
    """Show an aggregate as it is."""
    return NamespaceView(
        id=str(namespace.id),
        name=namespace.name,
        entries=namespace.entries,
        sealed=namespace.sealed,
        retired=namespace.retired,
        version=namespace.version,
        created_at=namespace.created_on,
        updated_at=namespace.modified_on,
    )


async def _nowhere() -> None:
    """Locate what is to be made."""


def _is(namespace: Namespace | None, name: str) -> TypeGuard[Namespace]:
    """Tell whether what the name led to still has it: it may have been retired since the name was looked up."""
    return namespace is not None and namespace.name == name and not namespace.retired


def _there(namespace: Namespace | None, name: str) -> Namespace:
    if not _is(namespace, name):
        raise NotFound("namespace", name)
    return namespace


def _make(namespace: Namespace, before: Sequence[MountEntry], wished: Sequence[MountEntry], call: Call) -> None:
    """Remove first, so that a backend's name can move to another place in one command."""
    present = {entry.path: entry for entry in before}
    wanted = {entry.path for entry in wished}
    for path in present:
        if path not in wanted:
            namespace.remove_mount_entry(path, at=call.at)
    for entry in wished:
        if entry.path in present:
            namespace.reconfigure_mount_entry(entry, at=call.at)
        else:
            namespace.add_mount_entry(entry, at=call.at)


def _differences(before: Sequence[MountEntry], after: Sequence[MountEntry]) -> Iterable[EntryChange]:
    old = {entry.path: entry for entry in before}
    new = {entry.path: entry for entry in after}
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            yield EntryChange(path, old.get(path), new.get(path))


def _name_use(namespace: Namespace, uses: int) -> NameUse:
    return NameUse("namespace", namespace.name, str(namespace.id), uses)


def _backend_uses(before: Sequence[MountEntry], after: Sequence[MountEntry]) -> Iterable[NameUse]:
    """Count what entries began and ceased to use a backend's name; what is given up comes first."""
    uses: Counter[tuple[str, str]] = Counter()
    for entry in after:
        uses[entry.backend.name, entry.backend.fingerprint] += 1
    for entry in before:
        uses[entry.backend.name, entry.backend.fingerprint] -= 1
    for (name, fingerprint), count in sorted(uses.items(), key=lambda each: each[1]):
        if count:
            yield NameUse("backend", name, fingerprint, count)
