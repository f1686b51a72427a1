"""Publishing files on a server: staged beside their place, then there in one step.

- A create (`Absent`) is a hard link (OpenSSH's extension), which the server refuses when the name exists:
  atomic.
- A replace looks at the version, then renames over it (`posix-rename`): best effort, there is no lock
  between.
- There is no room for metadata in SFTP: asked for, it is Unsupported before a byte is sent.
"""

import os
import uuid
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from warpdrive.adapters.blob.sftp.keys import REGULAR, STAGED_PREFIX, info_of, path_of, version_of
from warpdrive.adapters.blob.sftp.pool import Session
from warpdrive.application.ports.errors import (
    BackendMisconfigured,
    ObjectNotFound,
    ShortBody,
    Unsupported,
    VersionChanged,
)
from warpdrive.application.ports.object_writer import Absent, Precondition
from warpdrive.application.ports.objects import ObjectInfo, ObjectVersion

if TYPE_CHECKING:
    import asyncssh

_PIECE = 1024 * 1024


async def write(
    session: Session,
    root: str,
    key: str,
    body: AsyncIterable[bytes | memoryview],
    size: int | None,
    precondition: Precondition,
) -> ObjectInfo:
    """Stage the body, then publish it. Whatever fails, the staged file goes."""
    path = path_of(root, key)
    if not key or key.endswith("/"):
        raise Unsupported(f"{key!r} can be no file")
    parent = os.path.dirname(path)  # noqa: PTH120  # a remote path, in bytes
    await _make_parents(session, root, parent)
    staged = parent + b"/" + os.fsencode(f"{STAGED_PREFIX}{uuid.uuid4().hex}")
    published = False
    file = await session.ask(session.client.open(staged, "xb", encoding=None))
    try:
        try:
            written = await _send(session, file, body)
            if size is not None and written != size:
                raise ShortBody(f"{key!r}: the body has {written} bytes, {size} were announced", written)
            await _sync(session, file)
            attrs = await session.ask(file.stat())
        finally:
            session.later(file.close())
        published = await _publish(session, key, path, staged, precondition)
    finally:
        if not published:
            session.later(session.client.remove(staged))
    info = info_of(key, attrs)
    assert info is not None
    return info


async def _send(session: Session, file: "asyncssh.SFTPClientFile", body: AsyncIterable[bytes | memoryview]) -> int:
    written = 0
    async for part in body:
        view = memoryview(part)
        for start in range(0, len(view), _PIECE):
            piece = bytes(view[start : start + _PIECE])
            await session.ask(file.write(piece, written))
            written += len(piece)
    return written


async def _sync(session: Session, file: "asyncssh.SFTPClientFile") -> None:
    import asyncssh  # noqa: PLC0415  # a Rust extension comes with it: only where SFTP is used

    # A server without fsync@openssh.com writes when it likes; there is nothing better to ask for.
    with suppress(asyncssh.SFTPOpUnsupported):
        await session.ask(file.fsync())


async def _make_parents(session: Session, root: str, parent: bytes) -> None:
    if not await session.ask(session.client.isdir(os.fsencode(root))):
        raise BackendMisconfigured(f"the root {root!r} is not a directory there")
    await session.ask(session.client.makedirs(parent, exist_ok=True))


async def _publish(session: Session, key: str, path: bytes, staged: bytes, precondition: Precondition) -> bool:
    """Give the staged file its name; returns whether the staged name is gone."""
    import asyncssh  # noqa: PLC0415  # a Rust extension comes with it: only where SFTP is used

    client = session.client
    if isinstance(precondition, Absent):
        try:
            await session.ask(client.link(staged, path))
        except asyncssh.SFTPFailure as error:  # protocol 3 has no word for "exists"
            if await session.ask(client.lexists(path)):
                raise VersionChanged(f"{key!r} exists already") from error
            raise
        return False
    if precondition is not None:
        try:
            await require(session, path=path, key=key, version=precondition)
        except (asyncssh.SFTPNoSuchFile, ObjectNotFound) as error:
            raise VersionChanged(f"{key!r} is gone, {precondition} was wanted") from error
    await session.ask(client.posix_rename(staged, path))
    return True


async def require(session: Session, *, path: bytes, key: str, version: ObjectVersion | None) -> ObjectInfo:
    """Look at the file. Raises ObjectNotFound unless it is one, VersionChanged unless it is `version`."""
    attrs = await session.ask(session.client.stat(path))
    info = info_of(key, attrs)
    if attrs.type != REGULAR or info is None:
        raise ObjectNotFound(f"{key!r} is not a file")
    if version is not None and version_of(attrs) != version:
        raise VersionChanged(f"{key!r} is {version_of(attrs)}, not {version}")
    return info


async def copy(session: Session, root: str, source: str, target: str, version: ObjectVersion | None) -> ObjectInfo:
    """Copy through us: not every server can by itself."""
    origin = path_of(root, source)
    before = await require(session, path=origin, key=source, version=version)
    file = await session.ask(session.client.open(origin, "rb", encoding=None))

    async def body() -> AsyncIterator[bytes]:
        at = 0
        while at < before.size:
            data = cast("bytes", await session.ask(file.read(_PIECE, at)))
            if not data:
                break
            at += len(data)
            yield data
        if version_of(await session.ask(file.stat())) != before.version:
            raise VersionChanged(f"{source!r} changed while it was copied")

    try:
        return await write(session, root, target, body(), before.size, None)
    finally:
        session.later(file.close())


async def delete(session: Session, root: str, key: str, version: ObjectVersion | None) -> None:
    """Remove the file, if it still is `version`: looked at first, without a lock between."""
    path = path_of(root, key)
    await require(session, path=path, key=key, version=version)
    await session.ask(session.client.remove(path))
