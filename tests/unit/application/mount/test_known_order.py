"""A known order: fetched ahead of the opens, and no further."""

from collections.abc import Sequence

from tests.support.read_half import BLOCK, PAGE, ReadHalf, pattern, reading
from warpdrive.application.mount.known_order import KnownOrder
from warpdrive.application.mount.manifest import ManifestEntry

FILES = {f"f{n:03}": pattern(100, n) for n in range(100)}


def follow(half: ReadHalf, entries: Sequence[ManifestEntry]) -> KnownOrder:
    """Start a run."""
    order = KnownOrder(entries, half.mount.tree, half.prefetcher)
    half.tasks.start_soon(order.run)
    return order


def asked(half: ReadHalf) -> list[str]:
    """Keys of all requests, in order."""
    return [key for key, _, _ in half.reader.requests]


def entries(*numbers: int) -> list[ManifestEntry]:
    """Files by number."""
    return [ManifestEntry(f"/d/f{n:03}") for n in numbers]


async def test_the_first_files_are_fetched_before_any_open_and_then_it_waits() -> None:
    """In the manifest's order, not by name."""
    async with reading(FILES) as half:
        numbers = [n * 37 % 100 for n in range(100)]
        follow(half, entries(*numbers))
        await half.quiet()
        assert asked(half) == [f"f{n:03}" for n in numbers[:32]]


async def test_each_open_of_a_listed_file_moves_it_on() -> None:
    """Wherever the open comes from; opens of other files, and of files behind, do not."""
    async with reading(FILES) as half:
        order = follow(half, entries(*range(100)))
        await half.quiet()
        order.opened("/d/f009")
        order.opened("/d/f003")
        order.opened("/d/elsewhere")
        await half.quiet()
        assert asked(half) == [f"f{n:03}" for n in range(42)]


async def test_files_that_readers_have_passed_are_skipped() -> None:
    """Fetching behind the readers would only push out what they need next."""
    async with reading(FILES) as half:
        order = follow(half, entries(*range(100)))
        await half.quiet()
        order.opened("/d/f090")
        await half.quiet()
        assert asked(half)[32:] == [f"f{n:03}" for n in range(90, 100)]


async def test_a_file_named_again_moves_it_on_the_second_time_too() -> None:
    """Two epochs in one manifest: the second one's opens are not taken for the first one's."""
    async with reading({name: FILES[name] for name in list(FILES)[:40]}) as half:
        order = follow(half, entries(*range(40), *range(40)))
        for n in range(40):
            order.opened(f"/d/f{n:03}")
        await half.quiet()
        for n in range(10):
            order.opened(f"/d/f{n:03}")
        assert order.cursor == 50


async def test_opening_a_file_twice_does_not_jump_to_its_next_turn() -> None:
    """A header, then the body: two opens, one turn, when the next one is far away."""
    async with reading(FILES) as half:
        order = follow(half, entries(*range(40), *range(40)))
        order.opened("/d/f000")
        order.opened("/d/f000")
        assert order.cursor == 1


async def test_ranges_are_fetched_and_nothing_else() -> None:
    """A sampler knows which records it will read."""
    async with reading({"f000": pattern(4 * BLOCK)}) as half:
        follow(half, [ManifestEntry("/d/f000", ((0, 10), (2 * BLOCK, 2 * BLOCK + 1)))])
        await half.quiet()
        assert half.asked == [(0, PAGE), (2 * BLOCK, PAGE)]


async def test_a_file_that_is_not_there_costs_itself() -> None:
    """The reader will meet the error; the others are fetched."""
    async with reading(FILES) as half:
        order = follow(half, [ManifestEntry("/d/none"), ManifestEntry("/d"), *entries(1)])
        await half.quiet()
        assert asked(half) == ["f001"]
        assert order.failed == 2


async def test_files_larger_than_what_may_be_in_flight_are_fetched_whole() -> None:
    """It waits for room, again and again, and comes to an end."""
    async with reading({"f000": pattern(8 * BLOCK), "f001": pattern(BLOCK)}, limit=4 * BLOCK) as half:
        follow(half, entries(0, 1))
        await half.quiet()
        for name, size in (("f000", 8 * BLOCK), ("f001", BLOCK)):
            assert half.cache.cached_bytes((await half.content(name)).content_id, size) == size


async def test_a_stopped_run_asks_for_nothing_more() -> None:
    """Another order has taken its place."""
    async with reading(FILES) as half:
        order = follow(half, entries(*range(100)))
        await half.quiet()
        order.stop()
        order.opened("/d/f050")
        await half.quiet()
        assert len(half.asked) == 32
