"""Open contents: one per version however many open it, closed with the last hold."""

import anyio

from tests.support.read_half import BLOCK, PAGE, ReadHalf, pattern, reading
from warpdrive.adapters.cache.memory import MemoryCache, MemoryObject
from warpdrive.application.mount.contents import Content, Contents
from warpdrive.application.ports.objects import Digest
from warpdrive.application.ports.page_cache import ContentId

DATA = pattern(4 * BLOCK)


class SlowCache(MemoryCache):
    """Opens wait for `gate`; opens and closes are counted."""

    def __init__(self) -> None:
        super().__init__(1 << 20, BLOCK)
        self.gate = anyio.Event()
        self.opened = 0
        self.closed = 0

    async def open(self, content: ContentId, size: int, digest: Digest | None = None) -> MemoryObject:
        """Wait, then open."""
        await self.gate.wait()
        self.opened += 1
        cached = CountedObject(self, content, size)
        cached.digest = digest
        return cached


class CountedObject(MemoryObject):
    """Tells its cache when it is closed."""

    def __init__(self, cache: SlowCache, content: ContentId, size: int) -> None:
        super().__init__(cache, content, size)
        self._slow = cache

    def close(self) -> None:
        """Count."""
        self._slow.closed += 1


async def test_those_who_open_at_once_share_one_content() -> None:
    """Each cache entry that was opened in vain is closed again."""
    async with reading({"f": DATA}) as half:
        cache = SlowCache()
        contents = Contents(cache, half.counters)
        backend, info = await half.mount.tree.file_at("/d/f")
        found: list[Content] = []

        async def open_one() -> None:
            found.append(await contents.open(backend, info))

        async with anyio.create_task_group() as openers:
            for _ in range(3):
                openers.start_soon(open_one)
            await anyio.wait_all_tasks_blocked()
            cache.gate.set()
        assert len(set(found)) == 1
        assert cache.opened - cache.closed == 1
        for content in found:
            assert contents.find(backend, info) is content
            content.unhold()
        assert (cache.opened, contents.find(backend, info)) == (cache.closed, None)


async def test_a_cancelled_open_holds_nothing() -> None:
    """The next one starts from the beginning."""
    async with reading({"f": DATA}) as half:
        cache = SlowCache()
        contents = Contents(cache, half.counters)
        backend, info = await half.mount.tree.file_at("/d/f")
        with anyio.move_on_after(0):
            await contents.open(backend, info)
        assert contents.find(backend, info) is None
        cache.gate.set()
        (await contents.open(backend, info)).unhold()
        assert cache.opened == cache.closed == 1


async def test_two_versions_of_a_path_are_two_contents() -> None:
    """No byte of one is ever looked for in the other."""
    async with reading({"f": DATA}) as half:
        old = await half.content("f")
        half.mount.put("/d", "f", pattern(4 * BLOCK, 2))
        half.mount.clock.advance(61)
        half.mount.tree.supersede("/d/f")
        assert await half.content("f") is not old


async def test_a_fetch_keeps_its_content_open() -> None:
    """Its bytes still have to be stored."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        gate = half.hold_bodies()
        fetch = half.scheduler.ahead(content, 0, PAGE)
        content.unhold()
        assert is_open(half, content)
        half.let_bodies(gate)
        await fetch.ended.wait()
        half.scheduler.drop_lingering()
        assert not is_open(half, content)


def is_open(half: ReadHalf, content: Content) -> bool:
    """Whether the table still has it."""
    return content.content_id in half.contents._open


async def test_positions_and_gaps_between_fetches() -> None:
    """What `find` and `clear_of_fetches` say about a content with two fetches under way."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        half.hold_bodies()
        first = half.scheduler.ahead(content, PAGE, 2 * PAGE)
        second = half.scheduler.ahead(content, 4 * PAGE, 5 * PAGE)
        assert [content.find(at) for at in (0, PAGE, 2 * PAGE - 1, 2 * PAGE, 4 * PAGE)] == [
            None,
            first,
            first,
            None,
            second,
        ]
        assert content.clear_of_fetches(0, 3 * PAGE) == (0, PAGE)
        assert content.clear_of_fetches(2 * PAGE, 9 * PAGE) == (2 * PAGE, 4 * PAGE)
        assert content.clear_of_fetches(5 * PAGE, 9 * PAGE) == (5 * PAGE, 9 * PAGE)
