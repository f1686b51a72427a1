"""Files below a root as objects: stat, list and read, on the backend's own threads."""

# ruff: noqa: PTH116
# Paths here are plain str: pathlib costs a multiple of the system call, and os says which call is meant.

import os
from collections.abc import AsyncIterable

from warpdrive.adapters.blob.local.faults import translating
from warpdrive.adapters.blob.local.keys import info_of, path_of
from warpdrive.adapters.blob.local.listing import Listing
from warpdrive.adapters.blob.local.reading import Reading
from warpdrive.adapters.blob.local.threads import Threads
from warpdrive.adapters.blob.local.writing import Writing
from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import BackendMisconfigured, ObjectNotFound
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import (
    Capabilities,
    ListPage,
    ObjectInfo,
    ObjectKey,
    ObjectVersion,
    VersionStrength,
)
from warpdrive.domain.namespace.values import BackendDefinition

_THREADS = 32
_CAPABILITIES = Capabilities(
    directories=True,
    version_strength=VersionStrength.WEAK,
    # A create is atomic (link); a replace is checked and renamed under a lock only our own processes heed.
    conditional_write=False,
    server_side_copy=True,
    max_parallel=_THREADS,
    list_limit=10_000,
)


def open_local(
    definition: BackendDefinition,
    credentials: Credentials,  # noqa: ARG001  # the kernel knows who we are
) -> "LocalStore":
    """Open `options["root"]`, an absolute path. Raises BackendMisconfigured without one."""
    root = definition.options.get("root", "")
    if not root.startswith("/"):
        raise BackendMisconfigured(f"backend {definition.name!r} needs an absolute `root`, not {root!r}")
    return LocalStore(root, definition.name)


class LocalStore:
    """Reads and writes below `root`. Every OSError leaves as one of ours (`faults`)."""

    def __init__(self, root: str, name: str = "local") -> None:
        self._root = root.rstrip("/")
        self._threads = Threads(_THREADS, f"backend-{name}")
        self._listing = Listing(self._root, f"{os.urandom(6).hex()}-")
        self._writing = Writing(self._root, self._threads)

    @property
    def capabilities(self) -> Capabilities:
        """Directories and weak versions."""
        return _CAPABILITIES

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the file or directory."""
        return await self._threads.run(self._stat, key)

    def _stat(self, key: str) -> ObjectInfo:
        with translating(self._root, key):
            path = path_of(self._root, key)
            info = None if path is None else info_of(key, os.stat(path or "/"))
        if info is None:
            raise ObjectNotFound(f"{key!r} is no file and no directory")
        return info

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page by name. Raises ObjectNotFound where no such directory is."""
        return await self._threads.run(self._listing.page, prefix, cursor, limit, recursive=recursive)

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Read straight into `into`; the file's status is looked at before and after each piece.

        Raises VersionChanged when the file changed meanwhile, ShortBody when it ends early.
        """
        reading = Reading(self._root, key, offset, into, version=version, sink=sink)
        info = await self._threads.run_to_end(reading.run, reading.stop)
        reading.finish(info)
        return info

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Publish the body by link or rename once it is on the disk; see `writing`."""
        return await self._writing.write(key, body, size, precondition, metadata or {})

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy the file, in the kernel."""
        return await self._writing.copy(source, target, version)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Remove the file; its directories stay."""
        await self._threads.run(self._writing.delete, key, version)

    async def aclose(self) -> None:
        """Let the threads go."""
        self._threads.close()
