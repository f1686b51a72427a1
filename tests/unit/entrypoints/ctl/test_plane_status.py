"""`status` on a control plane's machine, and `serve`."""

import json
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from tests.support.admin_agent import admin_agent
from tests.support.operator_desk import small_desk
from tests.support.ports import LOOPBACK, free_port
from warpdrive.adapters.wire.status import WireFault, fault_of
from warpdrive.application.control.errors import PermissionDenied
from warpdrive.entrypoints.ctl.plane_status import look
from warpdrive.entrypoints.ctl.server import Server
from warpdrive.entrypoints.ctl.session import Session
from warpdrive.entrypoints.ctl.status import status

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator


def test_both_are_shown_where_both_are(operator: "Operator", tmp_path: Path) -> None:
    """The agent first; JSON has the control plane under `server`."""
    with admin_agent(small_desk(), tmp_path / "s"):
        shown = operator.ok("--socket", str(tmp_path / "s"), "status")
        found = json.loads(operator.ok("--socket", str(tmp_path / "s"), "status", "--json"))
    assert shown.index("pid 4242") < shown.index(operator.served.url)
    assert "admin of everything" in shown
    assert found["mount_point"] == "/data"
    assert found["server"]["principal"]["role"] == "ROLE_ADMIN"
    assert found["server"]["agents"] == {"ok": 0, "degraded": 0, "missing": 0}


def test_an_agent_that_was_named_and_is_not_there_is_a_fault(operator: "Operator", tmp_path: Path) -> None:
    """Whatever the control plane says."""
    assert "start warpdrive-mount" in operator.fails("--socket", str(tmp_path / "none"), "status")


def test_a_control_plane_that_was_named_and_is_not_there_is_a_fault(operator: "Operator", tmp_path: Path) -> None:
    """The agent is shown all the same."""
    with admin_agent(small_desk(), tmp_path / "s"):
        url = f"http://{LOOPBACK}:{free_port()}"
        result = operator.run("--socket", str(tmp_path / "s"), "--server", url, "status")
    assert result.exit_code == 1
    assert "pid 4242" in result.stdout
    assert f"{url}: no answer" in result.stdout


def test_where_an_agent_is_not_expected_none_is_missed(operator: "Operator", tmp_path: Path) -> None:
    """A control plane's own machine is well without one; a socket behind a closed door may be there."""
    server = Server(operator.served.url, operator.token_file, named=True)
    runner = CliRunner()
    absent = runner.invoke(status, obj=Session(tmp_path / "none", server, socket_named=False))
    assert (absent.exit_code, operator.served.url in absent.stdout) == (0, True)
    (tmp_path / "file").touch()
    hidden = runner.invoke(status, obj=Session(tmp_path / "file" / "socket", server, socket_named=False))
    assert (hidden.exit_code, "no agent answers" in hidden.stderr) == (1, True)


def test_a_stranger_that_nobody_named_does_not_make_the_agent_unwell(operator: "Operator", tmp_path: Path) -> None:
    """It is shown, and the status is the agent's; named, it is a fault."""
    operator.token_file.write_text("wd_" + "0" * 32 + "_" + "x" * 43)
    with admin_agent(small_desk(), tmp_path / "s"):
        for named, code in ((False, 0), (True, 1)):
            server = Server(operator.served.url, operator.token_file, named=named)
            result = CliRunner().invoke(status, obj=Session(tmp_path / "s", server, socket_named=True))
            assert (result.exit_code, "valid token" in result.stdout) == (code, True)


def test_one_that_nobody_named_may_be_absent(tmp_path: Path) -> None:
    """At once when the port is closed, soon when it is silent."""
    token = tmp_path / "token"
    token.write_text("wd_x")
    assert look(Server(f"http://{LOOPBACK}:{free_port()}", token)) is None
    with socket.create_server((LOOPBACK, 0)) as silent:
        began = time.monotonic()
        found = look(Server(f"http://{LOOPBACK}:{silent.getsockname()[1]}", token))
        took = time.monotonic() - began
    assert found is None
    assert took < 1.5


def test_who_may_not_see_agents_is_shown_the_rest(operator: "Operator") -> None:
    """An agent's own token, for one."""

    async def refuse(method: str, _when: str) -> WireFault | None:
        return fault_of(PermissionDenied("x", "a role")) if method.endswith("ListAgents") else None

    operator.served.dispatcher.interpose = refuse
    found = look(Server(operator.served.url, operator.token_file, named=True))
    assert found is not None
    assert (found.fault, found.agents) == ("", None)
    assert [name for name, _ in found.facts(datetime.now(UTC))] == ["server", "you are", "read models", "last day"]


def test_a_token_that_is_not_known_is_the_control_planes_fault_to_show(operator: "Operator") -> None:
    """Somebody is there, and that is worth knowing."""
    operator.token_file.write_text("wd_" + "0" * 32 + "_" + "x" * 43)
    found = look(Server(operator.served.url, operator.token_file))
    assert found is not None
    assert "valid token" in found.fault


def test_serve_is_the_control_planes_own_command() -> None:
    """Same options, same words, same exit status."""
    ours, theirs = run("ctl", "serve", "--role", "king"), run("control", "--role", "king")
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert (ours.returncode, b"warpdrive-control" in ours.stderr) == (2, True)


def test_serves_help_is_the_control_planes() -> None:
    """Not that of a command that passes things on."""
    assert b"Usage: warpdrive-control" in run("ctl", "serve", "--help").stdout


def run(entrypoint: str, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Run one of the programs to its end."""
    command = [sys.executable, "-m", f"warpdrive.entrypoints.{entrypoint}.main", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False)
