"""One agent over local directories, as a user starts it: the program, a YAML file, a mount. And one control plane."""

import contextlib
import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import Bucket
from tests.support.control_planes import ControlPlaneProcess, control_plane, reachable_dir
from tests.support.ministack import ministack, ministack_missing
from tests.support.mounts import MountProcess, agent_mount, write_config
from tests.support.s3_server import S3Server
from tests.support.seaweedfs import seaweedfs, seaweedfs_missing

Starter = Callable[..., AbstractContextManager[MountProcess]]

SHORT = {"attr_ttl": "100ms", "entry_ttl": "100ms", "negative_ttl": "100ms", "dir_ttl": "100ms"}
"""Freshness that a test can wait for."""


@pytest.fixture(scope="session")
def shared_plane() -> Iterator[ControlPlaneProcess]:
    """Run one control plane for all tests that neither end it nor mind what others wrote."""
    with reachable_dir() as scratch, control_plane(scratch / "control") as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The directory that is mounted at /data."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def start(tmp_path: Path, source: Path) -> Starter:
    """Start an agent over `source` (or over the given backends), with the given cache settings on top."""

    @contextlib.contextmanager
    def starter(backends: list[dict[str, Any]] | None = None, **cache: str) -> Iterator[MountProcess]:
        settings = {"path": str(tmp_path / "cache"), "max_size": "256MB", "memory_limit": "64MB", **cache}
        top: dict[str, Any] = {"cache": settings}
        if backends is not None:
            top["backends"] = backends
        with agent_mount(write_config(tmp_path, source, **top), tmp_path / "mnt") as mount:
            yield mount
            assert mount.stop() == 0, mount.printed()

    return starter


@pytest.fixture
def replace(tmp_path: Path) -> Callable[[Path, bytes], None]:
    """Give a file new content at once, as another writer does it: a new file moved over the old."""

    def replacer(path: Path, content: bytes) -> None:
        fresh = tmp_path / "fresh"
        fresh.write_bytes(content)
        fresh.rename(path)

    return replacer


def names(folder: Path) -> list[str]:
    """List a directory, sorted."""
    return sorted(path.name for path in folder.iterdir())


def read_now(path: Path) -> bytes:
    """Open and read whole; b"" while the change is within attr_ttl, when reading may be refused with ESTALE."""
    try:
        return path.read_bytes()
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
        return b""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One SeaweedFS for all: it checks signatures and honours conditions."""
    missing = seaweedfs_missing()
    if missing is not None:
        pytest.skip(missing)
    with seaweedfs(tmp_path_factory.mktemp("weed")) as running:
        yield running


@pytest.fixture
def bucket(server: S3Server, request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """A part of its bucket for each test alone."""
    made = Bucket(server, "trees", hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20] + "/")
    yield made
    made.close()


@pytest.fixture
def memory_bucket(tmp_path: Path) -> Iterator[Bucket]:
    """A bucket of ministack, which stores any key, as AWS does (SeaweedFS has directories and shorter names)."""
    missing = ministack_missing()
    if missing is not None:
        pytest.skip(missing)
    with ministack(tmp_path) as running:
        made = Bucket(running, "trees", "")
        yield made
        made.close()
