"""Which pages of one object are recorded, and their checksums, in memory and as index rows.

States are one byte a page in one bytearray, so that the questions of the hot path (`holds`, `missing`) are single
C-speed scans; a 50 GiB object costs 800 KB. Checksums (xxh3_64, 8 bytes a page) are kept per extent of 256 MiB and
only for extents that have recorded pages. A row packs an extent into a bitmap (bit n of byte m: page 8m + n) and
the checksums of all its pages.
"""

from typing import NamedTuple

from warpdrive.domain.content.pages import PAGE_SIZE, PAGES_PER_EXTENT, page_count

MISSING, SUSPECT, VERIFIED = 0, 1, 2
"""Not recorded; recorded before an unclean shutdown and not yet checked; recorded and known to be right."""

CHECKSUM_BYTES = 8
_TO_DIGITS = bytes.maketrans(bytes((MISSING, SUSPECT, VERIFIED)), b"011")
_FROM_DIGITS = {
    SUSPECT: bytes.maketrans(b"01", bytes((MISSING, SUSPECT))),
    VERIFIED: bytes.maketrans(b"01", bytes((MISSING, VERIFIED))),
}


class ExtentRow(NamedTuple):
    """One extent as the index keeps it; `bitmap` is empty when nothing in it is recorded."""

    bitmap: bytes
    checksums: bytes
    suspect: bool


def pack_bitmap(states: bytes | bytearray) -> bytes:
    """Pack states into a little-endian bitmap of recorded pages; empty when there is none."""
    digits = states.translate(_TO_DIGITS)[::-1]
    value = int(digits, 2)
    return value.to_bytes(-(-len(states) // 8), "little") if value else b""


def unpack_bitmap(bitmap: bytes, pages: int, state: int) -> bytes:
    """Turn a bitmap into one byte a page: MISSING or `state`."""
    digits = f"{int.from_bytes(bitmap, 'little'):0{pages}b}".encode()[::-1]
    return digits[:pages].translate(_FROM_DIGITS[state])


class PageTable:
    """The recorded pages of an object of `size` bytes. Not thread safe: it belongs to the event loop."""

    __slots__ = ("_checksums", "pages", "recorded", "size", "states", "suspects")

    def __init__(self, size: int) -> None:
        self.size = size
        self.pages = page_count(size)
        self.states = bytearray(self.pages)
        self.recorded = 0
        """Recorded bytes; the last page counts its real length."""
        self.suspects = 0
        """How many pages are SUSPECT."""
        self._checksums: dict[int, bytearray] = {}

    def __bool__(self) -> bool:
        return True

    @property
    def complete(self) -> bool:
        """Every page is recorded."""
        return self.recorded == self.size

    def holds(self, offset: int, length: int) -> bool:
        """Answer whether all of the range is recorded and verified; `length` > 0."""
        first = offset // PAGE_SIZE
        stop = (offset + length - 1) // PAGE_SIZE + 1
        return self.states.count(VERIFIED, first, stop) == stop - first

    def recorded_all(self, first: int, stop: int) -> bool:
        """Answer whether the pages [first, stop) are recorded, checked or not."""
        return self.states.find(MISSING, first, stop) < 0

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """First maximal run of unrecorded pages meeting bytes [start, stop), as the port's `missing` says."""
        stop = min(stop, self.size)
        if start >= stop:
            return None
        end = page_count(stop)
        first = self.states.find(MISSING, start // PAGE_SIZE, end)
        if first < 0:
            return None
        last = end
        for state in (SUSPECT, VERIFIED):
            found = self.states.find(state, first, last)
            if found >= 0:
                last = found
        return first * PAGE_SIZE, min(last * PAGE_SIZE, self.size)

    def span(self, first: int, stop: int) -> int:
        """Count the bytes of the pages [first, stop)."""
        return min(stop * PAGE_SIZE, self.size) - first * PAGE_SIZE if stop > first else 0

    def unrecorded(self, first: int, stop: int) -> int:
        """Count the bytes of the unrecorded pages in [first, stop)."""
        count = self.states.count(MISSING, first, stop)
        if not count:
            return 0
        size = count * PAGE_SIZE
        if stop == self.pages and self.states[stop - 1] == MISSING:
            size -= self.pages * PAGE_SIZE - self.size
        return size

    def record(self, first: int, checksums: bytes) -> int:
        """Record pages from `first` on as verified, one checksum each; return the bytes that are new."""
        count = len(checksums) // CHECKSUM_BYTES
        stop = first + count
        fresh = self.unrecorded(first, stop)
        if self.suspects:
            self.suspects -= self.states.count(SUSPECT, first, stop)
        self.states[first:stop] = bytes((VERIFIED,)) * count
        self.recorded += fresh
        done = 0
        while done < count:
            extent, within = divmod(first + done, PAGES_PER_EXTENT)
            take = min(count - done, PAGES_PER_EXTENT - within)
            held = self._checksums.get(extent)
            if held is None:
                held = self._checksums[extent] = bytearray(self._extent_pages(extent) * CHECKSUM_BYTES)
            held[within * CHECKSUM_BYTES : (within + take) * CHECKSUM_BYTES] = checksums[
                done * CHECKSUM_BYTES : (done + take) * CHECKSUM_BYTES
            ]
            done += take
        return fresh

    def drop(self, first: int, stop: int) -> int:
        """Forget the pages [first, stop); return the bytes that were recorded there."""
        lost = self.span(first, stop) - self.unrecorded(first, stop)
        if lost:
            if self.suspects:
                self.suspects -= self.states.count(SUSPECT, first, stop)
            self.states[first:stop] = bytes(stop - first)
            self.recorded -= lost
        return lost

    def verify(self, first: int, checksums: list[bytes]) -> list[int]:
        """Compare the SUSPECT pages from `first` on; the right ones become VERIFIED, the wrong ones are returned."""
        wrong = []
        for page, checksum in enumerate(checksums, first):
            if self.states[page] != SUSPECT:
                continue
            if self.checksum(page) == checksum:
                self.states[page] = VERIFIED
                self.suspects -= 1
            else:
                wrong.append(page)
        return wrong

    def checksum(self, page: int) -> bytes:
        """Return the recorded checksum of a recorded page."""
        extent, within = divmod(page, PAGES_PER_EXTENT)
        return bytes(self._checksums[extent][within * CHECKSUM_BYTES : (within + 1) * CHECKSUM_BYTES])

    def row(self, extent: int) -> ExtentRow:
        """Snapshot one extent for the index."""
        first = extent * PAGES_PER_EXTENT
        states = self.states[first : first + PAGES_PER_EXTENT]
        bitmap = pack_bitmap(states)
        if not bitmap:
            self._checksums.pop(extent, None)
            return ExtentRow(b"", b"", suspect=False)
        return ExtentRow(bitmap, bytes(self._checksums[extent]), suspect=SUSPECT in states)

    def load(self, extent: int, row: ExtentRow) -> bool:
        """Take one extent from the index; False, and nothing taken, when the row does not fit the object."""
        pages = self._extent_pages(extent)
        if pages <= 0 or len(row.checksums) != pages * CHECKSUM_BYTES or len(row.bitmap) != -(-pages // 8):
            return False
        first = extent * PAGES_PER_EXTENT
        states = unpack_bitmap(row.bitmap, pages, SUSPECT if row.suspect else VERIFIED)
        self.states[first : first + pages] = states
        self._checksums[extent] = bytearray(row.checksums)
        self.suspects += states.count(SUSPECT)
        self.recorded += self.span(first, first + pages) - self.unrecorded(first, first + pages)
        return True

    def _extent_pages(self, extent: int) -> int:
        return min(PAGES_PER_EXTENT, self.pages - extent * PAGES_PER_EXTENT)


def block_weights(bitmap: bytes, extent: int, size: int, block_size: int) -> list[tuple[int, int]]:
    """Count the recorded bytes of each block that an extent's bitmap shows, as (block, bytes) with bytes > 0.

    A block larger than an extent appears once for each of its extents.
    """
    first = extent * PAGES_PER_EXTENT
    pages = min(PAGES_PER_EXTENT, page_count(size) - first)
    states = unpack_bitmap(bitmap, pages, VERIFIED)
    per_block = min(block_size // PAGE_SIZE, PAGES_PER_EXTENT)
    weights = []
    for start in range(0, pages, per_block):
        stop = min(start + per_block, pages)
        count = states.count(VERIFIED, start, stop)
        if not count:
            continue
        weight = count * PAGE_SIZE
        if first + stop == page_count(size) and states[stop - 1] == VERIFIED:
            weight -= page_count(size) * PAGE_SIZE - size
        weights.append(((first + start) * PAGE_SIZE // block_size, weight))
    return weights


def unrecorded_runs(states: bytes | bytearray, first: int, stop: int) -> list[tuple[int, int]]:
    """List the maximal runs [start, end) of MISSING pages within [first, stop)."""
    digits = states[first:stop].translate(_TO_DIGITS)
    runs = []
    at = 0
    while (at := digits.find(b"0", at)) >= 0:
        end = digits.find(b"1", at)
        end = len(digits) if end < 0 else end
        runs.append((first + at, first + end))
        at = end
    return runs
