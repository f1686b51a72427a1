"""A small tree in memory behind the mount's surface: the transport's twin, so that it can be tested alone.

Paths are bytes ("a/b"), directories follow from the files' paths. Like the real one an inode is (path, version):
replacing a file's bytes makes a new inode and the old one stale.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

from warpdrive.application.mount.attributes import (
    ROOT_INODE,
    Attributes,
    Caller,
    FileKind,
    OpenedFile,
    SpaceFigures,
)
from warpdrive.application.mount.errors import (
    BadHandle,
    IsADirectory,
    NameTooLong,
    NoSuchAttribute,
    NoSuchEntry,
    NotADirectory,
    ReadOnlyEntry,
    StaleInode,
)

NAME_MAX = 255
MTIME_NS = 1_700_000_000_123_456_789


@dataclass(slots=True)
class Node:
    """A file or a directory; `references` counts what the kernel holds."""

    inode: int
    kind: FileKind
    content: bytes = b""
    children: dict[bytes, "Node"] = field(default_factory=dict)
    stale: bool = False
    references: int = 0


class MemoryStream:
    """Snapshot of a directory."""

    def __init__(self, filesystem: "MemoryFileSystem", node: Node) -> None:
        self._filesystem = filesystem
        self._entries = list(node.children.items())

    def __len__(self) -> int:
        return len(self._entries)

    def name(self, index: int) -> bytes:
        """Return the raw name."""
        return self._entries[index][0]

    def attributes(self, index: int) -> Attributes:
        """Describe the entry."""
        return self._filesystem.describe(self._entries[index][1])


class MemoryFileSystem:
    """The surface over a dictionary of files; `failures` makes a verb on an inode's name raise."""

    def __init__(self, files: Mapping[bytes, bytes], *, read_only: bool = True, ttl: float = 60.0) -> None:
        self.negative_ttl = ttl
        self.read_only = read_only
        self.failures: dict[str, BaseException] = {}
        """Verb -> what it raises instead of answering."""
        self.callers: list[Caller] = []
        self._ttl = ttl
        self._inodes = count(ROOT_INODE + 1)
        self._handles = count(1)
        self.root = Node(ROOT_INODE, FileKind.DIRECTORY)
        self.nodes: dict[int, Node] = {ROOT_INODE: self.root}
        self._open: dict[int, Node] = {}
        self._streams: dict[int, MemoryStream] = {}
        for path, content in files.items():
            self.put(path, content)

    def put(self, path: bytes, content: bytes) -> Node:
        """Make or replace a file; a replaced one's inode is stale from now on."""
        *parents, name = path.split(b"/")
        directory = self.root
        for part in parents:
            if part not in directory.children:
                directory.children[part] = self._add(FileKind.DIRECTORY)
            directory = directory.children[part]
        former = directory.children.get(name)
        if former is not None:
            former.stale = True
        node = directory.children[name] = self._add(FileKind.FILE)
        node.content = content
        return node

    def _add(self, kind: FileKind) -> Node:
        node = Node(next(self._inodes), kind)
        self.nodes[node.inode] = node
        return node

    def describe(self, node: Node) -> Attributes:
        """Return the node's attributes."""
        return Attributes(node.inode, node.kind, len(node.content), MTIME_NS, self._ttl, self._ttl)

    def _entered(self, verb: str) -> None:
        failure = self.failures.get(verb)
        if failure is not None:
            raise failure

    def _node(self, inode: int) -> Node:
        try:
            return self.nodes[inode]
        except KeyError:
            raise StaleInode(inode) from None

    async def lookup(self, parent: int, name: bytes) -> Attributes:
        """Find a name."""
        self._entered("lookup")
        if len(name) > NAME_MAX:
            raise NameTooLong(name)
        node = self._node(parent).children.get(name)
        if node is None:
            raise NoSuchEntry(name)
        node.references += 1
        return self.describe(node)

    def forget(self, inodes: Iterable[tuple[int, int]]) -> None:
        """Drop references."""
        for inode, dropped in inodes:
            self.nodes[inode].references -= dropped

    def remember(self, inode: int) -> None:
        """Count a reference."""
        self.nodes[inode].references += 1

    async def getattr(self, inode: int) -> Attributes:
        """Describe an inode."""
        self._entered("getattr")
        return self.describe(self._node(inode))

    async def open(self, inode: int, writable: bool, caller: Caller) -> OpenedFile:
        """Open a file."""
        self._entered("open")
        self.callers.append(caller)
        node = self._node(inode)
        if node.kind is FileKind.DIRECTORY:
            raise IsADirectory(inode)
        if writable:
            raise ReadOnlyEntry(inode)
        if node.stale:
            raise StaleInode(inode)
        handle = next(self._handles)
        self._open[handle] = node
        return OpenedFile(handle, keep_cache=True)

    async def read(self, handle: int, offset: int, size: int) -> bytes | memoryview:
        """Return a view of the content."""
        self._entered("read")
        try:
            node = self._open[handle]
        except KeyError:
            raise BadHandle(handle) from None
        return memoryview(node.content)[offset : offset + size]

    async def release(self, handle: int) -> None:
        """Close a file."""
        self._entered("release")
        del self._open[handle]

    async def opendir(self, inode: int, caller: Caller) -> int:
        """Open a directory and take its snapshot."""
        self._entered("opendir")
        self.callers.append(caller)
        node = self._node(inode)
        if node.kind is not FileKind.DIRECTORY:
            raise NotADirectory(inode)
        handle = next(self._handles)
        self._streams[handle] = MemoryStream(self, node)
        return handle

    async def readdir(self, handle: int) -> MemoryStream:
        """Return the handle's snapshot."""
        self._entered("readdir")
        return self._streams[handle]

    async def releasedir(self, handle: int) -> None:
        """Close a directory."""
        self._entered("releasedir")
        del self._streams[handle]

    async def getxattr(self, inode: int, name: bytes) -> bytes:
        """Answer two of R5's names."""
        self._entered("getxattr")
        node = self._node(inode)
        values = {b"user.warpdrive.backend": b"memory", b"user.warpdrive.version": b"%d" % node.inode}
        try:
            return values[name]
        except KeyError:
            raise NoSuchAttribute(name) from None

    async def statfs(self) -> SpaceFigures:
        """Declare 1 PiB."""
        self._entered("statfs")
        return SpaceFigures(1 << 50, 1 << 49, len(self.nodes), self.read_only)

    def read_only_at(self, inode: int) -> bool:
        """Nothing may be written."""
        return inode in self.nodes
