"""The `cache` section: where data is kept on this node, how much, and for how long it is believed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from warpdrive.entrypoints.settings.decoding import Section
from warpdrive.entrypoints.settings.kinds import BlockSize
from warpdrive.entrypoints.settings.units import Duration, Size

_MIB = 1024**2
_GIB = 1024**3

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class CacheSettings(Section, frozen=True, kw_only=True):
    """Sizes in bytes, lifetimes in seconds."""

    aliases: ClassVar[Mapping[str, str]] = {"dir": "path", "stale_ttl": "attr_ttl"}

    path: Path = Path("/var/cache/warpdrive")
    max_size: Size = Size(50 * _GIB)
    block_size: BlockSize = BlockSize(4 * _MIB)
    readahead_blocks: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 4
    max_parallel_fetch: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 16
    evict_high_water: Share = 0.90
    evict_low_water: Share = 0.80
    attr_ttl: Duration = Duration(60)
    entry_ttl: Duration = Duration(60)
    negative_ttl: Duration = Duration(5)
    dir_ttl: Duration = Duration(300)
    memory_limit: Size = Size(_GIB)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Check what one value alone cannot show."""
        if self.evict_low_water >= self.evict_high_water:
            yield "evict_low_water", "must be below evict_high_water"
        if self.max_size < self.block_size:
            yield "max_size", "must hold at least one block (block_size)"
        if self.memory_limit < self.block_size:
            yield "memory_limit", "must hold at least one block (block_size)"
