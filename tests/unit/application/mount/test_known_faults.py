"""Faults of the read path that are known and not mended yet; each turns red the day it is."""

import pytest

from tests.support.read_half import BLOCK, NOBODY, PAGE, pattern, reading
from warpdrive.application.mount.errors import StaleInode

DATA = pattern(8 * BLOCK)


@pytest.mark.xfail(strict=True, reason="Files._validate believes headers that were in before it asked")
async def test_headers_that_came_long_ago_confirm_nothing() -> None:
    """A fetch that lingers because the disk refused it was answered before the lifetime began (R2)."""
    async with reading({"f": DATA}) as half:
        half.cache.refuse = True
        inode = await half.mount.lookup("/d/f")
        inode.lookups += 1
        content = await half.content("f")
        await half.scheduler.ahead(content, 0, BLOCK).ended.wait()
        half.mount.clock.advance(61)
        half.mount.put("/d", "f", pattern(len(DATA), 2))
        with pytest.raises(StaleInode):
            await half.files.open(inode.number, writable=False, caller=NOBODY)


@pytest.mark.xfail(strict=True, reason="Prefetcher.follow drops planned ranges when nothing more may be in flight")
async def test_a_window_cut_short_for_want_of_room_is_taken_up_again() -> None:
    """Many handles share the bytes in flight: what did not fit is fetched ahead as soon as it does."""
    async with reading({"f": DATA, "g": DATA}, limit=8 * BLOCK) as half:
        content, other = await half.content("f"), await half.content("g")
        await half.read_path.fill(content, 0, BLOCK, lambda _: None)
        gate = half.hold_bodies()
        for at in range(4):
            half.scheduler.ahead(other, at * BLOCK, (at + 1) * BLOCK)
        assert half.scheduler.room_ahead() == 0
        handle = await half.open("f")
        await half.read(handle, 0, PAGE)
        await half.read(handle, PAGE, PAGE)
        half.let_bodies(gate)
        await half.quiet()
        await half.read(handle, 2 * PAGE, PAGE)
        await half.quiet()
        assert content.cached.missing(BLOCK, 2 * BLOCK) is None, "planned, refused for want of room, and forgotten"
