"""A real ministack on loopback: S3 in memory, fast, with conditionals, without signature checks."""

import contextlib
import http.client
from collections.abc import Iterator
from pathlib import Path

from tests.support.ports import LOOPBACK, free_port, running
from tests.support.s3_server import S3Server
from warpdrive.application.ports.credentials import AccessKey

MINISTACK = Path(__file__).parents[2] / ".tools/ministack/bin/ministack"
KEYS = AccessKey("test", "test")


def ministack_missing() -> str | None:
    """Say why the server cannot run here, or None."""
    return None if MINISTACK.exists() else "ministack is not installed (hack/setup-dev.sh)"


@contextlib.contextmanager
def ministack(scratch: Path) -> Iterator[S3Server]:
    """Run the server for the block; its log goes under `scratch`."""
    port = free_port()
    # Its default binds every address.
    env = {"BIND_HOST": LOOPBACK, "GATEWAY_PORT": str(port)}
    server = S3Server((LOOPBACK, port), KEYS)
    with running([str(MINISTACK)], log=scratch / "ministack.log", env=env, ready=lambda: _serves(port)):
        yield server


def _serves(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    return False
