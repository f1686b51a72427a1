"""A body of any length, cut into the parts of a multipart upload."""

from collections.abc import AsyncIterable, AsyncIterator

MIB = 1024 * 1024
PART_SIZE = 8 * MIB
"""Smallest part sent; S3 wants at least 5 MiB."""
MAX_PARTS = 10_000
"""S3's own limit."""
_DOUBLE_EVERY = 1000
"""Without a known size parts double each thousand, so 10,000 of them hold more than the largest object (5 TiB)."""


def part_size(number: int, size: int | None) -> int:
    """Bytes of part `number` (1, 2, ...) of a body of `size` bytes, or of unknown size."""
    if size is None:
        return PART_SIZE << ((number - 1) // _DOUBLE_EVERY)
    least = -(-size // MAX_PARTS)
    return max(PART_SIZE, -(-least // MIB) * MIB)


async def cut(body: AsyncIterable[bytes | memoryview], size: int | None) -> AsyncIterator[bytes]:
    """Yield the parts in order, the last one shorter; an empty body is one empty part."""
    number = 1
    wanted = part_size(number, size)
    held = bytearray()
    async for piece in body:
        view = memoryview(piece).cast("B")
        while len(view):
            room = wanted - len(held)
            held += view[:room]
            view = view[room:]
            if len(held) == wanted and len(view):
                yield bytes(held)
                held.clear()
                number += 1
                wanted = part_size(number, size)
        # A full part waits for one more byte: it may be the last, and then the object needs no multipart upload.
    yield bytes(held)
