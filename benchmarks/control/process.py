"""A real `warpdrive-control` on a database of the benchmark's, and gRPC channels to it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from grpclib.client import Channel

from warpdrive.adapters.store.connecting import DatabasePlace, Role

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """Where a control plane answers, and an admin's secret."""

    host: str
    grpc: int
    url: str
    token: str

    def channel(self) -> Channel:
        """Return a channel of its own connection."""
        return Channel(self.host, self.grpc)

    def issue(self, **grant: object) -> str:
        """Make a token; returns its secret."""
        answer = httpx.post(
            f"{self.url}/api/v1/tokens", json=grant, headers={"authorization": f"Bearer {self.token}"}, timeout=30.0
        )
        answer.raise_for_status()
        return str(answer.json()["secret"])


@contextmanager
def served(place: DatabasePlace, folder: Path, *, arguments: Sequence[str] = ()) -> Iterator[Served]:
    """Run a control plane on a database for the block; `folder` is an empty one, or that of one before."""
    rest, grpc = free_port(), free_port()
    config = folder / "config.yaml"
    config.write_text(
        "log: {level: warning}\n"
        "control_plane:\n"
        f"  rest_addr: 127.0.0.1:{rest}\n"
        f"  grpc_addr: 127.0.0.1:{grpc}\n"
        f"  data_dir: {folder}\n"
        "  database:\n"
        f"    host: {place.host}\n"
        f"    port: {place.port}\n"
        f"    name: {place.name}\n"
        f"    user: {place.users[Role.APP]}\n"
        f"    migration_user: {place.users[Role.OWNER]}\n"
        f"    audit_user: {place.users[Role.AUDIT]}\n"
    )
    command = [str(Path(sys.executable).parent / "warpdrive-control"), "--config", str(config), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{rest}"
    try:
        _wait_ready(url, process)
        token = (folder / "admin.token").read_text().strip()
        yield Served("127.0.0.1", grpc, url, token)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=1.0).status_code == 200:
                return
        except httpx.HTTPError:
            pass  # not yet
        time.sleep(0.05)
    raise RuntimeError("the control plane did not become ready")


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
