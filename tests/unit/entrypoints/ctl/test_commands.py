"""`warpdrive-ctl` against a real admin socket."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result

from tests.support.admin_agent import admin_agent
from tests.support.operator_desk import RAW_NAME, OperatorDesk, small_desk
from tests.support.ports import wait_until
from tests.support.small_tree import SmallFiller, SmallTree
from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.entrypoints.ctl.main import main

PROGRAM = [sys.executable, "-m", "warpdrive.entrypoints.ctl.main"]


@pytest.fixture
def agent() -> OperatorDesk:
    """A desk over a small tree, mounted (it says) on /data."""
    return small_desk()


@pytest.fixture
def socket_path(agent: OperatorDesk, tmp_path: Path) -> Iterator[Path]:
    """The socket of a running agent."""
    path = tmp_path / "admin.sock"
    with admin_agent(agent, path):
        yield path


def ctl(socket: Path, *arguments: str, stdin: str | None = None) -> Result:
    """Run the tool."""
    return CliRunner().invoke(main, ["--socket", str(socket), *arguments], input=stdin)


def test_warm_by_a_path_below_the_mount_point(socket_path: Path, agent: OperatorDesk) -> None:
    """Exit status 0, one line that adds up."""
    result = ctl(socket_path, "warm", "/data/photos", "--recursive", "--workers", "2")
    assert result.exit_code == 0, result.output
    assert "4 of 4 files, 605 B: 605 B fetched" in result.stdout
    assert agent.filler.cached["/photos/deep/c"] == 300


def test_warm_again_says_that_all_was_cached(socket_path: Path) -> None:
    """Nothing is fetched twice."""
    ctl(socket_path, "warm", "photos", "-r")
    assert "0 B fetched" in ctl(socket_path, "warm", "photos", "-r").stdout


def test_warm_with_a_limit(socket_path: Path, agent: OperatorDesk) -> None:
    """Sizes as in the config; the end of the limit is said."""
    result = ctl(socket_path, "warm", "/photos", "-r", "--max-size", "0.1KB")
    assert result.exit_code == 0, result.output
    assert "there is more" in result.stdout
    assert agent.filler.cached == {"/photos/a": 100, "/photos/b": 10}


def test_check_exits_1_and_names_what_is_missing(socket_path: Path, agent: OperatorDesk) -> None:
    """The status for scripts, the names for people; raw bytes are printable."""
    agent.filler.cached = {"/photos/a": 100, "/photos/b": 200}
    result = ctl(socket_path, "warm", "/photos", "-r", "--check")
    assert result.exit_code == 1
    assert "300 B of 605 B cached" in result.stdout
    assert "missing: /photos/deep/c\n" in result.stderr
    assert "missing: /photos/deep/caf\\xe9\n" in result.stderr
    assert "2 files lack 305 B" in result.stderr
    assert ctl(socket_path, "warm", "/photos", "--check").exit_code == 0


def test_a_failure_exits_1_and_is_named(tmp_path: Path) -> None:
    """With the backend's words."""
    agent = OperatorDesk(SmallTree({"/photos/a": 10, "/photos/b": 20}), SmallFiller(broken=["/photos/b"]))
    with admin_agent(agent, tmp_path / "s"):
        result = ctl(tmp_path / "s", "warm", "/photos")
    assert result.exit_code == 1
    assert "failed: /photos/b: unavailable: cannot reach /photos/b" in result.stderr
    assert "1 of 2 files" in result.stdout


def test_warm_as_json_is_lines_and_the_last_is_the_result(socket_path: Path) -> None:
    """For programs: `tail -1` is enough."""
    result = ctl(socket_path, "warm", "/photos", "-r", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["finished"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert (lines[-1]["complete"], lines[-1]["bytes"]) == (True, 605)


def test_an_absent_path_exits_1(socket_path: Path) -> None:
    """Said in one line."""
    result = ctl(socket_path, "warm", "/nowhere")
    assert (result.exit_code, result.stderr) == (1, "Error: /nowhere\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["warm"],
        ["warm", "/x", "--max-size", "ten"],
        ["warm", "/x", "--workers", "0"],
        ["warm", "/x", "--max-size", "0B"],
        ["evict"],
        ["prefetch"],
        ["prefetch", "--manifest", "/no/such/file"],
        ["dance"],
        ["status", "--everything"],
    ],
)
def test_usage_errors_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    """Before any agent is asked (there is none, which would be 1)."""
    assert ctl(tmp_path / "none.sock", *arguments).exit_code == 2


def test_stats(socket_path: Path) -> None:
    """Sizes in units, counts with separators, the ratio worked out; JSON as it is."""
    text = ctl(socket_path, "stats").stdout
    assert "cache_max_bytes" in text
    assert "1 KiB" in text
    assert "hit ratio" in text
    assert "70.0%" in text
    assert json.loads(ctl(socket_path, "stats", "--json").stdout)["reads_hit"] == 7


def test_status(socket_path: Path) -> None:
    """Mount point, entries with their state, cache, health, how much is hidden."""
    result = ctl(socket_path, "status")
    assert result.exit_code == 0
    for words in ("/data", "pid 4242", "256 B of 1 KiB", "photos", "strong", "azure extra", "1 (empty component)"):
        assert words in result.stdout
    assert json.loads(ctl(socket_path, "status", "--json").stdout)["mount_point"] == "/data"


def test_status_says_what_became_of_access_records(socket_path: Path) -> None:
    """How many were sent, wait and are lost, and why nothing goes."""
    result = ctl(socket_path, "status")
    told = " ".join(result.stdout.split())
    assert (
        "telemetry grpc, 1,200 records, 1,000 sent, 197 waiting (4 KiB on disk), 3 LOST; not sent: connection" in told
    )
    answer = json.loads(ctl(socket_path, "status", "--json").stdout)["telemetry"]
    assert (answer["sent"], answer["spooled"], answer["lost"]) == (1000, 197, 3)


def test_status_of_a_degraded_agent_exits_1_and_says_why(tmp_path: Path) -> None:
    """Which check, and its words."""
    with admin_agent(small_desk(fault="connection refused"), tmp_path / "s"):
        result = ctl(tmp_path / "s", "status")
        assert ctl(tmp_path / "s", "status", "--json").exit_code == 1
    assert result.exit_code == 1
    assert "unwell: backend:photos: connection refused" in result.stdout


def test_status_hidden(socket_path: Path) -> None:
    """Each key with its reason; raw bytes printable, exact in JSON."""
    result = ctl(socket_path, "status", "--hidden")
    assert result.exit_code == 0
    assert "empty component" in result.stdout
    assert json.loads(ctl(socket_path, "status", "--hidden", "--json").stdout)[0]["key"] == f"a//{RAW_NAME}"


def test_prefetch_reads_a_manifest_with_paths_of_either_kind(
    socket_path: Path, agent: OperatorDesk, tmp_path: Path
) -> None:
    """Seen under the mount point, or of the namespace; raw bytes in names."""
    manifest = tmp_path / "order"
    manifest.write_bytes(b"# epoch\n/data/photos/b\nphotos/a\t0-9\n/photos/deep/caf\xe9\n")
    result = ctl(socket_path, "prefetch", "--manifest", str(manifest))
    assert (result.exit_code, result.stdout) == (0, "following an order of 3 files\n")
    assert agent.order.entries == [
        ManifestEntry("/photos/b"),
        ManifestEntry("/photos/a", ((0, 10),)),
        ManifestEntry(f"/photos/deep/{RAW_NAME}"),
    ]


def test_prefetch_from_standard_input(socket_path: Path) -> None:
    """A sampler's pipe."""
    result = ctl(socket_path, "prefetch", "--manifest", "-", "--json", stdin="/photos/a\n")
    assert json.loads(result.stdout) == {"accepted": 1}


@pytest.mark.parametrize(("text", "words"), [("/a\n/b\t9-1\n", "line 2"), ("# nothing\n", "names no file")])
def test_a_bad_manifest_is_a_usage_error_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    """Before any agent is asked."""
    result = ctl(tmp_path / "none.sock", "prefetch", "--manifest", "-", stdin=text)
    assert result.exit_code == 2
    assert words in result.stderr


def test_evict(socket_path: Path, agent: OperatorDesk) -> None:
    """Bytes and files; JSON too."""
    agent.filler.cached = {"/photos/a": 100, "/photos/deep/c": 40}
    assert ctl(socket_path, "evict", "/data/photos").stdout == "140 B of 2 files dropped\n"
    assert json.loads(ctl(socket_path, "evict", "/photos", "--json").stdout)["bytes"] == 0


@pytest.mark.parametrize("command", [["stats"], ["status"], ["warm", "/x"], ["evict", "/x"]])
def test_without_an_agent_the_socket_is_named_and_what_to_do(tmp_path: Path, command: list[str]) -> None:
    """Exit status 1, one line."""
    result = ctl(tmp_path / "none.sock", *command)
    assert result.exit_code == 1
    assert "none.sock" in result.stderr
    assert "start warpdrive-mount" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_socket_may_come_from_the_environment(socket_path: Path) -> None:
    """WARPDRIVE_SOCKET."""
    result = CliRunner().invoke(main, ["stats"], env={"WARPDRIVE_SOCKET": str(socket_path)})
    assert result.exit_code == 0, result.output


def test_ctrl_c_stops_the_run_in_the_agent_and_says_how_to_go_on(socket_path: Path, agent: OperatorDesk) -> None:
    """A real SIGINT to the real program: exit status 1, no traceback, the agent fetches no further."""
    agent.filler.gate = anyio.Event()
    with subprocess.Popen(
        [*PROGRAM, "--socket", str(socket_path), "warm", "/photos"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        wait_until(lambda: agent.filler.busy == 2)
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=10)
    assert program.returncode == 1
    assert errors.decode() == "stopped; what was fetched stays cached, run it again to go on\n"
    wait_until(lambda: agent.filler.busy == 0)


def test_a_terminal_sees_a_progress_bar(socket_path: Path, agent: OperatorDesk) -> None:
    """Drawn while the run is under way, gone afterwards."""
    agent.filler.gate = anyio.Event()
    controller, terminal = pty.openpty()
    try:
        with subprocess.Popen(
            [*PROGRAM, "--socket", str(socket_path), "warm", "/photos"],
            stdout=terminal,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        ) as program:
            seen = b""
            deadline = time.monotonic() + 20
            while b"0/2" not in seen and time.monotonic() < deadline:
                if select.select([controller], [], [], 0.1)[0]:
                    seen += os.read(controller, 4096)
            agent.filler.gate.set()
            while program.poll() is None or select.select([controller], [], [], 0)[0]:
                if select.select([controller], [], [], 0.1)[0]:
                    seen += os.read(controller, 4096)
    finally:
        os.close(terminal)
        os.close(controller)
    assert program.returncode == 0
    assert b"warming /photos" in seen
    assert b"0/2" in seen
    assert b"2 of 2 files" in seen
