"""What one open file is likely to read next: a pure decision, made from the offsets seen so far.

Sequential readers get whole blocks and a window that doubles each time a block is crossed, from `first_window`
up to `max_window` blocks. Strided readers get their next strides. Random readers get exactly the pages they ask
for: fetching more was 453 bytes per byte asked in one peer (`dataplane.md`, Goals).

The kernel sends one sequential read as several requests, a few at once, so they may arrive slightly out of
order: a request is sequential when it starts within `_SLACK` of where the last one ended.
"""

from enum import Enum

from warpdrive.domain.content.pages import page_ceil, page_floor

FIRST_TOUCH = 256 * 1024
"""Most that a first touch at a random offset may fetch, in bytes (`dataplane.md`, The cache)."""

HEAD_TOUCH = 1024 * 1024
"""Fetched by a first touch at offset 0: one full kernel request; most readers that start there go on."""

_SLACK = 2 * 1024 * 1024
_STRIDES_TO_BELIEVE = 3
_RANDOM_JUMPS = 2


class Pattern(Enum):
    """How a handle reads."""

    FRESH = "fresh"
    SEQUENTIAL = "sequential"
    STRIDED = "strided"
    RANDOM = "random"


class Readahead:
    """The pattern of one handle over an object of `size` bytes. Not shared between handles."""

    __slots__ = (
        "_block",
        "_end",
        "_jumps",
        "_last",
        "_max_window",
        "_planned_until",
        "_postponed",
        "_same_strides",
        "_size",
        "_stride",
        "_window",
        "pattern",
    )

    def __init__(self, size: int, *, block_size: int, first_window: int, max_window: int) -> None:
        self.pattern = Pattern.FRESH
        self._size = size
        self._block = block_size
        self._window = max(1, first_window)
        self._max_window = max(self._window, max_window)
        self._end = 0
        """Where the last request ended: the frontier of a sequential reader."""
        self._last = 0
        self._stride = 0
        self._same_strides = 0
        self._jumps = 0
        self._planned_until = 0
        """Everything before this offset has been planned already; never beyond `_size`."""
        self._postponed = False

    @property
    def read_through(self) -> bool:
        """Whether the object was read in sequence up to its end."""
        return self.pattern is Pattern.SEQUENTIAL and self._end >= self._size

    def expect_sequence(self) -> None:
        """The files before this one were read through: begin as a sequential reader with the whole window."""
        self.pattern = Pattern.SEQUENTIAL
        self._window = self._max_window

    def observe(self, offset: int, length: int) -> None:
        """Take note of one read request, before it is served."""
        stop = offset + length
        if self.pattern is Pattern.FRESH:
            if offset == 0 and self._end == 0:
                self._end = stop
                self._last = 0
                self._jumps = 0
                self.pattern = Pattern.SEQUENTIAL if stop >= self._size else Pattern.FRESH
                return
            if self._end == 0:  # the first touch is somewhere inside
                self._end, self._last = stop, offset
                self._jumps = 1
                self.pattern = Pattern.RANDOM
                return
        if self._continues(offset):
            self._jumps = 0
            self._same_strides = 0
            self._end = max(self._end, stop)
            self._last = offset
            if self.pattern is not Pattern.SEQUENTIAL:
                self.pattern = Pattern.SEQUENTIAL
                self._planned_until = 0
            return
        self._jump(offset, stop)

    def demand(self, offset: int, stop: int) -> tuple[int, int]:
        """Return the page-aligned range [start, stop) to fetch for a miss at [offset, stop), inside the object."""
        start = page_floor(offset)
        if self.pattern is Pattern.SEQUENTIAL:
            end = max(page_ceil(stop), (offset // self._block + 1) * self._block)
        elif self.pattern is Pattern.FRESH and start == 0:
            end = max(page_ceil(stop), HEAD_TOUCH)
        else:
            end = page_ceil(stop)
        return start, min(end, self._size)

    def plan(self) -> list[tuple[int, int]]:
        """Return new ranges worth fetching ahead, in order; each is asked for once. Empty for random readers."""
        if self.pattern is Pattern.SEQUENTIAL:
            return self._plan_sequential()
        if self.pattern is Pattern.STRIDED:
            return self._plan_strides()
        return []

    def postpone(self, start: int) -> None:
        """What the last plan asked for from `start` on was not begun: plan it again, the window as it is."""
        self._planned_until = min(self._planned_until, start)
        self._postponed = True

    def _continues(self, offset: int) -> bool:
        if offset == self._end:
            return True
        near = -_SLACK <= offset - self._end <= _SLACK
        # Out-of-order arrival only happens to a reader already known to be sequential.
        return near and self.pattern is Pattern.SEQUENTIAL

    def _jump(self, offset: int, stop: int) -> None:
        stride = offset - self._last
        if stride == self._stride and stride != 0:
            self._same_strides += 1
        else:
            self._stride, self._same_strides = stride, 1
        self._jumps += 1
        self._end, self._last = stop, offset
        if self._same_strides >= _STRIDES_TO_BELIEVE:
            if self.pattern is not Pattern.STRIDED:
                self.pattern = Pattern.STRIDED
                self._planned_until = 0
        elif self.pattern is not Pattern.SEQUENTIAL or self._jumps >= _RANDOM_JUMPS:
            # One jump of a sequential reader is a seek; two in a row are a habit.
            self.pattern = Pattern.RANDOM
        else:
            self._planned_until = 0

    def _plan_sequential(self) -> list[tuple[int, int]]:
        next_block = (self._end // self._block + 1) * self._block
        start = max(next_block, self._planned_until)
        goal = min(next_block + self._window * self._block, self._size)
        if start >= goal:
            return []
        if self._planned_until and not self._postponed:
            # The reader crossed a block since the last plan: it keeps up, so look further.
            self._window = min(self._window * 2, self._max_window)
            goal = min(next_block + self._window * self._block, self._size)
        self._postponed = False
        self._planned_until = goal
        return [(at, min(at + self._block, goal)) for at in range(start, goal, self._block)]

    def _plan_strides(self) -> list[tuple[int, int]]:
        length = self._end - self._last
        if length > FIRST_TOUCH or self._stride <= 0:
            return []
        plans: list[tuple[int, int]] = []
        for step in range(1, self._window + 1):
            at = self._last + step * self._stride
            if at >= self._size:
                break
            if at < self._planned_until:
                continue
            plans.append((page_floor(at), min(page_ceil(at + length), self._size)))
            self._planned_until = at + 1
        return plans
