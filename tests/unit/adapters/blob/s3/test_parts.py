"""Cutting bodies into parts."""

from collections.abc import AsyncIterator

import pytest

from warpdrive.adapters.blob.s3.parts import MAX_PARTS, MIB, PART_SIZE, cut, part_size


async def _body(*pieces: bytes | memoryview) -> AsyncIterator[bytes | memoryview]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("length", "parts"),
    [(0, [0]), (5, [5]), (PART_SIZE, [PART_SIZE]), (PART_SIZE + 1, [PART_SIZE, 1]), (2 * PART_SIZE, [PART_SIZE] * 2)],
)
async def test_parts_are_full_but_for_the_last(length: int, parts: list[int]) -> None:
    """Whatever pieces the body comes in; an exact multiple has no empty part after it."""
    data = bytes(length)
    for step in (3 * MIB + 1, 20 * MIB):
        pieces = [memoryview(data)[at : at + step] for at in range(0, length, step)]
        assert [len(part) async for part in cut(_body(*pieces, b""), None)] == parts


async def test_the_bytes_stay_in_order() -> None:
    """Put together again they are the body."""
    data = bytes(range(256)) * (9 * MIB // 256)
    assert b"".join([part async for part in cut(_body(data[:100], data[100:]), len(data))]) == data


def test_no_object_needs_too_many_parts() -> None:
    """Five TiB fit, announced or not."""
    largest = 5 * 1024 * 1024 * MIB
    assert part_size(1, largest) * MAX_PARTS >= largest
    assert sum(part_size(number, None) for number in range(1, MAX_PARTS + 1)) >= largest
    assert part_size(1, 100) == PART_SIZE
