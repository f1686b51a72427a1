"""Buffers for bytes in flight, under one hard budget (`cache.memory_limit`).

A buffer is charged from the moment a fetch starts until its bytes are stored and nobody reads them any more.
Demand reads are served before prefetches when memory is short. Freed block-sized buffers are kept for reuse:
a fresh 4 MiB costs about a thousand page faults, more than the copy into it.
"""

from collections import deque

import anyio

from warpdrive.application.mount.errors import MemoryExhausted


class Buffer:
    """`size` writable bytes; `view` is the memory. Returned to its pool exactly once."""

    __slots__ = ("_memory", "size", "view")

    def __init__(self, memory: bytearray, size: int) -> None:
        self._memory = memory
        self.size = size
        self.view = memoryview(memory)[:size]

    @property
    def memory(self) -> bytearray:
        """The whole allocation behind `view`."""
        return self._memory


class BufferPool:
    """Hands out buffers within `limit` bytes; `block_size` is the size worth keeping."""

    def __init__(self, *, limit: int, block_size: int) -> None:
        self._limit = limit
        self._block_size = block_size
        self._spare: list[bytearray] = []
        self._keep = max(1, min(64, limit // block_size // 2))
        self._demand: deque[tuple[int, anyio.Event]] = deque()
        self._ahead: deque[tuple[int, anyio.Event]] = deque()
        self._in_use = 0
        """Bytes charged. Invariant: <= `_limit`, whatever waits."""

    @property
    def in_use(self) -> int:
        """Bytes charged now."""
        return self._in_use

    @property
    def block_size(self) -> int:
        """The size of buffer that is kept for reuse, in bytes."""
        return self._block_size

    @property
    def limit(self) -> int:
        """The budget in bytes."""
        return self._limit

    async def acquire(self, size: int, *, demand: bool) -> Buffer:
        """Wait for `size` bytes of the budget. Raises MemoryExhausted when the budget could never hold them."""
        if size > self._limit:
            raise MemoryExhausted(f"one fetch of {size} bytes exceeds the memory limit of {self._limit} bytes")
        if self._in_use + size > self._limit or self._demand or (self._ahead and not demand):
            await self._wait_turn(size, demand=demand)
        else:
            self._in_use += size
        return self._allocate(size)

    def release(self, buffer: Buffer) -> None:
        """Take a buffer back. Views of it that are still about must not be used after the current task step."""
        self._in_use -= buffer.size
        if len(buffer.memory) == self._block_size and len(self._spare) < self._keep:
            self._spare.append(buffer.memory)
        self._admit()

    async def _wait_turn(self, size: int, *, demand: bool) -> None:
        turn = anyio.Event()
        waiting = (size, turn)
        queue = self._demand if demand else self._ahead
        queue.append(waiting)
        self._admit()
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():  # admitted, then cancelled: give the charge back
                self._in_use -= size
            else:
                queue.remove(waiting)
            self._admit()
            raise

    def _admit(self) -> None:
        for queue in (self._demand, self._ahead):
            while queue and self._in_use + queue[0][0] <= self._limit:
                size, turn = queue.popleft()
                self._in_use += size
                turn.set()
            if queue:
                return  # what waits in front keeps its turn, else large demands would starve

    def _allocate(self, size: int) -> Buffer:
        if size == self._block_size and self._spare:
            return Buffer(self._spare.pop(), size)
        return Buffer(bytearray(size), size)
