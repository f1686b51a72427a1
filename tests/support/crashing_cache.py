"""What tests of the disk cache share: a cache that can crash, an object to store, a look at the disk."""

import random
from pathlib import Path

from warpdrive.adapters.cache.disk import DiskCache
from warpdrive.adapters.cache.object import DiskObject
from warpdrive.application.ports.page_cache import ContentId
from warpdrive.domain.content.pages import PAGE_SIZE

MIB = 1024 * 1024
BLOCK = 4 * PAGE_SIZE
SIZE = 10 * PAGE_SIZE + 1000
BODY = random.Random(11).randbytes(SIZE)
CONTENT = ContentId("s3|bucket", "shard", "v1")


class CrashingCache(DiskCache):
    """Set `crash` before leaving the context and the shutdown is not orderly; only what was committed survives."""

    crash = False

    async def _finish(self) -> None:
        if not self.crash:
            await super()._finish()


async def fill(cache: DiskCache, content: ContentId = CONTENT, body: bytes = BODY) -> DiskObject:
    """Open an object and store all of it."""
    obj = await cache.open(content, len(body))
    assert await obj.store(0, memoryview(body))
    return obj


def object_files(path: Path) -> list[Path]:
    """List the object files of a cache directory."""
    return [file for file in (path / "objects").rglob("*") if file.is_file()]


def disk_bytes(path: Path) -> int:
    """Count the bytes that the object files take on the disk."""
    return sum(file.stat().st_blocks * 512 for file in object_files(path))
