"""The inode table: one inode per (path, version), as R1 demands. Nothing of it is persisted.

Invariants:
- `_current[path]` is the inode that a lookup of the path answers now; at most one per path.
- Its backend is the one that serves the path: whoever binds an answer has looked, after the last await, that the mounts
  were not replaced meanwhile, and their replacement lets go of what another backend serves from then on.
- A file inode's `info` never changes its version: a new version is a new inode.
- An inode lives while the kernel holds lookups of it or a handle is open; then it is forgotten, current or not.
"""

from collections.abc import Iterable, Mapping

from warpdrive.application.mount.attributes import ROOT_INODE, FileKind
from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.errors import NoSuchEntry
from warpdrive.application.ports.objects import ObjectInfo


class Inode:
    """One version of one file, or one directory, as this mount has shown it."""

    __slots__ = (
        "backend",
        "handles",
        "info",
        "kind",
        "lookups",
        "mtime_ns",
        "number",
        "path",
        "validated_at",
    )

    def __init__(
        self,
        number: int,
        path: str,
        kind: FileKind,
        *,
        backend: MountedBackend | None,
        info: ObjectInfo | None,
        mtime_ns: int,
        validated_at: float,
    ) -> None:
        self.number = number
        self.path = path
        self.kind = kind
        self.backend = backend
        """None for directories that exist only as parents of mount paths."""
        self.info = info
        """The pinned version; None for directories."""
        self.mtime_ns = mtime_ns
        self.validated_at = validated_at
        """Monotonic time at which the backend last said that this is so."""
        self.lookups = 0
        self.handles = 0

    @property
    def size(self) -> int:
        """Bytes; 0 for directories."""
        return 0 if self.info is None else self.info.size

    @property
    def is_directory(self) -> bool:
        """Whether this is a directory."""
        return self.kind is FileKind.DIRECTORY


class InodeTable:
    """All inodes that the kernel may still ask about."""

    def __init__(self, *, started_ns: int, now: float) -> None:
        self._next = ROOT_INODE + 1
        self._started_ns = started_ns
        self._inodes: dict[int, Inode] = {}
        self._current: dict[str, Inode] = {}
        root = Inode(
            ROOT_INODE,
            "/",
            FileKind.DIRECTORY,
            backend=None,
            info=None,
            mtime_ns=started_ns,
            validated_at=now,
        )
        root.lookups = 1  # the kernel never forgets the root
        self._inodes[ROOT_INODE] = root
        self._current["/"] = root

    def __len__(self) -> int:
        return len(self._inodes)

    def get(self, number: int) -> Inode:
        """Return the inode. Raises NoSuchEntry for one that was forgotten (a transport's fault)."""
        try:
            return self._inodes[number]
        except KeyError:
            raise NoSuchEntry(f"inode {number}") from None

    def current(self, path: str) -> Inode | None:
        """The inode that the path leads to, as far as is known."""
        return self._current.get(path)

    @property
    def by_path(self) -> Mapping[str, Inode]:
        """The inode that each known path leads to; a live view, for those who look up many."""
        return self._current

    def is_current(self, inode: Inode) -> bool:
        """Whether its path still leads to this inode."""
        return self._current.get(inode.path) is inode

    def bind_file(self, path: str, backend: MountedBackend, info: ObjectInfo, now: float) -> Inode:
        """Make the path lead to this version: the inode it had if the version is the same, else a new one."""
        known = self._current.get(path)
        if known is not None and known.info is not None and known.backend is backend:
            if known.info.version == info.version and known.info.size == info.size:
                if now > known.validated_at:
                    known.validated_at = now
                    if info.digest is not None or known.info.digest is None:
                        known.info = info
                return known
            if now < known.validated_at:
                return known  # an older answer (a listing) does not undo a newer one
        return self._new(path, FileKind.FILE, backend=backend, info=info, mtime_ns=info.mtime_ns, validated_at=now)

    def bind_directory(self, path: str, backend: MountedBackend | None, now: float) -> Inode:
        """Make the path lead to a directory."""
        known = self._current.get(path)
        if known is not None and known.is_directory:
            known.validated_at = max(known.validated_at, now)
            known.backend = backend  # a directory has no version: whoever serves it now, it stays the same inode
            return known
        return self._new(
            path, FileKind.DIRECTORY, backend=backend, info=None, mtime_ns=self._started_ns, validated_at=now
        )

    def orphan(self, path: str) -> Inode:
        """Make a directory that no path leads to: for a name that a directory handle shows and that is no more."""
        inode = Inode(
            self._next,
            path,
            FileKind.DIRECTORY,
            backend=None,
            info=None,
            mtime_ns=self._started_ns,
            validated_at=0.0,
        )
        self._next += 1
        self._inodes[inode.number] = inode
        return inode

    def supersede(self, path: str) -> None:
        """The path's version is gone or unknown: the next lookup must ask anew, and open raises ESTALE."""
        if path != "/":
            known = self._current.pop(path, None)
            if known is not None:
                self.drop_if_unused(known)

    def remember(self, number: int) -> None:
        """The kernel holds one more lookup of the inode."""
        self._inodes[number].lookups += 1

    def forget(self, counts: Iterable[tuple[int, int]]) -> None:
        """The kernel gave lookups back."""
        for number, count in counts:
            inode = self._inodes.get(number)
            if inode is not None:
                inode.lookups -= count
                self.drop_if_unused(inode)

    def drop_if_unused(self, inode: Inode) -> None:
        """Forget the inode if neither kernel nor a handle knows it."""
        if inode.lookups <= 0 and inode.handles == 0 and inode.number != ROOT_INODE:
            self._inodes.pop(inode.number, None)
            if self._current.get(inode.path) is inode:
                del self._current[inode.path]

    def _new(
        self,
        path: str,
        kind: FileKind,
        *,
        backend: MountedBackend | None,
        info: ObjectInfo | None,
        mtime_ns: int,
        validated_at: float,
    ) -> Inode:
        inode = Inode(self._next, path, kind, backend=backend, info=info, mtime_ns=mtime_ns, validated_at=validated_at)
        self._next += 1
        known = self._current.get(path)
        self._inodes[inode.number] = inode
        self._current[path] = inode
        if known is not None:
            self.drop_if_unused(known)
        return inode
