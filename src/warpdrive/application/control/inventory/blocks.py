"""A data file as a stream of blocks, checked against its manifest on the way."""

import zlib
from collections.abc import AsyncGenerator, Iterator
from hashlib import md5
from typing import Any, Final

from warpdrive.application.control.inventory.report import ReportFault, ReportFile
from warpdrive.application.ports.object_reader import ObjectReader

BLOCK: Final = 4 * 1024 * 1024
"""Bytes asked for at once."""
PIECE: Final = 512 * 1024
"""Bytes handed on at once: a few thousand rows, some milliseconds of work between two looks at the event loop."""

_GZIP: Final = zlib.MAX_WBITS | 16


async def raw_blocks(reader: ObjectReader, file: ReportFile) -> AsyncGenerator[memoryview, None]:
    """Yield the file's bytes, all of one version. A block is valid until the next is asked for.

    Raises ReportFault when size or checksum are not what the manifest says; any BackendError.
    """
    info = await reader.stat(file.key)
    if file.size is not None and info.size != file.size:
        raise ReportFault(f"{file.key} has {info.size} bytes, its manifest says {file.size}")
    digest = md5(usedforsecurity=False)
    block = bytearray(min(BLOCK, info.size))
    for offset in range(0, info.size, BLOCK):
        view = memoryview(block)[: min(BLOCK, info.size - offset)]
        await reader.read_range(file.key, offset, view, version=info.version)
        if file.md5:
            digest.update(view)
        yield view
    if file.md5 and digest.hexdigest() != file.md5:
        raise ReportFault(f"{file.key} has another checksum than its manifest says")


async def pieces(reader: ObjectReader, file: ReportFile) -> AsyncGenerator[bytes, None]:
    """Yield the file's content in small pieces, unpacked where its name ends in `.gz`. Raises like `raw_blocks`."""
    unpacking = _Unpacking(file.key) if file.key.endswith(".gz") else None
    async for block in raw_blocks(reader, file):
        for start in range(0, len(block), PIECE):
            piece = block[start : start + PIECE]
            if unpacking is None:
                yield bytes(piece)
            else:
                for unpacked in unpacking.feed(piece):
                    yield unpacked
    if unpacking is not None:
        unpacking.end()


class _Unpacking:
    """Unpacks gzip; several archives one after the other are one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._archive: Any = None

    def feed(self, packed: bytes | memoryview) -> Iterator[bytes]:
        """Yield what comes out, in small pieces. Raises ReportFault."""
        while True:
            if self._archive is None or (self._archive.eof and packed):
                self._archive = zlib.decompressobj(_GZIP)
            try:
                # Feeding nothing gives out what fitted into no piece before.
                piece = self._archive.decompress(packed, PIECE)
            except zlib.error as error:
                raise ReportFault(f"{self._name} is damaged: {error}") from error
            packed = self._archive.unused_data if self._archive.eof else self._archive.unconsumed_tail
            if piece:
                yield piece
            if not packed and (self._archive.eof or not piece):
                return

    def end(self) -> None:
        """Raise ReportFault when the archive is not whole."""
        if self._archive is not None and not self._archive.eof:
            raise ReportFault(f"{self._name} ends in the middle")
