"""The extended attributes of R5: shown when asked by name, never listed."""

import os

from warpdrive.application.mount.errors import NoSuchAttribute
from warpdrive.application.mount.inodes import Inode, InodeTable
from warpdrive.application.ports.page_cache import ContentId, PageCache

PREFIX = b"user.warpdrive."


class ExtendedAttributes:
    """Answers the five names; any other is refused at once, because `ls -l` asks two per file."""

    def __init__(self, inodes: InodeTable, cache: PageCache) -> None:
        self._inodes = inodes
        self._cache = cache
        self._answers = {
            b"user.warpdrive.backend": self._backend,
            b"user.warpdrive.key": self._key,
            b"user.warpdrive.version": self._version,
            b"user.warpdrive.cached": self._cached,
            b"user.warpdrive.state": self._state,
        }

    def get(self, number: int, name: bytes) -> bytes:
        """Return the value. Raises NoSuchAttribute."""
        answer = self._answers.get(name)
        if answer is None:
            raise NoSuchAttribute(os.fsdecode(name))
        return os.fsencode(answer(self._inodes.get(number)))

    def _backend(self, inode: Inode) -> str:
        if inode.backend is None:
            raise NoSuchAttribute("no backend: the directory only leads to mounts")
        return inode.backend.name

    def _key(self, inode: Inode) -> str:
        if inode.info is None:
            raise NoSuchAttribute("a directory has no key")
        return inode.info.key

    def _version(self, inode: Inode) -> str:
        if inode.info is None:
            raise NoSuchAttribute("a directory has no version")
        return inode.info.version

    def _cached(self, inode: Inode) -> str:
        """Percent of the file's bytes in the cache, rounded down; 100 for an empty file."""
        if inode.info is None or inode.backend is None:
            raise NoSuchAttribute("a directory is not cached")
        return str(100 if not inode.size else 100 * self._cached_bytes(inode) // inode.size)

    def _state(self, inode: Inode) -> str:
        """`stale`: the path leads to another version now; else `cached`, `partial` or `remote`; or `directory`."""
        if inode.info is None:
            return "directory"
        if not self._inodes.is_current(inode):
            return "stale"
        cached = self._cached_bytes(inode)
        if cached >= inode.size:
            return "cached"
        return "partial" if cached else "remote"

    def _cached_bytes(self, inode: Inode) -> int:
        assert inode.info is not None
        assert inode.backend is not None
        content_id = ContentId(inode.backend.fingerprint, inode.info.key, inode.info.version)
        return self._cache.cached_bytes(content_id, inode.size)
