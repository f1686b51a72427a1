"""Real control planes as processes of their own: started, asked, killed, and never left behind."""

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.support.ports import LOOPBACK, free_port, running, wait_until
from warpdrive.adapters.store.connecting import DatabasePlace, Role

COMMANDS = Path(sys.executable).parent
"""Where the console scripts are installed."""

PASSWORD_KEYS = {
    Role.APP: "password_env",
    Role.OWNER: "migration_password_env",
    Role.AUDIT: "audit_password_env",
}
"""Keys of the settings; in capitals, the variables in which a control plane that is started here looks."""

_ASK_SECONDS = 20.0
_STOP_SECONDS = 30.0


class ControlPlaneProcess:
    """A running `warpdrive-control`, ready when it was made."""

    def __init__(self, process: subprocess.Popen[bytes], data_dir: Path, rest: int, grpc: int, log: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        self.url = f"http://{LOOPBACK}:{rest}"
        self.grpc = f"{LOOPBACK}:{grpc}"
        self.log = log

    @property
    def token_file(self) -> Path:
        """The first admin's."""
        return self.data_dir / "admin.token"

    @property
    def token(self) -> str:
        """The first admin's secret."""
        return self.token_file.read_text().strip()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _ASK_SECONDS,
    ) -> httpx.Response:
        """Call the REST API; as the first admin unless another secret is given ("" for none)."""
        secret = self.token if token is None else token
        sent = {**({"authorization": f"Bearer {secret}"} if secret else {}), **(headers or {})}
        return httpx.request(method, self.url + path, json=body, headers=sent, timeout=timeout, verify=tls())

    def must(self, method: str, path: str, body: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Call the REST API and demand success."""
        answer = self.ask(method, path, body, **options)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def issue(self, **token: Any) -> str:
        """Make a token as the first admin; returns its secret."""
        return str(self.must("POST", "/api/v1/tokens", token)["secret"])

    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2.0, verify=tls()).status_code == 200
        except httpx.HTTPError:
            return False

    def printed(self) -> str:
        """Everything printed and logged so far."""
        return self.log.read_text(errors="replace")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal to the process alone, wait for the end, return the exit status."""
        self.process.send_signal(how)
        return self.process.wait(_STOP_SECONDS)


@contextlib.contextmanager
def control_plane(
    data_dir: Path,
    *,
    place: DatabasePlace | None = None,
    config: str = "",
    args: Sequence[str] = (),
    ports: tuple[int, int] | None = None,
    open_door: bool = False,
    keys: str = "",
) -> Iterator[ControlPlaneProcess]:
    """Run a control plane for the block: on `place`, or with an embedded database in `data_dir`.

    `config` is more YAML, `keys` are more lines of its section, indented by two, `args` more of a command line;
    `open_door` is auth.mode none. `data_dir` has to be a
    directory that the embedded server's user can reach: see `reachable_dir`. A killed one may be started again on
    the same directory, and on the same `ports` (REST, gRPC) if its callers are to find it.
    """
    rest, grpc = ports or (free_port(), free_port())
    work = data_dir.parent / f"{data_dir.name}-{uuid4().hex[:8]}"
    work.mkdir(parents=True)
    file = work / "config.yaml"
    door = "  auth: {mode: none}\n" if open_door else ""
    file.write_text(config + _section(data_dir, rest, grpc, place) + door + keys)
    log = work / "log"
    argv = [str(COMMANDS / "warpdrive-control"), "--config", str(file), *args]

    def ready() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            # The token is the last thing before it is announced.
            return (
                "WarpDrive control plane" in log.read_text(errors="replace")
                and httpx.get(f"http://{LOOPBACK}:{rest}/readyz", timeout=1.0, verify=tls()).status_code == 200
            )
        return False

    with running(argv, log=log, ready=ready, within=60.0) as process:
        yield ControlPlaneProcess(process, data_dir, rest, grpc, log)


@contextlib.contextmanager
def reachable_dir() -> Iterator[Path]:
    """Give a scratch directory that every user can pass through, as pytest's own are not; removed in the end."""
    scratch = Path(tempfile.mkdtemp(prefix="warpdrive-test-control-"))
    scratch.chmod(0o711)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


@contextlib.contextmanager
def embedded_dir() -> Iterator[Path]:
    """Give a data directory for an embedded server; one that a killed owner left there is ended with the block."""
    with reachable_dir() as scratch:
        home = scratch / "control"
        try:
            yield home
        finally:
            _end_server(home / "postgres" / "data")


def children(pid: int) -> set[int]:
    """Return the pids of a process's children."""
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@cache
def tls() -> ssl.SSLContext:
    """Return what every client would otherwise make for itself, at 20 ms each, though nothing here is encrypted."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _end_server(cluster: Path) -> None:
    """End the PostgreSQL that works in a directory, if one does."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().splitlines()[0])
        if Path(f"/proc/{pid}/cwd").readlink() != cluster:
            return
        os.kill(pid, signal.SIGQUIT)
    except (FileNotFoundError, ProcessLookupError):
        return
    wait_until(lambda: not (cluster / "postmaster.pid").exists(), what="the end of a server that was left behind")


def _section(data_dir: Path, rest: int, grpc: int, place: DatabasePlace | None) -> str:
    lines = [
        "control_plane:",
        f"  rest_addr: {LOOPBACK}:{rest}",
        f"  grpc_addr: {LOOPBACK}:{grpc}",
        f"  data_dir: {data_dir}",
    ]
    if place is not None:
        lines += [
            "  database:",
            f"    host: {place.host}",
            f"    port: {place.port}",
            f"    name: {place.name}",
            f"    user: {place.users[Role.APP]}",
            f"    migration_user: {place.users[Role.OWNER]}",
            f"    audit_user: {place.users[Role.AUDIT]}",
            *(
                f"    {PASSWORD_KEYS[role]}: {PASSWORD_KEYS[role].upper()}"
                for role in Role
                if place.passwords.get(role)
            ),
        ]
    return "\n".join(lines) + "\n"
