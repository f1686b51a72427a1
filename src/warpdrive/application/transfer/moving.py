"""One object's way: look, note, copy, verify, note, delete. Wherever it is cut off, the object is whole somewhere."""

from collections.abc import Callable
from dataclasses import dataclass

from warpdrive.application.ports.errors import BackendError, ObjectNotFound, VersionChanged
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.object_writer import Absent, ObjectWriter
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.application.transfer.body import PIECE, SourceBody
from warpdrive.application.transfer.checking import Checker, Verify
from warpdrive.application.transfer.faults import CopyDiffers, NothingToMoveTo, TargetExists, TargetIsSource
from warpdrive.application.transfer.journal import Entry, MoveJournal
from warpdrive.application.transfer.naming import Wanted


@dataclass(frozen=True, slots=True)
class Side:
    """A backend's two halves."""

    reader: ObjectReader
    writer: ObjectWriter


@dataclass(frozen=True, slots=True)
class Rules:
    """How to move. `within`: both sides are one backend, which may copy by itself. `piece`: bytes read at once."""

    overwrite: bool = False
    verify: Verify = Verify.CHECKSUM
    within: bool = False
    piece: int = PIECE


class ObjectMove:
    """Moves single objects; several at a time. `passed` is told of bytes that go over (negative: taken back)."""

    def __init__(
        self, source: Side, target: Side, journal: MoveJournal, rules: Rules, passed: Callable[[int], None]
    ) -> None:
        self._source = source
        self._target = target
        self._journal = journal
        self._rules = rules
        self._passed = passed
        self._checker = Checker(source.reader, target.reader, rules.verify, piece=rules.piece)
        self._by_server = rules.within and source.reader.capabilities.server_side_copy

    async def move(self, wanted: Wanted) -> bool:
        """Move one object; says whether an earlier run had copied it.

        Raises MoveFault and BackendError, and the object is still at the source then; OSError of the journal.
        """
        # The listing may be old by now, and it often tells no digest.
        info = await self._source.reader.stat(wanted.info.key)
        if not wanted.target or wanted.target.endswith("/") or info.is_directory:
            raise NothingToMoveTo(f"{info.key!r} stands for a directory; it has no name at the destination")
        entry = self._journal.entry(info.key)
        if entry is not None and entry.target != wanted.target:
            entry = None
        found = await self.look(wanted.target)
        copied = await self._copied_before(info, entry, found)
        if not copied:
            await self._copy(info, wanted.target, entry, found)
        try:
            await self._source.writer.delete(info.key, version=info.version)
        except ObjectNotFound:
            pass  # somebody was faster; the copy is verified
        except VersionChanged as error:
            raise VersionChanged(f"{error.detail}; it changed after it was copied, move it again") from error
        await self._journal.note(info.key, None)
        return copied

    async def look(self, key: ObjectKey) -> ObjectInfo | None:
        """Return what has a key at the destination, if anything has."""
        try:
            return await self._target.reader.stat(key)
        except ObjectNotFound:
            return None

    async def _copied_before(self, info: ObjectInfo, entry: Entry | None, found: ObjectInfo | None) -> bool:
        """Say whether this version of the source is at the destination by our own doing."""
        if entry is None or found is None or entry.source != info.version:
            return False
        if entry.copy is not None:
            return found.version == entry.copy and found.size == info.size
        # A copy began, and how it ended is not known. What is there is ours if it holds the bytes.
        if not await self._checker.same(info, found):
            return False
        await self._journal.note(info.key, Entry(info.version, found.key, found.version))
        return True

    async def _copy(self, info: ObjectInfo, target: ObjectKey, entry: Entry | None, found: ObjectInfo | None) -> None:
        replaces = None if found is None else self._replaceable(info, entry, found)
        await self._journal.note(info.key, Entry(info.version, target, replaces=replaces))
        copy, md5 = await self._carried(info, target, replaces)
        try:
            await self._checker.check(info, copy, md5)
        except CopyDiffers:
            # It is our own work and no good: the next run may replace exactly this.
            await self._journal.note(info.key, Entry(info.version, target, replaces=copy.version))
            raise
        await self._journal.note(info.key, Entry(info.version, target, copy.version))

    def _replaceable(self, info: ObjectInfo, entry: Entry | None, found: ObjectInfo) -> ObjectVersion:
        if found.is_directory:
            raise TargetExists(found.key)
        if entry is not None and found.version in {entry.copy, entry.replaces}:
            return found.version  # an older copy of ours, or what an earlier run was told to replace
        begun = entry is not None and entry.copy is None and entry.replaces is None
        if begun and not found.size and info.size:
            # Nothing was there when our copy began, and nobody's bytes are there now: some servers (SeaweedFS is one)
            # leave an empty object of an upload that broke off.
            return found.version
        if not self._rules.overwrite:
            raise TargetExists(found.key, begun=begun)
        # Another name of the same place would have us delete what we have just written.
        if (found.size, found.mtime_ns, found.version) == (info.size, info.mtime_ns, info.version):
            raise TargetIsSource(found.key)
        return found.version

    async def _carried(
        self, info: ObjectInfo, target: ObjectKey, replaces: ObjectVersion | None
    ) -> tuple[ObjectInfo, bytes | None]:
        if self._by_server:
            copy = await self._target.writer.copy(info.key, target, version=info.version)
            self._passed(info.size)
            return copy, None
        body = SourceBody(self._source.reader, info, self._passed, piece=self._rules.piece)
        condition = Absent() if replaces is None else replaces
        try:
            copy = await self._target.writer.write(target, body, size=info.size, precondition=condition)
        except BaseException:
            body.take_back()
            raise
        return copy, body.md5


def why(fault: Exception) -> str:
    """Say what happened in words for whoever typed the command."""
    return fault.detail if isinstance(fault, BackendError) else str(fault)
