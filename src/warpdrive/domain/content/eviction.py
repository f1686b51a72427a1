"""Which blocks leave a full cache: a stable resident set, a small probation queue and a bounded memory of departed.

Training reads a data set again and again, in order or shuffled. When it is larger than the cache, recency (LRU) and
queues with a small-to-main promotion (S3-FIFO) evict each block shortly before its next use and keep almost
nothing. The idea taken from LIRS (Jiang and Zhang, SIGMETRICS 2002) is to compare *reuse distances*: a resident
set stays put, newcomers pass through probation, and one of them replaces the member that has been idle longest
only if its own reuse was clearly closer than that member's idleness and close enough to fit in the cache at all.

Time here is bytes accessed, so the rule means the same for any mix of block sizes. Nothing reads a clock or
draws a random number: the same calls give the same victims.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

STABLE_FRACTION = 0.95
"""Share of the capacity kept for the resident set; the rest lets newcomers prove themselves."""

IDLE_FACTOR = 2.0
"""A newcomer displaces a member only if the member was idle this many times longer than the newcomer was away.

In a cyclic scan both are equal, so nothing moves; in a shuffled epoch it keeps the churn small; after the working
set has moved the old members' idleness grows without bound, so it costs at most one more pass.
"""

STALE_FACTOR = 6
"""A member idle for this many capacities of accesses leaves the set whatever comes instead.

Shuffled epochs over twice the cache (2.5 capacities) leave a block idle for at most 5; a job that has ended would
otherwise keep the cache from the next one for good, if that one's data does not fit either.
"""

GHOST_FLOOR = 1024
"""The memory of departed blocks may hold this many even when few blocks are resident."""


@dataclass(slots=True)
class _Block:
    weight: int
    accessed: int
    """Position on the access clock (bytes) of the last counted access."""
    unread: bool
    """Stored ahead of its reader, whose first touch belongs to the same pass."""
    proven: bool
    """Was accessed again while known, at least once."""


class EvictionPolicy(Generic[K]):
    """Orders blocks of type `K` for eviction. `capacity`: bytes that remain after an eviction (low water)."""

    def __init__(self, capacity: int) -> None:
        if capacity <= 0:
            msg = f"capacity must be positive, not {capacity} bytes"
            raise ValueError(msg)
        self._horizon = capacity
        self._stable_limit = int(capacity * STABLE_FRACTION)
        self._now = 0
        # Invariant: a block is in exactly one of stable, read, unread. Each is ordered by last access, oldest first.
        self._stable: OrderedDict[K, _Block] = OrderedDict()
        self._read: OrderedDict[K, _Block] = OrderedDict()
        self._unread: OrderedDict[K, _Block] = OrderedDict()
        self._stable_bytes = 0
        # Departed blocks and when they were last accessed, oldest departure first.
        self._ghosts: OrderedDict[K, int] = OrderedDict()
        # Blocks whose reader came before their bytes: the coming insert is that reader's, not a prefetch.
        self._awaited: OrderedDict[K, None] = OrderedDict()

    def __contains__(self, block: K) -> bool:
        return block in self._stable or block in self._read or block in self._unread

    def __len__(self) -> int:
        return len(self._stable) + len(self._read) + len(self._unread)

    def weight(self, block: K) -> int:
        """Return the bytes recorded for the block; 0 when it is not resident."""
        state = self._find(block)
        return state.weight if state is not None else 0

    def insert(self, block: K, weight: int) -> None:
        """Add `weight` bytes to the block, which becomes resident. Growing a resident block is not an access."""
        state = self._find(block)
        if state is not None:
            state.weight += weight
            if block in self._stable:
                self._stable_bytes += weight
                self._trim_stable(block)
            return
        self._now += weight
        self._retire_stale()
        unread = True
        if block in self._awaited:
            del self._awaited[block]
            unread = False
        state = _Block(weight=weight, accessed=self._now, unread=unread, proven=False)
        departed = self._ghosts.pop(block, None)
        if departed is not None and self._displaces(self._now - departed):
            state.proven = True
            self._admit(block, state)
            self._trim_stable(block)
        elif self._stable_bytes + weight <= self._stable_limit:
            self._admit(block, state)
        else:
            self._queue(block, state)

    def restore(self, block: K, weight: int) -> None:
        """Add a block found at start: resident, of unknown age, its next touch counts as a reuse."""
        self._awaited[block] = None
        self.insert(block, weight)

    def touch(self, block: K) -> None:
        """Note that a reader entered the block; once per pass. The first touch after an insert ends that pass."""
        state = self._find(block)
        if state is None:
            self._awaited[block] = None
            if len(self._awaited) > GHOST_FLOOR:
                self._awaited.popitem(last=False)
            return
        if state.unread:
            state.unread = False
            if self._unread.pop(block, None) is not None:
                self._read[block] = state
            return
        self._now += state.weight
        reuse = self._now - state.accessed
        state.accessed = self._now
        if block in self._stable:
            state.proven = True
            self._stable.move_to_end(block)
        elif self._displaces(reuse):
            del self._read[block]
            state.proven = True
            self._admit(block, state)
            self._trim_stable(block)
        else:
            self._read.move_to_end(block)

    def victims(self, wanted: int, evictable: Callable[[K], bool]) -> list[tuple[K, int]]:
        """Remove and return blocks, worst first, with their weights, until `wanted` bytes are found or none is left.

        Order: what was read and is in probation, what was fetched ahead and never read, then the stable set.
        A block for which `evictable` says no stays resident.
        """
        chosen: list[tuple[K, int]] = []
        found = 0
        for queue in (self._read, self._unread, self._stable):
            if found >= wanted:
                break
            picked: list[K] = []
            for block, state in queue.items():
                if found >= wanted:
                    break
                if evictable(block):
                    picked.append(block)
                    found += state.weight
            for block in picked:
                state = queue.pop(block)
                if queue is self._stable:
                    self._stable_bytes -= state.weight
                chosen.append((block, state.weight))
                self._remember(block, state)
        return chosen

    def forget(self, block: K) -> int:
        """Drop the block without a trace (its bytes were wrong or are no longer wanted); return its weight."""
        self._ghosts.pop(block, None)
        state = self._stable.pop(block, None)
        if state is not None:
            self._stable_bytes -= state.weight
        else:
            state = self._read.pop(block, None) or self._unread.pop(block, None)
        return state.weight if state is not None else 0

    def forget_all(self, matches: Callable[[K], bool]) -> None:
        """Forget every resident block that matches; looks at all of them."""
        for block in [*self._stable, *self._read, *self._unread]:
            if matches(block):
                self.forget(block)

    def shrink(self, block: K, weight: int) -> None:
        """Take `weight` bytes off the block (single pages were dropped); at zero it is forgotten."""
        state = self._find(block)
        if state is None:
            return
        if weight >= state.weight:
            self.forget(block)
            return
        state.weight -= weight
        if block in self._stable:
            self._stable_bytes -= weight

    def _find(self, block: K) -> _Block | None:
        return self._stable.get(block) or self._read.get(block) or self._unread.get(block)

    def _displaces(self, reuse: int) -> bool:
        """Judge whether a reuse after `reuse` accessed bytes earns a stable place."""
        if reuse > self._horizon:
            return False
        if not self._stable:
            return True
        oldest = next(iter(self._stable.values()))
        return self._now - oldest.accessed > reuse * IDLE_FACTOR

    def _admit(self, block: K, state: _Block) -> None:
        self._stable[block] = state
        self._stable_bytes += state.weight

    def _queue(self, block: K, state: _Block) -> None:
        (self._unread if state.unread else self._read)[block] = state

    def _retire_stale(self) -> None:
        while self._stable:
            block, state = next(iter(self._stable.items()))
            if self._now - state.accessed <= self._horizon * STALE_FACTOR:
                return
            del self._stable[block]
            self._stable_bytes -= state.weight
            self._queue(block, state)

    def _trim_stable(self, grown: K) -> None:
        """Move members to probation until the set fits: the one that grew if nothing speaks for it, else the idle."""
        while self._stable_bytes > self._stable_limit and len(self._stable) > 1:
            block = grown
            if self._stable[grown].proven:
                block = next(iter(self._stable))
                if block == grown:
                    self._stable.move_to_end(grown)
                    continue
            state = self._stable.pop(block)
            self._stable_bytes -= state.weight
            self._queue(block, state)
            if block == grown:
                return

    def _remember(self, block: K, state: _Block) -> None:
        self._ghosts[block] = state.accessed
        limit = max(GHOST_FLOOR, len(self))
        while self._ghosts:
            oldest = next(iter(self._ghosts))
            if len(self._ghosts) <= limit and self._now - self._ghosts[oldest] <= self._horizon:
                break
            del self._ghosts[oldest]
