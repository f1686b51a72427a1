"""Room in the cache: what is used and promised, who must wait, and the eviction that makes more.

The order in which a block leaves: its pages are cleared on the loop (from then on nobody can read them), the
cleared record is written to the index, then the hole is punched or the file unlinked. Between the first and the last
step the block is *departing*: stores into it wait, so that the hole cannot swallow fresh bytes.

If the index cannot be written (the disk is full, which is why we evict) the hole is punched nevertheless: the change
stays pending, and should the process die first, the next start finds an unclean index and verifies every page.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from warpdrive.adapters.cache.departure import Departure, FreedSpace, give_back
from warpdrive.adapters.cache.files import ObjectFile
from warpdrive.adapters.cache.object import DiskObject
from warpdrive.adapters.cache.record import Recorder
from warpdrive.adapters.cache.workers import Workers
from warpdrive.domain.content.eviction import EvictionPolicy
from warpdrive.domain.content.pages import PAGE_SIZE

BlockId = tuple[bytes, int]

BATCH_BYTES = 64 * 1024 * 1024
"""Evicted in one go; bounds how long a store into a departing block waits."""


class Room:
    """Accounts for bytes and evicts. `find` returns an object in memory, `load` brings one there."""

    def __init__(
        self,
        max_bytes: int,
        high_water: float,
        low_water: float,
        *,
        recorder: Recorder,
        workers: Workers,
        find: Callable[[bytes], DiskObject | None],
        load: Callable[[bytes], Awaitable[DiskObject | None]],
        loading: Callable[[bytes], bool],
        discard: Callable[[DiskObject], None],
        path_of: Callable[[bytes], str],
    ) -> None:
        self.max_bytes = max_bytes
        self._high = int(max_bytes * high_water)
        self._low = int(max_bytes * low_water)
        self.policy: EvictionPolicy[BlockId] = EvictionPolicy(max(self._low, 1))
        self.per_object: dict[bytes, int] = {}
        """Recorded bytes of every object that has any; the set of known objects."""
        self.used = 0
        self.evicted_blocks = 0
        self.evicted_bytes = 0
        self._in_flight = 0
        self._leaving = 0
        self._reading = 0
        self._wanted = 0
        self._departing: dict[bytes, Departure] = {}
        self._pressure = asyncio.Event()
        self._waiting: list[asyncio.Future[bool]] = []
        self._recorder = recorder
        self._workers = workers
        self._find, self._load, self._loading = find, load, loading
        self._discard, self._path_of = discard, path_of

    def restore(self, identity: bytes, block: int, weight: int) -> None:
        """Account for a block found at start."""
        self.policy.restore((identity, block), weight)
        self.per_object[identity] = self.per_object.get(identity, 0) + weight
        self.used += weight

    def add(self, identity: bytes, block: int, weight: int) -> None:
        """Account for newly recorded bytes of a block."""
        self.policy.insert((identity, block), weight)
        self.per_object[identity] = self.per_object.get(identity, 0) + weight
        self.used += weight

    def remove(self, identity: bytes, block: int, weight: int) -> None:
        """Account for bytes of a block that were dropped other than by eviction."""
        self.policy.shrink((identity, block), weight)
        self._subtract(identity, weight)

    def forget(self, identity: bytes) -> None:
        """Stop accounting for an object whose rows turned out unusable."""
        self.policy.forget_all(lambda key: key[0] == identity)
        self._subtract(identity, self.per_object.get(identity, 0))

    async def reserve(self, obj: DiskObject, first: int, stop: int) -> int | None:
        """Wait for departing blocks and for room, then hold the pages' blocks and promise what is unrecorded in them.

        Returns the bytes promised, for `settle`; None when there is no room.
        """
        blocks = obj.blocks(first, stop)
        while True:
            # Asked anew each time: while we waited, pages may have been evicted or stored by another.
            size = obj.table.unrecorded(first, stop)
            departure = self._departing.get(obj.identity)
            if departure is not None and departure.covers(blocks):
                await departure.over.wait()
            elif self.used + self._in_flight + self._leaving + size > self.max_bytes:
                if size > self.max_bytes or not await self._more(size):
                    return None
            else:
                break
        self._in_flight += size
        obj.hold(blocks)
        for block in blocks:
            obj.writing[block] = obj.writing.get(block, 0) + 1
        return size

    def settle(self, obj: DiskObject, blocks: range, size: int) -> None:
        """End what `reserve` began; starts an eviction at high water."""
        self._in_flight -= size
        obj.unhold(blocks)
        for block in blocks:
            count = obj.writing[block] - 1
            if count:
                obj.writing[block] = count
            else:
                del obj.writing[block]
        if self._waiting or self.used + self._in_flight > self._high:
            self._pressure.set()

    def reading(self, step: int) -> None:
        """Count reads under way (+1, -1); the end of one may let a block go that a store waits for."""
        self._reading += step
        if step < 0 and self._waiting:
            self._pressure.set()

    async def relieve(self, size: int) -> bool:
        """Evict for a full disk whatever the water says."""
        return await self._evict(max(size, BATCH_BYTES), limit=max(size, BATCH_BYTES)) > 0

    async def vacate(self, obj: DiskObject, blocks: range) -> None:
        """Punch what is unrecorded in the blocks, unless someone else is writing there or the blocks are leaving."""
        if obj.identity in self._departing or any(block in obj.writing for block in blocks):
            return
        ranges = [hole for block in blocks for hole in obj.holes(block)]
        departure = self._departing[obj.identity] = Departure(set(blocks))
        obj.hold(blocks)
        try:
            await self._workers.on_file(give_back, [FreedSpace(obj.file, ranges)])
        finally:
            obj.unhold(blocks)
            self._arrive(obj.identity, departure)

    async def evict(self, identity: bytes) -> int:
        """Evict what can go of one object; return the bytes freed."""
        while (departure := self._departing.get(identity)) is not None:
            await departure.over.wait()
        chosen: list[tuple[BlockId, int]] = []
        left = self.per_object.get(identity, 0)
        block = 0
        # Not departing, so the policy's weights of the object add up to its recorded bytes.
        while left > 0 and not self._loading(identity):
            key = (identity, block)
            weight = self.policy.weight(key)
            left -= weight
            block += 1
            if weight and self._evictable(key):
                self.policy.forget(key)
                chosen.append((key, weight))
        return await self._depart(chosen)

    async def run(self) -> None:
        """Evict for ever, from high water down to low water, and tell those who wait for room."""
        if self.used > self._high:
            # A smaller `max_size` than last time.
            self._pressure.set()
        while True:
            await self._pressure.wait()
            self._pressure.clear()
            while True:
                waiting, self._waiting = self._waiting, []
                over = self.used + self._in_flight + self._wanted - self._low
                freed = await self._evict(over, limit=BATCH_BYTES) if over > 0 else 0
                if over > 0 and not freed and (self._in_flight or self._reading):
                    # All that could go is being written or read just now: the end of any of these asks again.
                    self._waiting += waiting
                    break
                for waiter in waiting:
                    if not waiter.done():
                        waiter.set_result(freed > 0 or over <= 0)
                if not freed:
                    break

    async def _more(self, size: int) -> bool:
        """Wait for one round of eviction; False when it freed nothing."""
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._wanted += size
        self._pressure.set()
        try:
            return await waiter
        finally:
            self._wanted -= size

    async def _evict(self, wanted: int, limit: int) -> int:
        return await self._depart(self.policy.victims(min(wanted, limit), self._evictable))

    def _evictable(self, key: BlockId) -> bool:
        identity, block = key
        if identity in self._departing or self._loading(identity):
            return False
        obj = self._find(identity)
        return obj is None or block not in obj.holds

    async def _depart(self, chosen: list[tuple[BlockId, int]]) -> int:
        """Take blocks, which the policy has let go, through the steps in this module's docstring."""
        if not chosen:
            return 0
        by_object: dict[bytes, dict[int, int]] = {}
        for (identity, block), weight in chosen:
            by_object.setdefault(identity, {})[block] = weight
        departures = {}
        for identity, weights in by_object.items():
            whole = sum(weights.values()) == self.per_object.get(identity, 0)
            departures[identity] = self._departing[identity] = Departure(None if whole else set(weights))
        leaving, before = 0, self.evicted_bytes
        freed: list[FreedSpace] = []
        held: list[tuple[DiskObject, list[int]]] = []
        try:
            await self._bring(by_object, departures)
            # From here to the hand-over nothing awaits: what is cleared is sure to be given back.
            for identity, weights in by_object.items():
                obj = self._find(identity)
                if obj is not None:
                    self._clear(obj, weights, departures[identity], freed, held)
                elif departures[identity].blocks is None and not self._loading(identity):
                    self._account(identity, weights)
                    self._recorder.wipe(identity)
                    freed.append(FreedSpace(ObjectFile(self._path_of(identity), 0), None))
                else:
                    self._put_back(identity, weights)
            leaving = self.evicted_bytes - before
            self._leaving += leaving
            await self._recorder.commit(partial(give_back, freed))
        finally:
            self._leaving -= leaving
            for obj, blocks in held:
                obj.unhold(blocks)
            for identity, departure in departures.items():
                self._arrive(identity, departure)
        return leaving

    async def _bring(self, by_object: dict[bytes, dict[int, int]], departures: dict[bytes, Departure]) -> None:
        """Load the page tables of objects that lose only some of their blocks."""
        try:
            for identity, departure in departures.items():
                if departure.blocks is not None and self._find(identity) is None:
                    await self._load(identity)
        except BaseException:
            for identity, weights in by_object.items():
                self._put_back(identity, weights)
            raise

    def _put_back(self, identity: bytes, weights: dict[int, int]) -> None:
        for block, weight in weights.items():
            self.policy.insert((identity, block), weight)

    def _clear(
        self,
        obj: DiskObject,
        weights: dict[int, int],
        departure: Departure,
        freed: list[FreedSpace],
        held: list[tuple[DiskObject, list[int]]],
    ) -> None:
        """Clear the pages of an object's departing blocks and note what space that frees."""
        ranges = []
        gone: dict[int, int] = {}
        for block, weight in weights.items():
            if block in obj.holds:
                # A reader came while the object was loaded: the block stays.
                self.policy.insert((obj.identity, block), weight)
                continue
            first, stop = obj.block_pages(block)
            gone[block] = obj.table.drop(first, stop)
            ranges.append((first * PAGE_SIZE, stop * PAGE_SIZE))
            self._recorder.mark(obj, first, stop)
        self._account(obj.identity, gone)
        if obj.table.recorded or obj.holds:
            # Held until the hole is punched, so that nobody closes the descriptor under the job.
            obj.hold(gone)
            held.append((obj, list(gone)))
            freed.append(FreedSpace(obj.file, ranges))
            return
        departure.blocks = None
        self._recorder.wipe(obj.identity)
        if not obj.opens:
            self._discard(obj)
        freed.append(FreedSpace(obj.file, None))

    def _account(self, identity: bytes, weights: dict[int, int]) -> None:
        size = sum(weights.values())
        self.evicted_blocks += len(weights)
        self.evicted_bytes += size
        self._subtract(identity, size)

    def _subtract(self, identity: bytes, size: int) -> None:
        self.used -= size
        left = self.per_object.get(identity, 0) - size
        if left > 0:
            self.per_object[identity] = left
        else:
            self.per_object.pop(identity, None)

    def _arrive(self, identity: bytes, departure: Departure) -> None:
        if self._departing.get(identity) is departure:
            del self._departing[identity]
        departure.over.set()
