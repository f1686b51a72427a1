"""R7 on a real kernel mount: a namespace that changes while processes look, read and work in it."""

import contextlib
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import health, metric
from tests.support.mounts import COMMANDS, MountProcess, running
from tests.support.ports import LOOPBACK, free_port, wait_until

SOON = 1.0
"""Seconds within which a change must show."""


class Followed:
    """An agent that follows; `serve` changes its namespace."""

    def __init__(self, mount: MountProcess, config: Path) -> None:
        self.mount = mount
        self.point = mount.point
        self.config = config
        self._position = 0

    def serve(self, **backends: dict[str, Any]) -> None:
        """Publish a namespace: path (with "__" for "/") to backend."""
        self._position += 1
        entries = {"/" + path.replace("__", "/"): each for path, each in backends.items()}
        self.mount.tell({"serve": entries, "position": self._position})

    def tell(self, **order: object) -> None:
        """Give any other order."""
        self.mount.tell(order)

    def ctl(self, *words: str) -> tuple[int, str]:
        """Run `warpdrive-ctl` against the agent: exit status and output."""
        socket = self.config.parent / "state" / "admin.sock"
        done = subprocess.run(
            [COMMANDS / "warpdrive-ctl", "--socket", socket, *words], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr


def local(root: Path, name: str, **more: str) -> dict[str, Any]:
    """A backend over a directory below `root`, which is made."""
    folder = root / name
    folder.mkdir(exist_ok=True)
    return {"name": name, "type": "local", "options": {"root": str(folder)}, **more}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A directory for one agent, with its configuration."""
    config = {
        "mount_point": str(tmp_path / "mnt"),
        "cache": {"path": str(tmp_path / "cache"), "max_size": "64MB", "memory_limit": "64MB"},
        "metrics": {"addr": f"{LOOPBACK}:{free_port()}"},
        "agent": {
            "state_dir": str(tmp_path / "state"),
            "control_plane": "control.example:50051",
            "namespace": "training",
            "credentials": {"here": {"method": "none"}},
        },
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    (tmp_path / "mnt").mkdir()
    return tmp_path


Starter = Callable[..., contextlib.AbstractContextManager[Followed]]


@pytest.fixture
def start(work: Path) -> Starter:
    """Start the agent; the first namespace is told it before it is ready."""

    @contextlib.contextmanager
    def starter(*options: str, **first: dict[str, Any]) -> Iterator[Followed]:
        argv = [sys.executable, "-m", "tests.support.followed_agent"]
        argv += [str(work / "config.yaml"), str(work / "mnt"), *options]
        orders = [] if options else [{"serve": {"/" + path: each for path, each in first.items()}, "position": 0}]
        with running(argv, work / "mnt", work, pipes=True, orders=orders) as mount:
            yield Followed(mount, work / "config.yaml")
            assert mount.stop() == 0, mount.printed()

    return starter


def names(folder: Path) -> list[str]:
    """List a directory as `ls` does."""
    return sorted(path.name for path in folder.iterdir())


def is_absent(path: Path) -> bool:
    """Whether the system says ENOENT."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    return False


def test_an_entry_appears_without_a_remount(start: Starter, work: Path) -> None:
    """Though its name was looked up in vain a moment before; `ls` of the parent shows it at once."""
    (work / "one").mkdir()
    (work / "one" / "f").write_text("first")
    with start() as agent:
        assert names(agent.point) == []
        assert is_absent(agent.point / "deep" / "data")
        agent.serve(deep__data=local(work, "one"))
        wait_until(lambda: not is_absent(agent.point / "deep" / "data"), within=SOON)
        assert names(agent.point) == ["deep"]
        assert names(agent.point / "deep") == ["data"]
        assert (agent.point / "deep/data/f").read_text() == "first"
        assert metric(agent.config, "warpdrive_backend_bytes_read_total", '{backend="one"}') == len("first")
        agent.serve(deep__data=local(work, "one"), more=local(work, "two"))
        wait_until(lambda: names(agent.point) == ["deep", "more"], within=SOON)


def test_an_entry_vanishes_while_an_open_file_is_read_on(start: Starter, work: Path) -> None:
    """ENOENT for its names at once, also those the kernel remembers; bytes never read before come all the same."""
    backend = local(work, "one")
    content = os.urandom(24 << 20)
    (work / "one" / "big").write_bytes(content)
    with start(data=backend) as agent, (agent.point / "data/big").open("rb", buffering=0) as opened:
        assert opened.read(4096) == content[:4096]
        assert names(agent.point / "data") == ["big"]
        agent.serve()
        wait_until(lambda: is_absent(agent.point / "data/big"), within=SOON)
        assert is_absent(agent.point / "data")
        assert names(agent.point) == []
        with pytest.raises(FileNotFoundError):
            (agent.point / "data/big").open("rb")
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        opened.seek(0)
        assert opened.read(len(content)) == content
        assert os.fstat(opened.fileno()).st_size == len(content)


def test_a_reconfigured_entry_gives_new_opens_the_new_backend(start: Starter, work: Path) -> None:
    """Names and bytes are the new ones, the old handle keeps the old bytes."""
    old, new = local(work, "one"), local(work, "two")
    (work / "one" / "f").write_text("old")
    (work / "one" / "gone").write_text("")
    (work / "two" / "f").write_text("new one")
    with start(data=old) as agent, (agent.point / "data/f").open("rb", buffering=0) as opened:
        assert names(agent.point / "data") == ["f", "gone"]
        agent.serve(data=new)
        wait_until(lambda: names(agent.point / "data") == ["f"], within=SOON)
        assert (agent.point / "data/f").read_text() == "new one"
        assert (agent.point / "data/f").stat().st_size == 7
        assert is_absent(agent.point / "data/gone")
        assert opened.read() == b"old"


def test_a_process_may_work_in_what_changes_around_it(start: Starter, work: Path) -> None:
    """A working directory in an entry that stays is not disturbed; in one that vanishes names are gone."""
    one = local(work, "one")
    (work / "one" / "f").write_text("x")
    with start(data=one) as agent:
        here = os.open(agent.point / "data", os.O_RDONLY | os.O_DIRECTORY)
        try:
            agent.serve(data=one, data__inner=local(work, "two"))
            wait_until(lambda: "inner" in names(agent.point / "data"), within=SOON)
            assert Path(f"/proc/self/fd/{here}").readlink() == agent.point / "data"
            assert os.stat("f", dir_fd=here).st_size == 1
            agent.serve(other=one)
            wait_until(lambda: is_absent(agent.point / "data"), within=SOON)
            with pytest.raises(FileNotFoundError):
                os.stat("f", dir_fd=here)
        finally:
            os.close(here)


def test_a_tenant_restricted_entry_is_refused_with_eacces(start: Starter, work: Path) -> None:
    """EACCES below it and degraded health that says why; other entries work."""
    restricted = local(work, "one", tenant="6f9619ff-8b86-d011-b42d-00c04fc964ff")
    (work / "one" / "f").write_text("secret")
    (work / "two").mkdir()
    (work / "two" / "g").write_text("free")
    with start(closed=restricted, free=local(work, "two")) as agent:
        assert names(agent.point) == ["closed", "free"]
        for attempt in (partial(names, agent.point / "closed"), (agent.point / "closed/f").read_text):
            with pytest.raises(PermissionError):
                attempt()
        assert (agent.point / "free/g").read_text() == "free"
        status, report = health(agent.config)
        assert status == 503
        assert "restricted to tenant 6f9619ff" in json.dumps(report)


def test_an_unresolvable_auth_reference_is_eio(start: Starter, work: Path) -> None:
    """EIO below it and degraded health that names the reference; one that this node knows works."""
    (work / "two").mkdir()
    (work / "two" / "g").write_text("free")
    unknown, known = local(work, "one", auth="elsewhere"), local(work, "two", auth="here")
    with start(lost=unknown, free=known) as agent:
        with pytest.raises(OSError, match="Input/output") as caught:
            names(agent.point / "lost")
        assert caught.value.errno == errno.EIO
        assert (agent.point / "free/g").read_text() == "free"
        status, report = health(agent.config)
        assert status == 503
        assert "'elsewhere' names no entry of agent.credentials" in json.dumps(report)


def test_the_last_known_namespace_serves_when_the_control_plane_is_away(start: Starter, work: Path) -> None:
    """A restart without a control plane shows what was shown before; it follows again when it comes back."""
    one = local(work, "one")
    (work / "one" / "f").write_text("x")
    with start(data=one) as agent:
        assert (agent.point / "data/f").read_text() == "x"
        wait_until((work / "state/namespace.json").exists, within=5)
    with start("--away") as agent:
        assert (agent.point / "data/f").read_text() == "x"
        status, said = agent.ctl("status")
        assert status == 0
        assert "control.example:50051, not connected: connection refused; namespace training at position 0" in " ".join(
            said.split()
        )
        assert health(agent.config)[0] == 200
        agent.tell(find=True)
        agent.serve(data=one, more=local(work, "two"))
        wait_until(lambda: names(agent.point) == ["data", "more"], within=SOON)
        state = json.loads(agent.ctl("status", "--json")[1])
        assert {key: state["control_plane"][key] for key in ("connected", "position", "from_disk")} == {
            "connected": True,
            "position": 1,
            "from_disk": False,
        }
        assert [entry["path"] for entry in state["entries"]] == ["/data", "/more"]


def test_a_lost_connection_disturbs_nobody(start: Starter, work: Path) -> None:
    """While the control plane is away everything is served as it was, and health stays ok but says so."""
    one = local(work, "one")
    (work / "one" / "f").write_text("x")
    with start(data=one) as agent:
        agent.tell(lose="no route to host")
        assert (agent.point / "data/f").read_text() == "x"
        status, report = health(agent.config)
        assert status == 200
        assert "no route to host" in report["checks"]["control_plane"]["detail"]


def test_a_retired_namespace_is_an_empty_tree_and_ill_health(start: Starter, work: Path) -> None:
    """Nothing is served any more, and health says that the namespace is retired."""
    with start(data=local(work, "one")) as agent:
        agent.tell(retire=7)
        wait_until(lambda: names(agent.point) == [], within=SOON)
        status, report = health(agent.config)
        assert status == 503
        assert "retired" in json.dumps(report)


def test_no_control_plane_and_nothing_known_is_a_clear_error(work: Path) -> None:
    """The start fails with what to do, in bounded time; nothing is mounted."""
    argv = [
        sys.executable,
        "-m",
        "tests.support.followed_agent",
        str(work / "config.yaml"),
        str(work / "mnt"),
        "--away",
    ]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "control.example:50051 does not answer (connection refused)" in said
    assert "check agent.control_plane" in said
    assert not os.path.ismount(work / "mnt")
