"""A body as parts of one size, however its pieces come; the first part tells small bodies from large ones."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

from warpdrive.application.ports.errors import ShortBody

_PIECE = 256 * 1024


async def in_parts(
    body: AsyncIterable[bytes | memoryview], part_size: int, size: int | None, what: str
) -> AsyncGenerator[bytes, None]:
    """Give parts of exactly `part_size` bytes, the last one shorter and possibly the only and empty one.

    A part is held back until the next begins, so the consumer may treat the last one differently. Raises
    ShortBody instead of the last part when the body's length turns out not to be `size`.
    """
    buffer = bytearray()
    total = 0
    async for piece in body:
        total += len(piece)
        if size is not None and total > size:
            raise ShortBody(f"{what}: the body is longer than the {size} bytes announced", total)
        rest = memoryview(piece)
        while rest:
            if len(buffer) == part_size:
                yield bytes(buffer)
                buffer.clear()
            room = part_size - len(buffer)
            buffer += rest[:room]
            rest = rest[room:]
    if size is not None and total != size:
        raise ShortBody(f"{what}: the body has {total} of the {size} bytes announced", total)
    yield bytes(buffer)


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    """Give `content` in pieces that a socket takes at once; in one piece it would hold up the event loop."""
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]


async def chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Put a part that was looked at back in front of the others."""
    yield first
    async for part in rest:
        yield part
