"""Blocks on their way out of the cache, and the space they leave on the disk."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from warpdrive.adapters.cache.files import ObjectFile

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Departure:
    """Blocks of one object that are leaving; None: all of them."""

    blocks: set[int] | None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def covers(self, blocks: Iterable[int]) -> bool:
        """Answer whether any of the blocks is leaving."""
        return self.blocks is None or any(block in self.blocks for block in blocks)


@dataclass(slots=True)
class FreedSpace:
    """Space to give back: byte ranges of a file, or all of it when `ranges` is None."""

    file: ObjectFile
    ranges: list[tuple[int, int]] | None


def give_back(freed: list[FreedSpace]) -> None:
    """Punch and unlink; blocks on the disk. What it refuses is logged, and found by the start after a crash."""
    for one in freed:
        try:
            if one.ranges is None:
                one.file.unlink()
            else:
                one.file.punch(one.ranges)
        except OSError as fault:
            _log.warning("cache space not given back", file=one.file.path, fault=str(fault))
