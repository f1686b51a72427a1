"""An S3 bucket through the mount: strong versions, what opening costs, and keys of every kind."""

import errno
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import names, read_now
from tests.support.agents import Bucket, agent_config, metric
from tests.support.mounts import COMMANDS, agent_mount
from tests.support.ports import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting in a test needs root")

MIB = 1024 * 1024
SOON = {"attr_ttl": "200ms", "entry_ttl": "200ms", "negative_ttl": "200ms", "dir_ttl": "200ms"}


def pattern(letter: str, size: int) -> bytes:
    """Bytes that show their version everywhere."""
    return letter.encode() * size


def read_errno(descriptor: int, offset: int) -> int | None:
    """The errno of a small read, or None when it succeeds."""
    try:
        os.pread(descriptor, 4096, offset)
    except OSError as error:
        return error.errno
    return None


def test_a_handle_never_mixes_versions(bucket: Bucket, tmp_path: Path) -> None:
    """After a change an old handle gives old bytes or ESTALE, a new open the new bytes, and never a mix."""
    size = 24 * MIB
    bucket.put("f", pattern("1", size))
    config = agent_config(tmp_path, [bucket.backend()], readahead_blocks=1, **SOON)
    with agent_mount(config, tmp_path / "mnt") as mount:
        path = mount.point / "s3/f"
        old = os.open(path, os.O_RDONLY)
        try:
            assert os.pread(old, 10, 0) == b"1" * 10
            bucket.put("f", pattern("2", size))
            wait_until(lambda: read_now(path)[:4] == b"2222", what="a new open shows the new version")
            assert path.read_bytes() == pattern("2", size)
            answers = [read_errno(old, offset) or os.pread(old, 4096, offset) for offset in range(0, size, MIB)]
            assert set(answers) == {errno.ESTALE, b"1" * 4096}, "what was never fetched of the old version is stale"
        finally:
            os.close(old)


def test_a_change_inside_attr_ttl_is_estale_on_read(bucket: Bucket, tmp_path: Path) -> None:
    """Within `attr_ttl` an open trusts what it knows; the read finds out, and the next open has the new bytes."""
    bucket.put("f", b"first")
    with agent_mount(agent_config(tmp_path, [bucket.backend()]), tmp_path / "mnt") as mount:
        path = mount.point / "s3/f"
        assert path.stat().st_size == 5
        bucket.put("f", b"second!")
        with pytest.raises(OSError, match="Stale") as caught:
            path.read_bytes()
        assert caught.value.errno == errno.ESTALE
        assert path.read_bytes() == b"second!"


def test_an_object_deleted_while_open(bucket: Bucket, tmp_path: Path) -> None:
    """What was not fetched is ESTALE for the old handle; the name is gone for everybody else."""
    bucket.put("f", pattern("x", 24 * MIB))
    config = agent_config(tmp_path, [bucket.backend()], readahead_blocks=1, **SOON)
    with agent_mount(config, tmp_path / "mnt") as mount:
        path = mount.point / "s3/f"
        handle = os.open(path, os.O_RDONLY)
        try:
            assert os.pread(handle, 4, 0) == b"xxxx"
            bucket.delete("f")
            assert read_errno(handle, 20 * MIB) == errno.ESTALE
            assert os.pread(handle, 4, 0) == b"xxxx"
        finally:
            os.close(handle)
        wait_until(lambda: not path.exists(), what="the name disappears")


def test_past_attr_ttl_an_open_shows_the_new_version_without_an_error(bucket: Bucket, tmp_path: Path) -> None:
    """The kernel repeats the lookup by itself; the application notices nothing but new bytes."""
    bucket.put("f", b"first")
    config = agent_config(tmp_path, [bucket.backend()], **{**SOON, "dir_ttl": "5m", "entry_ttl": "60s"})
    with agent_mount(config, tmp_path / "mnt") as mount:
        path = mount.point / "s3/f"
        assert names(mount.point / "s3") == ["f"]
        assert path.read_bytes() == b"first"
        bucket.put("f", b"second!")
        changed = time.monotonic()
        wait_until(lambda: time.monotonic() - changed > 0.25, what="attr_ttl is over")
        assert path.read_bytes() == b"second!"


def test_reading_after_a_listing_costs_one_request_per_file(bucket: Bucket, tmp_path: Path) -> None:
    """Opening costs no extra round trip: no HEAD and no listing per file."""
    for n in range(20):
        bucket.put(f"d/{n:02}", b"x" * 1000)
    config = agent_config(tmp_path, [bucket.backend()])
    with agent_mount(config, tmp_path / "mnt") as mount:
        for name in names(mount.point / "s3/d"):
            assert len((mount.point / "s3/d" / name).read_bytes()) == 1000
        count = "warpdrive_backend_request_duration_seconds_count"
        assert metric(config, count, '{backend="s3",operation="read"}') == 20
        # One for the directory that the lookup of "d" asked about beside its listing.
        assert metric(config, count, '{backend="s3",operation="stat"}') <= 1


def test_keys_that_are_no_names_are_hidden_and_counted(memory_bucket: Bucket, tmp_path: Path) -> None:
    """A key that is also a prefix shows as the directory; `status --hidden` names what is not shown."""
    for key in ("ok", "dir/inner", "both", "both/below", "n" * 255, "m" * 300, "empty//component"):
        memory_bucket.put(key, b"x")
    with agent_mount(agent_config(tmp_path, [memory_bucket.backend()]), tmp_path / "mnt") as mount:
        assert names(mount.point / "s3") == ["both", "dir", "empty", "n" * 255, "ok"]
        assert names(mount.point / "s3/both") == ["below"]
        assert names(mount.point / "s3/empty") == []
        assert (mount.point / "s3" / ("n" * 255)).read_bytes() == b"x"
        with pytest.raises(OSError, match="too long"):
            (mount.point / "s3" / ("m" * 300)).stat()
        command = [str(COMMANDS / "warpdrive-ctl"), "--socket", str(tmp_path / "state/admin.sock")]
        answer = subprocess.run([*command, "status", "--hidden", "--json"], capture_output=True, text=True, check=True)
        assert "m" * 300 in answer.stdout
        assert "is also a directory" in answer.stdout


def test_empty_and_odd_objects(bucket: Bucket, tmp_path: Path) -> None:
    """Zero-byte objects, spaces, percent signs, plus signs and other scripts in names."""
    odd = ["empty", "with space", "100%25+&=", "日本語", "a'b\"c"]
    for name in odd:
        bucket.put(f"odd/{name}", b"" if name == "empty" else name.encode())
    with agent_mount(agent_config(tmp_path, [bucket.backend()]), tmp_path / "mnt") as mount:
        directory = mount.point / "s3/odd"
        assert names(directory) == sorted(odd)
        for name in odd:
            assert (directory / name).read_bytes() == (b"" if name == "empty" else name.encode())
