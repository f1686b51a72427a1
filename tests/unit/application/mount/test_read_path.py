"""The way of a byte: right bytes from cache, fetches and both; cancelled readers; filling without deadlock."""

import anyio
import pytest

from tests.support.read_half import BLOCK, PAGE, ReadHalf, as_asked, fetches_of, only_fetch, pattern, reading
from warpdrive.application.mount.contents import Content
from warpdrive.application.ports.errors import Unavailable, VersionChanged

DATA = pattern(4 * BLOCK + 1234)


async def read(half: ReadHalf, content: Content, start: int, stop: int) -> bytes:
    """Read and copy."""
    data, _ = await half.read_path.read(content, start, stop - start, as_asked)
    return bytes(data)


async def test_a_read_is_put_together_from_cache_and_fetches() -> None:
    """Pages recorded, pages under way and pages that nobody has asked for, in one read."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        await half.read_path.fill(content, PAGE, 2 * PAGE, lambda _: None)
        half.scheduler.ahead(content, 3 * PAGE, 4 * PAGE)
        assert await read(half, content, 10, 5 * PAGE + 7) == DATA[10 : 5 * PAGE + 7]
        assert sorted(half.asked) == [(0, PAGE), (PAGE, PAGE), (2 * PAGE, PAGE), (3 * PAGE, PAGE), (4 * PAGE, 2 * PAGE)]


async def test_the_short_last_page_is_read_to_the_objects_end() -> None:
    """No request goes past the end."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        assert await read(half, content, 4 * BLOCK, len(DATA)) == DATA[4 * BLOCK :]
        assert half.asked == [(4 * BLOCK, 1234)]


async def test_readers_of_the_same_bytes_share_one_fetch() -> None:
    """Single flight, each with its own part."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        parts: dict[int, bytes] = {}

        async def one(start: int) -> None:
            parts[start] = await read(half, content, start, start + 1000)

        async with anyio.create_task_group() as readers:
            for start in (0, 20_000, 60_000):
                readers.start_soon(one, start)
        assert parts == {start: DATA[start : start + 1000] for start in (0, 20_000, 60_000)}
        assert half.asked == [(0, PAGE)]


async def test_a_cancelled_reader_takes_its_fetch_along_and_the_next_one_starts_anew() -> None:
    """The one that comes in the same moment is not served by what is being given up."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        gate = half.hold_bodies()
        scope = anyio.CancelScope()

        async def impatient() -> None:
            with scope:
                await read(half, content, 0, PAGE)

        half.tasks.start_soon(impatient)
        await half.quiet()
        scope.cancel()
        half.let_bodies(gate)
        assert await read(half, content, 0, PAGE) == DATA[:PAGE]
        await half.quiet()
        assert half.asked in ([(0, PAGE)], [(0, PAGE), (0, PAGE)])
        half.scheduler.drop_lingering()
        assert half.pool.in_use == 0


async def test_a_fault_reaches_every_reader_once_and_the_next_read_asks_again() -> None:
    """No fault is remembered."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        half.reader.faults.append(Unavailable("reset"))
        with pytest.raises(Unavailable):
            await read(half, content, 0, PAGE)
        assert await read(half, content, 0, PAGE) == DATA[:PAGE]


async def test_a_cache_that_does_not_keep_its_word_is_read_around() -> None:
    """Pages that are recorded and cannot be read: asked of the backend in the end, not for ever."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        await half.read_path.fill(content, 0, 2 * PAGE, lambda _: None)
        half.scheduler.drop_lingering()
        content.cached = Liar(content)
        assert await read(half, content, 100, 2 * PAGE) == DATA[100 : 2 * PAGE]


class Liar:
    """A cached object that has everything and can read nothing."""

    def __init__(self, content: Content) -> None:
        self._inner = content.cached
        self.size = content.size
        self.cached_bytes = content.size

    def peek(self, offset: int, length: int) -> memoryview | None:
        """Nothing is resident."""
        del offset, length
        return None

    async def read(self, offset: int, length: int) -> bytes | memoryview | None:
        """Nothing is readable."""
        del offset, length
        return None

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """Nothing is missing."""
        del start, stop
        return None

    async def store(self, offset: int, data: memoryview) -> bool:
        """Like the inner one."""
        return await self._inner.store(offset, data)

    def touch(self, block: int) -> None:
        """Nobody asks."""

    def pin(self, block: int) -> None:
        """Nobody asks."""

    def unpin(self, block: int) -> None:
        """Nobody asks."""

    def close(self) -> None:
        """Close the inner one."""
        self._inner.close()


async def test_peek_serves_from_a_fetch_what_has_arrived_and_no_more() -> None:
    """The bytes past what is filled are another fetch's leftovers."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        fetch = half.scheduler.demand(content, 0, BLOCK)
        await fetch.wait(1)
        filled = fetch.filled
        assert filled < BLOCK
        assert bytes(half.read_path.peek(content, 0, filled) or b"") == DATA[:filled]
        assert half.read_path.peek(content, 0, filled + 1) is None
        await fetch.ended.wait()
        assert half.read_path.peek(content, BLOCK - 1, 2) is None, "past the end of the fetch"


async def test_a_reader_never_waits_behind_prefetches_not_even_for_headers() -> None:
    """Opening past `attr_ttl` waits for the headers of a fetch that prefetch had queued: it goes to the front."""
    async with reading({"f": DATA, "g": DATA}, max_parallel=1) as half:
        busy, content = await half.content("g"), await half.content("f")
        gate = half.hold_bodies()
        for at in range(3):
            half.scheduler.ahead(busy, at * BLOCK, (at + 1) * BLOCK)
        half.scheduler.ahead(content, 0, BLOCK)
        fetch = half.read_path.start(content, 0, 1, as_asked)
        assert fetch is not None
        half.tasks.start_soon(half.read_path.wait_started, fetch)
        await half.quiet()
        half.let_bodies(gate)
        await fetch.wait_started()
        assert [key for key, _, _ in half.reader.requests] == ["g", "f"]


async def test_filling_brings_what_is_missing_once_and_says_how_much() -> None:
    """A second fill asks for nothing."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        counts: list[int] = []
        await half.read_path.fill(content, 0, len(DATA), counts.append)
        assert (sum(counts), content.cached.missing(0, len(DATA))) == (len(DATA), None)
        await half.read_path.fill(content, 0, len(DATA), counts.append)
        assert (sum(counts), sum(length for _, length in half.asked)) == (len(DATA), len(DATA))
        half.scheduler.drop_lingering()
        assert half.pool.in_use == 0


async def test_filling_joins_a_reader_and_outlives_it() -> None:
    """The reader that started the fetch is cancelled: filling asks again for what it still lacks."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        gate = half.hold_bodies()
        scope = anyio.CancelScope()

        async def impatient() -> None:
            with scope:
                await read(half, content, 0, PAGE)

        half.tasks.start_soon(impatient)
        await half.quiet()
        half.tasks.start_soon(half.read_path.fill, content, 0, PAGE, lambda _: None)
        await half.quiet()
        scope.cancel()
        half.let_bodies(gate)
        await half.quiet()
        assert content.cached.missing(0, PAGE) is None


async def test_a_fault_ends_filling_and_holds_nothing_back() -> None:
    """The fetches beside the failed one end by themselves, and all buffers come back."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        half.reader.faults.append(Unavailable("reset"))
        with pytest.raises(Unavailable):
            await half.read_path.fill(content, 0, len(DATA), lambda _: None)
        await half.quiet()
        half.scheduler.drop_lingering()
        assert (half.pool.in_use, content.fetches) == (0, [])


async def test_many_files_are_filled_within_a_small_memory_limit() -> None:
    """Whoever waits for room holds no buffer that another one's fetch needs."""
    objects = {f"f{n}": pattern(12 * PAGE, n) for n in range(16)}
    async with reading(objects, limit=4 * PAGE, block=PAGE, max_parallel=16) as half:
        async with anyio.create_task_group() as warming:
            for name in objects:
                warming.start_soon(fill_whole, half, name)
        for name, data in objects.items():
            assert half.cache.cached_bytes((await half.content(name)).content_id, len(data)) == len(data)


async def fill_whole(half: ReadHalf, name: str) -> None:
    """Fill one file."""
    content = await half.content(name)
    await half.read_path.fill(content, 0, content.size, lambda _: None)
    content.unhold()


async def test_a_changed_version_is_said_and_never_mixed() -> None:
    """Every fetch is made under the pinned version."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        assert await read(half, content, 0, PAGE) == DATA[:PAGE]
        half.mount.put("/d", "f", pattern(len(DATA), 2))
        with pytest.raises(VersionChanged):
            await read(half, content, 0, 2 * PAGE)
        assert await read(half, content, 0, PAGE) == DATA[:PAGE], "what is cached of the version is still served"


async def test_what_a_reader_has_passed_is_let_go() -> None:
    """Only what ends before the offset; the rest may still be wanted."""
    async with reading({"f": DATA}) as half:
        half.cache.refuse = True
        content = await half.content("f")
        for at in (0, BLOCK):
            await half.scheduler.ahead(content, at, at + BLOCK).ended.wait()
        await half.quiet()
        half.read_path.passed(content, 2 * BLOCK - 1)
        assert fetches_of(content) == [(BLOCK, 2 * BLOCK, False)]
        half.read_path.passed(content, 2 * BLOCK)
        assert content.fetches == []


async def test_a_fetch_started_for_one_page_covers_what_the_plan_wants() -> None:
    """Cut to what is missing and free."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        await half.read_path.fill(content, 2 * PAGE, 3 * PAGE, lambda _: None)
        half.scheduler.drop_lingering()
        assert half.read_path.start(content, 2 * PAGE, 2 * PAGE + 1, as_asked) is None
        half.hold_bodies()
        half.read_path.start(content, 1, 2, lambda _, __: (0, BLOCK))
        assert (only_fetch(content).start, only_fetch(content).stop) == (0, 2 * PAGE)
