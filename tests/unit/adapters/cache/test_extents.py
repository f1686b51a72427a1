"""Page tables and their rows."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.adapters.cache.extents import (
    SUSPECT,
    VERIFIED,
    ExtentRow,
    PageTable,
    block_weights,
    pack_bitmap,
    unpack_bitmap,
    unrecorded_runs,
)
from warpdrive.domain.content.pages import PAGE_SIZE, PAGES_PER_EXTENT


def sums(count: int, seed: int = 1) -> bytes:
    """Make checksums up."""
    return random.Random(seed).randbytes(8 * count)


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=300))
def test_bitmaps_round_trip(states: list[int]) -> None:
    """A packed extent unpacks to the same pages, all of one trust."""
    bitmap = pack_bitmap(bytes(states))
    assert bool(bitmap) == any(states)
    assert unpack_bitmap(bitmap, len(states), VERIFIED) == bytes(VERIFIED if state else 0 for state in states)


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_unrecorded_runs_are_the_holes(states: list[int], first: int, stop: int) -> None:
    """Runs cover exactly the missing pages and never touch."""
    first, stop = sorted((min(first, len(states)), min(stop, len(states))))
    runs = unrecorded_runs(bytes(states), first, stop)
    covered = [page for start, end in runs for page in range(start, end)]
    assert covered == [page for page in range(first, stop) if not states[page]]
    assert all(runs[at][1] < runs[at + 1][0] for at in range(len(runs) - 1))


def test_records_cross_extents() -> None:
    """Pages on both sides of an extent's end are recorded in both, with their own checksums."""
    table = PageTable((PAGES_PER_EXTENT + 10) * PAGE_SIZE)
    fresh = table.record(PAGES_PER_EXTENT - 2, sums(5))
    assert fresh == 5 * PAGE_SIZE
    other = PageTable(table.size)
    for extent in (0, 1):
        assert other.load(extent, table.row(extent))
    assert other.states == table.states
    assert other.recorded == table.recorded
    assert [other.checksum(PAGES_PER_EXTENT - 2 + page) for page in range(5)] == [
        sums(5)[8 * page : 8 * page + 8] for page in range(5)
    ]


def test_suspect_pages_are_not_held_until_verified() -> None:
    """A row from before an unclean shutdown counts as recorded, but is served only after its checksum matched."""
    table = PageTable(3 * PAGE_SIZE)
    table.record(0, sums(3))
    later = PageTable(table.size)
    assert later.load(0, table.row(0)._replace(suspect=True))
    assert later.recorded_all(0, 3)
    assert not later.holds(0, PAGE_SIZE)
    right = [sums(3)[8 * page : 8 * page + 8] for page in range(3)]
    assert later.verify(0, [right[0], b"wrong", right[2]]) == [1]
    assert later.holds(0, PAGE_SIZE)
    assert later.suspects == 1
    assert later.drop(1, 2) == PAGE_SIZE
    assert later.suspects == 0
    assert later.states.count(SUSPECT) == 0


@pytest.mark.parametrize(
    "row",
    [
        ExtentRow(b"\x01", bytes(8), suspect=False),
        ExtentRow(b"\x01\x01", bytes(24), suspect=False),
        ExtentRow(b"\x01", bytes(25), suspect=False),
    ],
)
def test_a_row_of_another_shape_is_refused(row: ExtentRow) -> None:
    """A row that does not fit the object's size records nothing."""
    table = PageTable(3 * PAGE_SIZE)
    assert not table.load(0, row)
    assert table.recorded == 0
    assert not table.load(1, ExtentRow(b"\x07", bytes(24), suspect=False))


@given(st.sets(st.integers(0, 69)), st.sampled_from([1, 2, 16, 64]))
def test_block_weights_are_what_the_table_records(pages: set[int], per_block: int) -> None:
    """Weights read from a bitmap at start equal those counted while storing; the tail counts its real length."""
    table = PageTable(70 * PAGE_SIZE - 100)
    for page in pages:
        table.record(page, sums(1))
    row = table.row(0)
    weights = dict(block_weights(row.bitmap, 0, table.size, per_block * PAGE_SIZE)) if row.bitmap else {}
    expected: dict[int, int] = {}
    for page in pages:
        block = page // per_block
        expected[block] = expected.get(block, 0) + (PAGE_SIZE - 100 if page == 69 else PAGE_SIZE)
    assert weights == expected
    assert sum(weights.values()) == table.recorded
