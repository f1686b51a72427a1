"""The mounts compared: ours and its peers, each tuned as its own documentation advises for large sequential reads."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.results import OURS
from benchmarks.server import ACCESS_KEY, BUCKET, REGION, SECRET_KEY
from hack.run_local.agent import Agent, Place
from hack.run_local.processes import Child, mounts_below, workplace

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Mounted:
    """A running mount: where the bucket's root is, its process, and the agent's metrics address if it is ours."""

    root: Path
    child: Child
    metrics_address: str | None = None


class Subject(Protocol):
    """One kind of mount."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def start(self, folder: Path) -> Mounted:
        """Mount the bucket below `folder` with an empty cache there. Raises StartError."""


@dataclass(frozen=True, slots=True)
class WarpDrive:
    """Our agent, with defaults but for what a case is about."""

    endpoint: str
    bucket: str = BUCKET
    cache: Mapping[str, Any] = field(default_factory=dict)
    backend: Mapping[str, Any] | None = None
    """Another backend than the S3 server."""
    name: str = OURS

    def start(self, folder: Path) -> Mounted:
        """Mount with everything below `folder`."""
        s3 = {
            "type": "s3",
            "config": {
                "bucket": self.bucket,
                "region": REGION,
                "endpoint": self.endpoint,
                "force_path_style": True,
            },
            "auth": {"method": "static", "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY},
        }
        backend = {"name": "bench", "mount_path": "/bench", **(self.backend or s3)}
        agent = Agent(Place(folder), [backend], cache={"max_size": "50GB", **self.cache})
        try:
            agent.wait()
        except BaseException:
            agent.child.stop()
            raise
        return Mounted(agent.place.mount_point / "bench", agent.child, agent.metrics_address)


def _await_mount(child: Child, mount: Path) -> Mounted:
    try:
        child.wait_until(lambda: mount in mounts_below(mount), 30)
    except BaseException:
        child.stop()
        raise
    return Mounted(mount, child)


@dataclass(frozen=True, slots=True)
class Rclone:
    """`rclone mount` with the full cache; chunk size and streams as its documentation gives for S3."""

    endpoint: str
    bucket: str = BUCKET
    name: str = "rclone"

    def start(self, folder: Path) -> Mounted:
        """Mount in the foreground, cache below `folder`."""
        mount = folder / "mount"
        mount.mkdir()
        remote = {
            "RCLONE_CONFIG_BENCH_TYPE": "s3",
            "RCLONE_CONFIG_BENCH_PROVIDER": "Other",
            "RCLONE_CONFIG_BENCH_ENDPOINT": self.endpoint,
            "RCLONE_CONFIG_BENCH_ACCESS_KEY_ID": ACCESS_KEY,
            "RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY": SECRET_KEY,
            "RCLONE_CONFIG_BENCH_REGION": REGION,
            "RCLONE_CONFIG_BENCH_FORCE_PATH_STYLE": "true",
            "RCLONE_CONFIG_BENCH_LIST_VERSION": "2",
        }
        command = [
            str(ROOT / ".tools" / "servers" / "bin" / "rclone"),
            "mount",
            f"bench:{self.bucket}",
            str(mount),
            "--config=",
            "--read-only",
            "--vfs-cache-mode=full",
            f"--cache-dir={folder / 'cache'}",
            "--vfs-cache-max-size=50G",
            "--vfs-read-chunk-size=4M",
            "--vfs-read-chunk-streams=16",
            "--vfs-read-ahead=128M",
            "--buffer-size=32M",
            "--max-read-ahead=1M",
            "--dir-cache-time=1h",
            "--attr-timeout=60s",
            "--vfs-fast-fingerprint",
            "--use-server-modtime",
        ]
        return _await_mount(Child(self.name, command, folder / "rclone.log", remote), mount)


@dataclass(frozen=True, slots=True)
class S3fs:
    """Debian's s3fs with a local cache and parallel requests."""

    endpoint: str
    bucket: str = BUCKET
    name: str = "s3fs"

    def start(self, folder: Path) -> Mounted:
        """Mount in the foreground, cache below `folder`."""
        mount, cache, secret = folder / "mount", folder / "cache", folder / "passwd"
        mount.mkdir()
        cache.mkdir()
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{ACCESS_KEY}:{SECRET_KEY}\n")
        options = {
            "url": self.endpoint,
            "endpoint": REGION,
            "passwd_file": str(secret),
            "use_cache": str(cache),
            "parallel_count": "16",
            "multipart_size": "16",
            "max_stat_cache_size": "200000",
            "stat_cache_expire": "3600",
        }
        flags = ["use_path_request_style", "ro", "enable_noobj_cache"]
        words = [*flags, *(f"{key}={value}" for key, value in options.items())]
        command = ["s3fs", self.bucket, str(mount), "-f", *(part for word in words for part in ("-o", word))]
        return _await_mount(Child(self.name, command, folder / "s3fs.log"), mount)


@contextlib.contextmanager
def mounted(subject: Subject, parent: Path) -> Iterator[Mounted]:
    """Mount with a fresh cache; on leaving, the mount, the process and the cache are gone."""
    with workplace(f"{subject.name}-", parent) as folder:
        running = subject.start(folder)
        try:
            yield running
        except BaseException:
            print(f"--- end of {subject.name}'s log:\n{running.child.log_tail(8)}\n---", file=sys.stderr)
            raise
        finally:
            running.child.stop()


def await_cached(path: Path, seconds: float = 30.0) -> None:
    """Wait until our agent says that the whole file is in its cache. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while float(os.getxattr(path, "user.warpdrive.cached").decode().rstrip("%")) < 100:  # percent
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path.name} is not wholly in the cache after {seconds:.0f} s")
        time.sleep(0.1)
