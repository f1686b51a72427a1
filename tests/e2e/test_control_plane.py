"""`warpdrive-control` as its operator meets it: start, first token, calls, stop, start again."""

import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.control_planes import COMMANDS, ControlPlaneProcess, control_plane, reachable_dir


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Give a directory that the embedded server can live in."""
    with reachable_dir() as directory:
        yield directory


@pytest.fixture(scope="module")
def plane(scratch: Path) -> Iterator[ControlPlaneProcess]:
    """Run one with an embedded database for the tests that do not kill it."""
    with control_plane(scratch / "shared") as running:
        yield running


def test_it_says_where_everything_is(plane: ControlPlaneProcess) -> None:
    """API, docs, gRPC, database and the token's file; the token itself is not printed."""
    printed = plane.printed()
    for place in (f"{plane.url}/api/v1", f"{plane.url}/api/docs", plane.grpc, str(plane.token_file)):
        assert place in printed
    assert plane.token not in printed


def test_the_first_admins_token_is_for_its_owners_eyes_only(plane: ControlPlaneProcess) -> None:
    """Mode 0600, and it opens everything."""
    assert stat.S_IMODE(plane.token_file.stat().st_mode) == 0o600
    assert plane.must("GET", "/api/v1/whoami")["role"] == "ROLE_ADMIN"


def test_a_write_is_seen_by_the_read_that_asks_for_its_position(plane: ControlPlaneProcess) -> None:
    """The projector is in another process; the position header bridges that."""
    for number in range(10):
        wrote = plane.ask("POST", "/api/v1/namespaces", {"name": f"position-{number}"})
        position = wrote.headers["x-warpdrive-position"]
        read = plane.ask("GET", f"/api/v1/namespaces/position-{number}", headers={"x-warpdrive-min-position": position})
        assert read.status_code == 200, read.text
        assert int(read.headers["x-warpdrive-position"]) >= int(position)


def test_nobody_is_let_in_without_a_token(plane: ControlPlaneProcess) -> None:
    """Nor with a wrong one; what machines ask is open."""
    assert plane.ask("GET", "/api/v1/namespaces", token="").status_code == 401
    assert plane.ask("GET", "/api/v1/namespaces", token="wd_x").status_code == 401
    for path in ("/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/docs"):
        assert plane.ask("GET", path, token="").status_code == 200, path


def test_the_worker_is_a_process_of_its_own(plane: ControlPlaneProcess) -> None:
    """What burns CPU does not share the API's loop."""
    children = Path(f"/proc/{plane.process.pid}/task/{plane.process.pid}/children").read_text().split()
    commands = [Path(f"/proc/{child}/cmdline").read_text() for child in children]
    assert any("warpdrive.entrypoints.control.worker" in command for command in commands)


def test_what_was_decided_is_there_after_a_restart(scratch: Path) -> None:
    """The token too; it is not issued a second time, and the stop is clean. Read models made anew show the same."""
    home = scratch / "again"
    with control_plane(home) as first:
        token = first.token
        first.must("POST", "/api/v1/namespaces", {"name": "training"})
        assert first.stop() == 0
    with control_plane(home, args=["--rebuild"]) as second:
        assert "the read models were rebuilt" in second.printed()
        assert second.token == token
        assert second.must("GET", "/api/v1/namespaces/training")["name"] == "training"
        tokens = second.must("GET", "/api/v1/tokens?ended=true")["tokens"]
        assert [each["note"] for each in tokens] == ["first admin"]


def test_a_lost_token_is_replaced_on_demand(scratch: Path) -> None:
    """Whoever can start the process on its directory is trusted with it."""
    home = scratch / "lost"
    with control_plane(home) as first:
        lost = first.token
        first.stop()
    (home / "admin.token").unlink()
    with control_plane(home, args=["--new-admin-token"]) as second:
        assert second.token != lost
        assert second.must("GET", "/api/v1/whoami")["role"] == "ROLE_ADMIN"


def test_two_on_one_directory_are_refused(plane: ControlPlaneProcess) -> None:
    """The second says what is wrong and ends with status 1."""
    outcome = subprocess.run(
        [
            str(COMMANDS / "warpdrive-control"),
            *("--data-dir", str(plane.data_dir), "--rest-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0"),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert outcome.returncode == 1
    assert str(plane.data_dir) in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_taken_port_is_told_by_its_key(plane: ControlPlaneProcess, scratch: Path) -> None:
    """Before any database is touched."""
    port = plane.grpc.rpartition(":")[2]
    outcome = subprocess.run(
        [
            str(COMMANDS / "warpdrive-control"),
            *("--data-dir", str(scratch / "never"), "--rest-addr", "127.0.0.1:0", "--grpc-addr", f"127.0.0.1:{port}"),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert outcome.returncode == 1
    assert "control_plane.grpc_addr" in outcome.stderr
    assert not (scratch / "never").exists()


def test_without_tokens_only_this_machine_is_answered_by_name(scratch: Path) -> None:
    """A web page whose name leads to this machine is not this machine."""
    with control_plane(scratch / "open", open_door=True) as plane:
        assert plane.ask("GET", "/api/v1/whoami", token="").json()["name"] == "system:anyone"
        refused = plane.ask("GET", "/api/v1/whoami", token="", headers={"host": "evil.example"})
        assert refused.status_code == 403
