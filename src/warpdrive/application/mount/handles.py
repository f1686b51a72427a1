"""Open handles: one per open(2), until release."""

from warpdrive.application.mount.attributes import Caller
from warpdrive.application.mount.contents import Content
from warpdrive.application.mount.errors import BadHandle
from warpdrive.application.mount.fetching import Fetch
from warpdrive.application.mount.inodes import Inode
from warpdrive.application.mount.telemetry import HandleTotals
from warpdrive.domain.content.readahead import Readahead


class Handle:
    """One open file: the version it pins and how it has been read so far."""

    __slots__ = ("ahead", "block", "caller", "content", "inode", "number", "readahead", "totals")

    def __init__(
        self,
        number: int,
        inode: Inode,
        content: Content,
        readahead: Readahead,
        caller: Caller,
        totals: HandleTotals | None,
    ) -> None:
        self.number = number
        self.inode = inode
        self.content = content
        self.readahead = readahead
        self.caller = caller
        self.totals = totals
        self.block = -1
        """Block that the last read began in; a change of block is one access for the eviction policy."""
        self.ahead: list[Fetch] = []
        """Prefetches started for this handle, given up when it closes."""


class HandleTable:
    """Handles by number. Numbers are never used twice in one mount."""

    def __init__(self) -> None:
        self._next = 1
        self._handles: dict[int, Handle] = {}

    def __len__(self) -> int:
        return len(self._handles)

    def number(self) -> int:
        """A fresh handle number."""
        self._next += 1
        return self._next

    def add(self, handle: Handle) -> None:
        """Enter an open handle."""
        self._handles[handle.number] = handle

    def get(self, number: int) -> Handle:
        """Return the handle. Raises BadHandle."""
        try:
            return self._handles[number]
        except KeyError:
            raise BadHandle(str(number)) from None

    def pop(self, number: int) -> Handle:
        """Take the handle out. Raises BadHandle."""
        try:
            return self._handles.pop(number)
        except KeyError:
            raise BadHandle(str(number)) from None
