"""R3 to R6 with the real program on a real mount: several backends in one tree, odd keys, attributes, no writing."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Starter, names
from tests.support.ministack import ministack, ministack_missing
from tests.support.ports import wait_until
from tests.support.s3_server import S3Server


def local(name: str, root: Path, mount_path: str) -> dict[str, Any]:
    """Describe a local backend."""
    root.mkdir(parents=True, exist_ok=True)
    return {"name": name, "type": "local", "mount_path": mount_path, "config": {"root": str(root)}}


def s3(endpoint: str, bucket: str) -> dict[str, Any]:
    """Describe an S3 backend at /cloud."""
    config = {"bucket": bucket, "region": "us-east-1", "endpoint": endpoint, "force_path_style": True}
    auth = {"method": "static", "access_key_id": "test", "secret_access_key": "test"}
    return {"name": "cloud", "type": "s3", "mount_path": "/cloud", "config": config, "auth": auth}


async def fill(server: S3Server, bucket: str, keys: list[str]) -> None:
    """Make the bucket and put an object of one byte under each key."""
    async with server.client() as client:
        await client.create_bucket(Bucket=bucket)
        for key in keys:
            await client.put_object(Bucket=bucket, Key=key, Body=b"x")


class TestManyBackends:
    def test_the_longest_mount_path_wins(self, start: Starter, tmp_path: Path) -> None:
        """An entry nested in another hides what the outer backend has there, and nothing else."""
        outer, inner = local("outer", tmp_path / "outer", "/a"), local("inner", tmp_path / "inner", "/a/b")
        (tmp_path / "outer" / "b").mkdir()
        (tmp_path / "outer" / "b" / "hidden").touch()
        (tmp_path / "outer" / "file").write_text("outer")
        (tmp_path / "inner" / "file").write_text("inner")
        with start([outer, inner]) as mount:
            assert names(mount.point / "a") == ["b", "file"]
            assert names(mount.point / "a" / "b") == ["file"]
            assert (mount.point / "a" / "file").read_text() == "outer"
            assert (mount.point / "a" / "b" / "file").read_text() == "inner"

    def test_parents_of_mount_paths_are_listed(self, start: Starter, tmp_path: Path) -> None:
        """Directories that exist only because something is mounted below them can be walked."""
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "file").write_text("deep")
        with start([local("deep", tmp_path / "deep", "/x/y/z")]) as mount:
            found = [(str(path.relative_to(mount.point)), path.is_dir()) for path in sorted(mount.point.rglob("*"))]
            assert found == [("x", True), ("x/y", True), ("x/y/z", True), ("x/y/z/file", False)]


class TestOddKeys:
    @pytest.mark.skipif(ministack_missing() is not None, reason=str(ministack_missing()))
    def test_keys_that_cannot_be_names_are_hidden(self, start: Starter, tmp_path: Path) -> None:
        """Empty and dotted components and too long ones do not show; a key that is also a prefix is the directory."""
        keys = ["ok", "dir/file", "dir//empty", "dir/../up", "dir/./dot", "both", "both/below", "n" * 256, "zero/"]
        with ministack(tmp_path) as server:
            asyncio.run(fill(server, "odd", keys))
            with start([s3(server.endpoint, "odd")]) as mount:
                root = mount.point / "cloud"
                assert names(root) == ["both", "dir", "ok", "zero"]
                assert names(root / "dir") == ["file"]
                assert (root / "both").is_dir()
                assert (root / "both" / "below").read_bytes() == b"x"


class TestAttributes:
    def test_extended_attributes_tell_the_truth_when_asked(self, start: Starter, source: Path) -> None:
        """Backend, key, version and how much is cached are answered by name; none is listed."""
        (source / "file").write_bytes(b"x" * 300_000)
        with start() as mount:
            path = mount.point / "data" / "file"
            assert os.getxattr(path, "user.warpdrive.backend") == b"data"
            assert os.getxattr(path, "user.warpdrive.key") == b"file"
            assert os.getxattr(path, "user.warpdrive.version") != b""
            assert float(os.getxattr(path, "user.warpdrive.cached")) == 0
            path.read_bytes()
            wait_until(lambda: float(os.getxattr(path, "user.warpdrive.cached")) == 100, what="the file to be cached")
            assert os.listxattr(path) == []
            with pytest.raises(OSError, match=os.strerror(errno.ENODATA)):
                os.getxattr(path, "user.other")


class TestReadOnly:
    def test_nothing_can_be_changed(self, start: Starter, source: Path) -> None:
        """Creating, writing, renaming and deleting are EROFS, and the source stays as it was."""
        (source / "file").write_text("kept")
        with start() as mount:
            folder = mount.point / "data"
            attempts: list[Callable[[], object]] = [
                (folder / "new").touch,
                lambda: (folder / "file").write_text("changed"),
                lambda: (folder / "file").rename(folder / "other"),
                (folder / "file").unlink,
                (folder / "dir").mkdir,
                lambda: os.truncate(folder / "file", 0),
            ]
            for attempt in attempts:
                with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
                    attempt()
            assert os.statvfs(folder).f_flag & os.ST_RDONLY
        assert (source / "file").read_text() == "kept"
