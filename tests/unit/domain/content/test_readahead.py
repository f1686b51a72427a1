"""What the readahead decides, from offsets alone."""

from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.content.pages import PAGE_SIZE, page_ceil, page_floor
from warpdrive.domain.content.readahead import HEAD_TOUCH, Pattern, Readahead

MIB = 1024 * 1024
BLOCK = 4 * MIB


def make(size: int = 1024 * MIB, first: int = 4, most: int = 16) -> Readahead:
    """A handle over a large object."""
    return Readahead(size, block_size=BLOCK, first_window=first, max_window=most)


def read(readahead: Readahead, offset: int, length: int) -> list[tuple[int, int]]:
    """One request: observe, then plan."""
    readahead.observe(offset, length)
    return readahead.plan()


def test_a_first_touch_at_the_start_fetches_one_request() -> None:
    """A reader that starts at 0 probably goes on, but nothing is known yet: one MiB, no prefetch."""
    readahead = make()
    assert read(readahead, 0, 4096) == []
    assert readahead.demand(0, 4096) == (0, HEAD_TOUCH)


def test_a_first_touch_inside_fetches_only_its_pages() -> None:
    """A random first touch drags no block along."""
    readahead = make()
    offset = 100 * MIB + 777
    assert read(readahead, offset, 65536) == []
    start, stop = readahead.demand(offset, offset + 65536)
    assert stop - start == 2 * PAGE_SIZE


def test_a_sequential_reader_gets_blocks_ahead() -> None:
    """The second request in a row makes it sequential: the rest of its block on demand, four blocks ahead."""
    readahead = make()
    read(readahead, 0, MIB)
    ahead = read(readahead, MIB, MIB)
    assert readahead.pattern is Pattern.SEQUENTIAL
    assert ahead == [(BLOCK * n, BLOCK * (n + 1)) for n in range(1, 5)]
    assert readahead.demand(MIB, 2 * MIB) == (MIB, BLOCK)


def test_the_window_grows_to_its_maximum_and_asks_for_each_range_once() -> None:
    """Crossing blocks doubles the window from 4 up to 16 blocks; no byte is planned twice, none is left out."""
    readahead = make()
    planned: list[tuple[int, int]] = []
    widest = 0
    for at in range(0, 200 * MIB, MIB):
        planned += read(readahead, at, MIB)
        widest = max(widest, planned[-1][1] - at if planned else 0)
    assert [start for start, _ in planned[1:]] == [stop for _, stop in planned[:-1]]
    assert 15 * BLOCK <= widest <= 18 * BLOCK


def test_requests_that_overtake_each_other_stay_sequential() -> None:
    """The kernel sends one read as several requests; they may swap places."""
    readahead = make()
    for at in (0, 1, 3, 2, 4, 6, 5, 7, 8):
        readahead.observe(at * MIB, MIB)
    assert readahead.pattern is Pattern.SEQUENTIAL


def test_one_seek_does_not_end_a_sequential_reader_but_two_do() -> None:
    """A jump is a seek; a habit of jumping is random access and stops the prefetch."""
    readahead = make()
    read(readahead, 0, MIB)
    read(readahead, MIB, MIB)
    read(readahead, 500 * MIB, MIB)
    assert readahead.pattern.value == "sequential"
    assert read(readahead, 90 * MIB, MIB) == []
    assert readahead.pattern.value == "random"


def test_equal_strides_are_foreseen() -> None:
    """After three equal jumps the next ones are fetched, and only their pages."""
    readahead = make()
    stride = 10 * MIB
    plans: list[tuple[int, int]] = []
    for n in range(1, 8):
        plans += read(readahead, 100 * MIB + n * stride, PAGE_SIZE)
    assert readahead.pattern is Pattern.STRIDED
    assert plans[0] == (page_floor(plans[0][0]), page_ceil(plans[0][0] + PAGE_SIZE))
    assert all((start - 100 * MIB) % stride == 0 for start, _ in plans)
    assert len(plans) == len(set(plans))


@given(
    st.integers(min_value=1, max_value=64 * MIB),
    st.lists(st.tuples(st.integers(min_value=0), st.integers(min_value=1, max_value=2 * MIB)), max_size=40),
)
def test_every_decision_stays_inside_the_object_and_covers_the_demand(
    size: int, requests: list[tuple[int, int]]
) -> None:
    """Whatever is read: demands cover their request in whole pages, plans are non-empty ranges of the object."""
    readahead = make(size)
    for raw_offset, raw_length in requests:
        offset = raw_offset % size
        length = min(raw_length, size - offset)
        plans = read(readahead, offset, length)
        start, stop = readahead.demand(offset, offset + length)
        assert start % PAGE_SIZE == 0
        assert stop % PAGE_SIZE == 0 or stop == size
        assert start <= offset
        assert offset + length <= stop <= size
        for begin, end in plans:
            assert 0 <= begin < end <= size


@given(st.lists(st.integers(min_value=0, max_value=1023 * MIB), min_size=2, max_size=60))
def test_random_readers_of_64_kib_are_never_given_more_than_four_times_their_bytes(offsets: list[int]) -> None:
    """The goal for cold random reads, as a property of the decision (a first touch at 0 may start a sequence)."""
    readahead = make()
    asked = fetched = 0
    for each in offsets:
        offset = max(PAGE_SIZE, each)
        readahead.observe(offset, PAGE_SIZE)
        if readahead.pattern is Pattern.RANDOM:
            start, stop = readahead.demand(offset, offset + PAGE_SIZE)
            asked += PAGE_SIZE
            fetched += stop - start
    assert fetched <= 4 * asked


def test_what_was_postponed_is_planned_again_with_the_same_window() -> None:
    """The ranges that found no room come back, and asking again is no sign of a reader that keeps up."""
    readahead = make()
    read(readahead, 0, MIB)
    planned = read(readahead, MIB, MIB)
    for _ in range(3):
        readahead.postpone(planned[1][0])
        assert readahead.plan() == planned[1:]
    assert readahead.plan() == []
