"""Ranged reads with several requests under way, each copied into the caller's buffer as it comes."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from warpdrive.adapters.blob.sftp.keys import REGULAR, info_of, path_of, version_of
from warpdrive.adapters.blob.sftp.pool import Session
from warpdrive.application.ports.errors import (
    ObjectNotFound,
    RangeNotSatisfiable,
    ShortBody,
    VersionChanged,
)
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import ObjectInfo, ObjectVersion

if TYPE_CHECKING:
    import asyncssh

_PIECE = 255 * 1024
"""Bytes per request: OpenSSH answers with at most 256 KiB less the packet's own kibibyte."""
_AHEAD = 12
"""Requests under way for one read: 3 MiB, more than a channel's window holds."""


async def read_range(
    session: Session,
    root: str,
    key: str,
    offset: int,
    into: memoryview,
    *,
    version: ObjectVersion | None,
    sink: BodySink | None,
) -> ObjectInfo:
    """Fill `into`. The status is looked at before the file is opened (a FIFO would hang the server's process)."""
    path = path_of(root, key)
    attrs = await session.ask(session.client.stat(path))
    info = info_of(key, attrs) if attrs.type == REGULAR else None
    if info is None:
        raise ObjectNotFound(f"{key!r} is not a file")
    if version is not None and info.version != version:
        raise VersionChanged(f"{key!r} is {info.version}, not {version}")
    if offset >= info.size:
        raise RangeNotSatisfiable(f"{key!r} has {info.size} bytes, none at {offset}")
    file = await session.ask(session.client.open(path, "rb", encoding=None, block_size=_PIECE))
    try:
        if sink is not None:
            sink.started(info)
        await _fill(session, file, info, offset, into, sink)
    finally:
        session.later(file.close())
    return info


async def _fill(
    session: Session,
    file: "asyncssh.SFTPClientFile",
    info: ObjectInfo,
    offset: int,
    into: memoryview,
    sink: BodySink | None,
) -> None:
    """Keep up to _AHEAD pieces under way and announce them in order.

    Behind each piece the file's status is asked again, before the piece is announced (R1). An error cancels
    the pieces under way before it leaves, so that nothing writes into the caller's buffer afterwards.
    """
    wanted = len(into)
    under_way: deque[tuple[int, asyncio.Task[int]]] = deque()
    sent = done = 0

    async def piece(start: int, stop: int) -> int:
        at = start
        while at < stop:
            data = cast("bytes", await session.ask(file.read(stop - at, offset + at)))
            if not data:
                break
            into[at : at + len(data)] = data
            at += len(data)
        after = await session.ask(file.stat())
        if version_of(after) != info.version:
            raise VersionChanged(f"{info.key!r} changed while it was read")
        return at

    try:
        while done < wanted:
            while sent < wanted and len(under_way) < _AHEAD:
                stop = min(sent + _PIECE, wanted)
                under_way.append((stop, asyncio.ensure_future(piece(sent, stop))))
                sent = stop
            stop, task = under_way[0]
            reached = await task
            under_way.popleft()
            if sink is not None and reached > done:
                sink.advanced(reached)
            done = stop
            if reached < stop:
                raise ShortBody(f"{info.key!r} ends at {offset + reached}", reached)
    finally:
        for _, task in under_way:
            task.cancel()
        await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)
