"""Moving whole files into the cache and out of it, for `warm` and `evict`. Implements `warming.Filler`."""

from collections.abc import Callable, Sequence

from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.contents import Contents
from warpdrive.application.mount.read_path import ReadPath
from warpdrive.application.mount.tree import Tree
from warpdrive.application.mount.warming import TreeFile
from warpdrive.application.ports.errors import VersionChanged
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.application.ports.page_cache import ContentId, PageCache


class CacheFiller:
    """Fills and evicts by `TreeFile`, the value that a walk yields."""

    def __init__(self, tree: Tree, contents: Contents, read_path: ReadPath, cache: PageCache) -> None:
        self._tree = tree
        self._contents = contents
        self._read_path = read_path
        self._cache = cache

    async def fill(
        self, file: TreeFile, ranges: Sequence[tuple[int, int]] | None, progress: Callable[[int], None]
    ) -> None:
        """Fetch what is missing of the ranges (None: all). Raises BackendError; VersionChanged if the file moved on."""
        if not file.size:
            return
        content = await self._contents.open(self._tree.backend_of(file.path), _info(file))
        try:
            for start, stop in ranges if ranges is not None else ((0, file.size),):
                await self._read_path.fill(content, max(0, start), min(stop, file.size), progress)
        except VersionChanged:
            self._tree.supersede(file.path)
            raise
        finally:
            content.unhold()

    def cached_bytes(self, file: TreeFile) -> int:
        """Recorded bytes of this version; 0 once nothing is mounted there any more."""
        backend = self._tree.backend_at(file.path)
        return 0 if backend is None else self._cache.cached_bytes(_content_id(backend, file), file.size)

    async def evict(self, file: TreeFile) -> int:
        """Drop what is recorded of this version; returns bytes freed."""
        return await self._cache.evict(_content_id(self._tree.backend_of(file.path), file))


def _content_id(backend: MountedBackend, file: TreeFile) -> ContentId:
    return ContentId(backend.fingerprint, file.key, file.version)


def _info(file: TreeFile) -> ObjectInfo:
    return ObjectInfo(ObjectKey(file.key), file.size, ObjectVersion(file.version), 0, file.digest)
