"""Directories page by page, in the server's order.

A server hands out a directory once, a hundred names at a time, through a handle. A walk keeps what it has
read, so a page can be asked for again, and begins anew behind a broken connection, leaving out what it
already has.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count
from typing import TYPE_CHECKING, cast

from warpdrive.adapters.blob.sftp.keys import DIRECTORY, STAGED_PREFIX, SYMLINK, info_of, path_of
from warpdrive.adapters.blob.sftp.pool import Pool, Session
from warpdrive.application.ports.errors import AccessDenied, CursorUnknown
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey

if TYPE_CHECKING:
    import asyncssh

_WALKS_KEPT = 8
_BATCH = 100
"""Names per step: what OpenSSH puts into one answer."""

_FSCK = "/lost+found/"
"""Every file system of the ext family has one at its root, and only root may look into it: nobody's data."""

Found = ObjectInfo
"""A file, or a directory whose key ends in "/"."""


class Listing:
    """Lists below one root. A cursor names a walk and a place in it.

    `instance`: what no other listing's cursors begin with, or they could meet walks of ours. It holds no ".".
    """

    def __init__(self, pool: Pool, root: str, instance: str) -> None:
        self._pool = pool
        self._root = root
        self._instance = instance
        self._walks: OrderedDict[str, _Walk] = OrderedDict()
        self._tokens = count()

    async def page(self, prefix: str, cursor: str | None, limit: int, *, recursive: bool) -> ListPage:
        """Return one page. Raises CursorUnknown for a cursor whose walk was dropped, or never was ours."""
        if cursor is None:
            walk = _Walk(self._pool, self._root, prefix, recursive=recursive)
            token, start = f"{self._instance}{next(self._tokens)}", 0
        else:
            token, _, place = cursor.partition(".")
            if token not in self._walks:
                raise CursorUnknown(f"the listing of {prefix!r} was given up for newer ones, or is another process's")
            walk, start = self._walks[token], int(place)
        more = await walk.fill(start + limit)
        found = walk.found[start : start + limit]
        objects = [info for info in found if not info.is_directory]
        prefixes = [info.key for info in found if info.is_directory]
        if not more and start + limit >= len(walk.found):
            return ListPage(objects, prefixes, None)
        await self._keep(token, walk)
        return ListPage(objects, prefixes, f"{token}.{start + len(found)}")

    async def _keep(self, token: str, walk: "_Walk") -> None:
        self._walks[token] = walk
        self._walks.move_to_end(token)
        while len(self._walks) > _WALKS_KEPT:
            _, oldest = self._walks.popitem(last=False)
            await oldest.aclose()

    async def aclose(self) -> None:
        """Give up every walk."""
        walks, self._walks = self._walks, OrderedDict()
        for walk in walks.values():
            await walk.aclose()


class _Walk:
    def __init__(self, pool: Pool, root: str, prefix: str, *, recursive: bool) -> None:
        self.found: list[Found] = []
        self._pool = pool
        self._root = root
        self._prefix = prefix
        self._recursive = recursive
        self._source: AsyncGenerator[list[Found], None] | None = None
        self._known: set[str] = set()
        self._ended = False
        self._turn = asyncio.Lock()

    async def fill(self, length: int) -> bool:
        """Read on until `length` names are there; False when there are no more."""
        async with self._turn:
            while len(self.found) < length and not self._ended:
                if self._source is None:
                    self._known = {info.key for info in self.found}
                    self._source = _batches(self._pool, self._root, self._prefix, recursive=self._recursive)
                try:
                    batch = await anext(self._source)
                except StopAsyncIteration:
                    self._ended = True
                except BaseException:
                    self._source = None  # a generator that raised is over; the next attempt begins a new one
                    raise
                else:
                    self.found += [info for info in batch if info.key not in self._known]
            return not self._ended

    async def aclose(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            await source.aclose()


async def _batches(pool: Pool, root: str, prefix: str, *, recursive: bool) -> AsyncGenerator[list[Found], None]:
    """Give what is below `prefix`, directories only when not recursive. Holds a session until it ends."""
    async with pool.session(f"list {prefix!r}") as session:
        import asyncssh  # noqa: PLC0415  # a Rust extension comes with it: only where SFTP is used

        directories = [prefix]
        while directories:
            directory = directories.pop()
            try:
                async with aclosing(_directory(session, root, directory)) as batches:
                    async for batch in batches:
                        yield [info for info in batch if not (recursive and info.is_directory)]
                        if recursive:
                            directories += [info.key for info in batch if info.is_directory]
            except asyncssh.SFTPNoSuchFile:
                if directory == prefix:
                    raise  # below it: gone since
            except asyncssh.SFTPPermissionDenied as error:
                if not recursive:
                    raise
                if not f"/{directory}".endswith(_FSCK):
                    raise AccessDenied(f"the directory {directory!r} may not be read") from error


async def _directory(session: Session, root: str, prefix: str) -> AsyncGenerator[list[Found], None]:
    path = path_of(root, prefix)
    batch: list[tuple[str, asyncssh.SFTPAttrs]] = []
    scan = cast("AsyncGenerator[asyncssh.SFTPName, None]", session.client.scandir(path))
    async with aclosing(scan) as entries:
        async for entry in entries:
            name = os.fsdecode(entry.filename)
            if name in {".", ".."} or name.startswith(STAGED_PREFIX):
                continue
            batch.append((name, entry.attrs))
            if len(batch) >= _BATCH:
                yield await _resolved(session, path, prefix, batch)
                batch = []
    yield await _resolved(session, path, prefix, batch)


async def _resolved(
    session: Session, path: bytes, prefix: str, batch: list[tuple[str, "asyncssh.SFTPAttrs"]]
) -> list[Found]:
    """Turn names into infos; links become what they lead to, and links that lead nowhere vanish."""
    session.spoke()
    links = [name for name, attrs in batch if attrs.type == SYMLINK]
    targets = await asyncio.gather(*(_target(session, path, name) for name in links))
    led = dict(zip(links, targets, strict=True))
    found = []
    for name, listed in batch:
        attrs = led[name] if listed.type == SYMLINK else listed
        info = None if attrs is None else info_of(prefix + name, attrs)
        if info is not None:
            found.append(info._replace(key=ObjectKey(f"{info.key}/")) if info.is_directory else info)
    return found


async def _target(session: Session, path: bytes, name: str) -> "asyncssh.SFTPAttrs | None":
    import asyncssh  # noqa: PLC0415  # a Rust extension comes with it: only where SFTP is used

    whole = path + b"/" + os.fsencode(name)
    try:
        attrs = await session.ask(session.client.stat(whole))
        if attrs.type == DIRECTORY:
            real = await session.ask(session.client.realpath(whole))
            here = await session.ask(session.client.realpath(path))
            if here == real or here.startswith(real.rstrip(b"/") + b"/"):
                return None  # leads back up: a recursive listing would not end
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure):
        return None
    return attrs
