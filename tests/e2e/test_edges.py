"""The edges: an object larger than the cache, a file of 50 GiB, a directory of 100,000 names."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import names
from tests.support.agents import Bucket, agent_config, forget_pages, local_backend, metric
from tests.support.listing_server import BUCKET, key_at, listing_server
from tests.support.mounts import agent_mount

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting in a test needs root")

MIB = 1024 * 1024


def test_an_object_larger_than_the_cache(bucket: Bucket, tmp_path: Path) -> None:
    """It is read through, twice, and never fills the disk beyond the limit."""
    data = os.urandom(40 * MIB)
    bucket.put("large", data)
    config = agent_config(tmp_path, [bucket.backend()], max_size="16MB", memory_limit="32MB")
    with agent_mount(config, tmp_path / "mnt") as mount:
        for _ in range(2):
            with (mount.point / "s3/large").open("rb") as file:
                assert hashlib.file_digest(file, "sha256").digest() == hashlib.sha256(data).digest()
            forget_pages(mount.point / "s3/large")
        assert metric(config, "warpdrive_cache_size_bytes") <= 16 * MIB
        assert metric(config, "warpdrive_cache_evictions_total") > 0


def test_a_sparse_file_of_50_gib(tmp_path: Path) -> None:
    """Only what is asked for is fetched, at any offset."""
    root = tmp_path / "root"
    root.mkdir()
    with (root / "sparse").open("wb") as file:
        file.truncate(50 << 30)
        file.seek(30 << 30)
        file.write(b"middle")
        file.seek((50 << 30) - 4)
        file.write(b"tail")
    config = agent_config(tmp_path, [local_backend(root)])
    with agent_mount(config, tmp_path / "mnt") as mount:
        handle = os.open(mount.point / "local/sparse", os.O_RDONLY)
        try:
            assert os.fstat(handle).st_size == 50 << 30
            assert os.pread(handle, 6, 30 << 30) == b"middle"
            assert os.pread(handle, 100, (50 << 30) - 4) == b"tail"
        finally:
            os.close(handle)
        assert metric(config, "warpdrive_backend_bytes_read_total", '{backend="local"}') < 4 * MIB


def test_100k_entries_in_one_directory(tmp_path: Path) -> None:
    """`ls` shows every name once, `ls -l` asks the backend for no file."""
    with listing_server(tmp_path, 100_000) as endpoint:
        backend = {
            "name": "many",
            "type": "s3",
            "mount_path": "/many",
            "config": {"bucket": BUCKET, "endpoint": endpoint, "region": "us-east-1"},
            "auth": {"method": "none"},
        }
        config = agent_config(tmp_path, [backend])
        with agent_mount(config, tmp_path / "mnt") as mount:
            parent = (mount.point / "many" / key_at(0)).parent
            listed = names(parent)
            assert len(listed) == len(set(listed)) == 100_000
            detailed = subprocess.run(["ls", "-lU", str(parent)], capture_output=True, check=True)
            assert len(detailed.stdout.splitlines()) == 100_001
            requests = "warpdrive_backend_request_duration_seconds_count"
            assert metric(config, requests, '{backend="many",operation="stat"}') <= 1
