"""Page and block arithmetic. Offsets and lengths are bytes unless a name says otherwise."""

PAGE_SIZE = 64 * 1024
"""The unit that the cache records, with one xxh3 checksum (`dataplane.md`)."""

PAGES_PER_EXTENT = 4096
"""Pages per index row: one row describes 256 MiB of an object, so a record never rewrites much."""


def page_floor(offset: int) -> int:
    """Round down to the start of the page."""
    return offset - offset % PAGE_SIZE


def page_ceil(offset: int) -> int:
    """Round up to the next start of a page."""
    return -(-offset // PAGE_SIZE) * PAGE_SIZE


def page_count(size: int) -> int:
    """Count the pages of an object of `size` bytes; the last one may be short."""
    return -(-size // PAGE_SIZE)


def check_block_size(block_size: int) -> int:
    """Return `block_size` if it is a power of two of at least one page; raise ValueError otherwise."""
    if block_size < PAGE_SIZE or block_size & (block_size - 1):
        msg = f"block size must be a power of two of at least 64 KiB, not {block_size} bytes"
        raise ValueError(msg)
    return block_size
