"""What goes wrong between us and a control plane: one line, exit status 1, never a traceback."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from grpclib.const import Status

from tests.support.ports import LOOPBACK, free_port
from warpdrive.adapters.wire.status import WireFault, fault_of
from warpdrive.application.control.errors import TooBusy
from warpdrive.application.ports.event_store import ConcurrentWrite, StoreReadOnly, StoreUnavailable
from warpdrive.domain.token.values import Role
from warpdrive.entrypoints.ctl.server import Server
from warpdrive.entrypoints.ctl.session import Session

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator


def test_nobody_there(operator: "Operator") -> None:
    """Names the address, and both ways to name another."""
    url = f"http://{LOOPBACK}:{free_port()}"
    said = operator.fails("namespace", "list", WARPDRIVE_SERVER=url)
    assert url in said
    assert "--server or WARPDRIVE_SERVER" in said
    assert len(said.splitlines()) == 1


def test_somebody_else_there(operator: "Operator") -> None:
    """A web server that is no control plane is said to be none."""
    with shouting(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") as url:
        assert "no control plane" in operator.fails("namespace", "list", WARPDRIVE_SERVER=url)


def test_a_token_that_is_not_known(operator: "Operator") -> None:
    """Names the file that it came from."""
    operator.token_file.write_text("wd_" + "0" * 32 + "_" + "x" * 43)
    said = operator.fails("namespace", "list")
    assert f"the token of {operator.token_file} was sent" in said
    assert "--token-file or WARPDRIVE_TOKEN_FILE" in said
    assert "xxx" not in said


def test_no_token_at_all(operator: "Operator", tmp_path: Path) -> None:
    """Says where one was looked for."""
    server = Server(operator.served.url, token_files=(str(tmp_path / "a"), str(tmp_path / "b")))
    with (
        pytest.raises(click.ClickException, match=f"no token was sent: neither {tmp_path}/a nor {tmp_path}/b"),
        Session(tmp_path / "socket", server, socket_named=True).plane() as plane,
    ):
        plane.call("ControlService/WhoAmI")


def test_a_role_that_may_not(operator: "Operator") -> None:
    """Says what is needed."""
    operator.token_file.write_text(operator.served.issue(Role.VIEWER))
    said = operator.fails("namespace", "create", "x")
    assert "needs the role admin or operator" in said
    assert "warpdrive-ctl whoami" in said


def test_a_scope_that_does_not_reach(operator: "Operator") -> None:
    """Says which."""
    operator.token_file.write_text(operator.served.issue(Role.OPERATOR, namespaces=("mine",)))
    assert "the namespace 'yours' in its scope" in operator.fails("namespace", "create", "yours")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (StoreUnavailable("host db-7 is down"), "cannot do this now: the store cannot be reached"),
        (StoreReadOnly("disk full"), "takes no writes at present"),
        (ConcurrentWrite("stream 11"), "run the command again"),
        (TooBusy("calls of one caller", 0.01), "try again later"),
        (RuntimeError("secret detail"), "its log says more under"),
        (WireFault(Status.UNIMPLEMENTED, "unknown method"), "older than this program"),
        (WireFault(Status.DEADLINE_EXCEEDED, "too slow"), "look whether it happened"),
    ],
)
def test_every_refusal_says_what_to_do(operator: "Operator", fault: Exception, words: str) -> None:
    """In one line, without what only the operator of the server may know."""

    async def refuse(_method: str, _when: str) -> WireFault:
        return at_once(fault)

    operator.served.dispatcher.interpose = refuse
    said = operator.fails("namespace", "create", "x")
    assert words in said
    assert len(said.splitlines()) == 1
    assert "db-7" not in said
    assert "secret detail" not in said


def test_a_short_outage_is_bridged_with_one_key(operator: "Operator") -> None:
    """The same command again until it is answered: it happens once."""
    times: list[str] = []

    async def twice(method: str, when: str) -> WireFault | None:
        if method.endswith("CreateNamespace") and len(times) < 2:
            times.append(when)
            return at_once(StoreUnavailable("starting"))
        return None

    operator.served.dispatcher.interpose = twice
    assert operator.ok("namespace", "create", "x") == "namespace x created\n"
    keys = {key for method, key in operator.served.dispatcher.asked if method.endswith("CreateNamespace")}
    assert len(keys) == 1
    assert operator.json("namespace", "show", "x")["version"] == "1"


def test_output_that_cannot_be_written_is_one_line(operator: "Operator") -> None:
    """Whether the table fails or the last flush; a reader that has seen enough is no fault."""
    environ = {**os.environ, **operator.environ()}
    for arguments in (["namespace", "list"], ["namespace", "list", "--json"], ["whoami"]):
        command = [sys.executable, "-m", "warpdrive.entrypoints.ctl.main", *arguments]
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environ, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (1, b"Error: [Errno 28] No space left on device\n")


def test_a_ca_file_that_is_not_there_is_a_usage_error(operator: "Operator", tmp_path: Path) -> None:
    """Before anybody is asked."""
    assert "gone.pem" in operator.fails("--ca-file", str(tmp_path / "gone.pem"), "whoami", status=2)


def test_names_that_no_server_takes(operator: "Operator") -> None:
    """Raw bytes, nothing at all, ways up: one line each."""
    for name in ("caf\udce9", "", ".", "..", "/", "a\nb", "x" * 5000):
        assert len(operator.fails("namespace", "create", name).splitlines()) == 1


def test_a_ca_file_that_is_none(operator: "Operator", tmp_path: Path) -> None:
    """Is named."""
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    assert "ca.pem" in operator.fails("--ca-file", str(file), "--server", "https://127.0.0.1:1", "namespace", "list")


def at_once(error: Exception) -> WireFault:
    """Return the fault without the word when to try again, for which tests do not wait."""
    fault = fault_of(error, {"x-correlation-id": "c-1"})
    fault.retry_after = None
    return fault


@contextmanager
def shouting(answer: bytes) -> Iterator[str]:
    """Serve one connection whatever it says; gives the address."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=answer_once)
        thread.start()
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        thread.join(10)
