"""Walking the namespace without a kernel in front: for warming, eviction and the operator's questions."""

import os
from collections.abc import AsyncIterator

from warpdrive.application.mount.errors import FileSystemError, IsADirectory
from warpdrive.application.mount.inodes import InodeTable
from warpdrive.application.mount.tree import Tree
from warpdrive.application.mount.warming import TreeFile, Unlisted
from warpdrive.application.ports.errors import BackendError
from warpdrive.domain.content.paths import join


class TreeWalker:
    """The files of the mount's tree, in name order, depth first. Implements `warming.FileTree`."""

    def __init__(self, tree: Tree, inodes: InodeTable) -> None:
        self._tree = tree
        self._inodes = inodes

    async def walk(self, path: str, *, recursive: bool) -> AsyncIterator[TreeFile | Unlisted]:
        """Yield the file at `path`, or the files of that directory (and below it). Raises NoSuchEntry."""
        try:
            backend, info = await self._tree.file_at(path)
        except IsADirectory:
            pass
        else:
            yield TreeFile(path, info.size, backend.name, info.key, info.version, info.digest)
            return
        pending = [path]
        while pending:
            directory = pending.pop()
            try:
                files, below = await self._read(directory)
            except (BackendError, FileSystemError) as error:
                yield Unlisted(directory, f"{type(error).__name__}: {error}")
                continue
            for file in files:
                yield file
            if recursive:
                pending.extend(reversed(below))

    async def _read(self, path: str) -> tuple[list[TreeFile], list[str]]:
        directory = await self._tree.locate(path)
        try:
            listing = await self._tree.listing(directory)
            mounted = set(self._tree.mounted_names(directory))
        finally:
            self._inodes.drop_if_unused(directory)
        files: list[TreeFile] = []
        below = [join(path, name) for name in mounted]
        if listing is not None:
            backend = listing.backend
            assert backend is not None
            for name in listing.order:
                info = listing.entries[name]
                if name in mounted:
                    continue
                if info is None:
                    below.append(join(path, name))
                else:
                    files.append(
                        TreeFile(join(path, name), info.size, backend.name, info.key, info.version, info.digest)
                    )
        below.sort(key=os.fsencode)
        return files, below
