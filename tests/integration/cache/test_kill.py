"""A cache whose process is killed in the middle of its work serves only right bytes and leaks no space."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cache.cache_writer import BLOCK, MAX_BYTES, OBJECTS, content, page_bytes, size
from tests.support.crashing_cache import disk_bytes
from warpdrive.adapters.cache import DiskCache
from warpdrive.domain.content.pages import PAGE_SIZE, page_count

ROUNDS = 4


def run_until_killed(path: Path, seed: int) -> None:
    """Start the writer, let it do some hundred steps, kill it between two of them."""
    repository = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.cache.cache_writer", str(path), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
    ) as writer:
        assert writer.stdout is not None
        lines = random.Random(seed).randrange(2, 8)
        for line in writer.stdout:
            lines -= line[0].isdigit()
            if not lines:
                break
        assert writer.poll() is None, "the writer ended by itself"
        writer.kill()


async def test_a_killed_cache_serves_only_right_bytes(tmp_path: Path) -> None:
    """Over several lives, each ended by SIGKILL: every served page is right, and the disk holds what is recorded."""
    path = tmp_path / "cache"
    served = 0
    for life in range(ROUNDS):
        run_until_killed(path, life)
        async with DiskCache(path, MAX_BYTES, BLOCK) as cache:
            files = sum(page_count(size(number)) > 0 for number in range(OBJECTS))
            # Each file may keep a few blocks of the file system's own and the tail of its last page.
            assert disk_bytes(path) <= cache.stats().size_bytes + files * PAGE_SIZE
            for number in range(OBJECTS):
                obj = await cache.open(content(number), size(number))
                for page in range(page_count(size(number))):
                    expected = page_bytes(number, page)
                    data = await obj.read(page * PAGE_SIZE, len(expected))
                    assert data is None or data == expected
                    served += data is not None
                    seen = obj.peek(page * PAGE_SIZE, len(expected))
                    assert seen is None or bytes(seen) == expected
                obj.close()
            # The page cache outlives the process, so what was recorded is really there.
            assert cache.stats().corrupt_pages == 0
    assert served > 100


@pytest.mark.parametrize("seed", [99])
async def test_bits_flipped_after_a_kill_are_never_served(tmp_path: Path, seed: int) -> None:
    """With one byte of each file changed behind its back, the cache drops those pages and no others."""
    path = tmp_path / "cache"
    run_until_killed(path, seed)
    flipped = 0
    for file in (path / "objects").rglob("*"):
        if file.is_file() and file.stat().st_size:
            with file.open("r+b") as raw:
                byte = raw.read(1)
                raw.seek(0)
                raw.write(bytes([byte[0] ^ 0x80]))
                flipped += 1
    assert flipped
    async with DiskCache(path, MAX_BYTES, BLOCK) as cache:
        for number in range(OBJECTS):
            obj = await cache.open(content(number), size(number))
            assert await obj.read(0, min(PAGE_SIZE, size(number))) is None
            for page in range(1, page_count(size(number))):
                expected = page_bytes(number, page)
                data = await obj.read(page * PAGE_SIZE, len(expected))
                assert data is None or data == expected
            obj.close()
        assert 0 < cache.stats().corrupt_pages <= flipped
