"""One server's directory tree as objects."""

import os
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager

from warpdrive.adapters.blob.sftp import reading, writing
from warpdrive.adapters.blob.sftp.keys import info_of, path_of
from warpdrive.adapters.blob.sftp.listing import Listing
from warpdrive.adapters.blob.sftp.login import Server, server_of
from warpdrive.adapters.blob.sftp.pool import Pool, Session
from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import BackendMisconfigured, ObjectNotFound, Unsupported
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

_CAPABILITIES = Capabilities(directories=True, version_strength=VersionStrength.WEAK, max_parallel=32, list_limit=1000)


def open_sftp(definition: BackendDefinition, credentials: Credentials) -> "SftpStore":
    """Open `options["root"]` on the server (default: where a login starts).

    Raises BackendMisconfigured for bad options, and ModuleNotFoundError without asyncssh.
    """
    from importlib.util import find_spec  # noqa: PLC0415  # asks for asyncssh without loading it

    if find_spec("asyncssh") is None:
        raise ModuleNotFoundError("No module named 'asyncssh'", name="asyncssh")
    root = definition.options.get("root") or "."
    return SftpStore(server_of(definition, credentials), root.rstrip("/") or "/.")


class SftpStore:
    """Reads and writes below `root`; connects on first use."""

    def __init__(self, server: Server, root: str) -> None:
        self._pool = Pool(server)
        self._root = root
        self._root_seen = False
        self._listing = Listing(self._pool, root, f"{os.urandom(6).hex()}-")

    @property
    def capabilities(self) -> Capabilities:
        """Directories and weak versions."""
        return _CAPABILITIES

    @asynccontextmanager
    async def _session(self, what: str) -> AsyncIterator[Session]:
        try:
            async with self._pool.session(what) as session:
                yield session
        except ObjectNotFound:
            await self._require_root()
            raise
        self._root_seen = True

    async def _require_root(self) -> None:
        """Tell an absent file from an absent root; once the root was seen it is not asked for again."""
        if self._root_seen:
            return
        async with self._pool.session("looking at the root") as session:
            if not await session.ask(session.client.isdir(path_of(self._root, ""))):
                raise BackendMisconfigured(f"the root {self._root!r} is not a directory there")
        self._root_seen = True

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the file or directory."""
        async with self._session(f"stat {key!r}") as session:
            path = path_of(self._root, key)
            info = info_of(key, await session.ask(session.client.stat(path)))
            if info is None:
                raise ObjectNotFound(f"{key!r} is no file and no directory")
            return info

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page in the server's order. Raises ObjectNotFound where no such directory is."""
        try:
            return await self._listing.page(prefix, cursor, limit, recursive=recursive)
        except ObjectNotFound:
            await self._require_root()
            raise

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Fill `into`, several requests under way."""
        async with self._session(f"read {key!r}") as session:
            return await reading.read_range(session, self._root, key, offset, into, version=version, sink=sink)

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Publish the body by link or rename; see `writing`."""
        if metadata:
            raise Unsupported(f"{key!r}: an SFTP server keeps no metadata")
        async with self._session(f"write {key!r}") as session:
            return await writing.write(session, self._root, key, body, size, precondition)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy the file, through us."""
        async with self._session(f"copy {source!r}") as session:
            return await writing.copy(session, self._root, source, target, version)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Remove the file; its directories stay."""
        async with self._session(f"delete {key!r}") as session:
            await writing.delete(session, self._root, key, version)

    async def aclose(self) -> None:
        """End listings and connections."""
        await self._listing.aclose()
        await self._pool.aclose()
