"""Bodies cut into parts."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.adapters.blob.http.parts import chained, in_parts, in_pieces
from warpdrive.application.ports.errors import ShortBody


async def _body(*pieces: bytes) -> AsyncIterator[bytes | memoryview]:
    for piece in pieces:
        yield memoryview(piece)


@given(pieces=st.lists(st.binary(max_size=20)), part_size=st.integers(1, 16))
async def test_parts_are_full_but_the_last_and_make_the_body(pieces: list[bytes], part_size: int) -> None:
    """However the pieces come, parts have one size, the last is shorter or full, and only it may be empty."""
    parts = [part async for part in in_parts(_body(*pieces), part_size, None, "x")]
    assert b"".join(parts) == b"".join(pieces)
    assert all(len(part) == part_size for part in parts[:-1])
    assert len(parts[-1]) <= part_size
    assert parts[-1] or len(parts) == 1


@pytest.mark.parametrize("size", [0, 5, 7, 100])
async def test_wrong_length_shows_before_the_last_part(size: int) -> None:
    """A body that is not as long as announced raises ShortBody; its last part is never given out."""
    given_out: list[bytes] = []

    async def consume() -> None:
        async for part in in_parts(_body(b"abc", b"def"), 4, size, "x"):
            given_out.append(part)  # noqa: PERF401 -- what came before the error is what is looked at

    with pytest.raises(ShortBody):
        await consume()
    assert len(b"".join(given_out)) <= 4


async def test_chained_part_comes_first() -> None:
    """A part that was looked at is not lost."""
    parts = in_parts(_body(b"abcdef"), 2, 6, "x")
    first = await anext(parts)
    assert [part async for part in chained(first, parts)] == [b"ab", b"cd", b"ef"]


async def test_pieces_make_the_content() -> None:
    """Large contents are handed to the socket in small pieces, all of them."""
    content = bytes(range(256)) * 5000
    pieces = [piece async for piece in in_pieces(content)]
    assert b"".join(pieces) == content
    assert len(pieces) == 5
