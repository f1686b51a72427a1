"""A real SeaweedFS with its S3 gateway on loopback: checks signatures and honours all conditionals."""

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

from tests.support.ports import LOOPBACK, free_port, running
from tests.support.s3_server import S3Server
from warpdrive.application.ports.credentials import AccessKey

WEED = Path(__file__).parents[2] / ".tools/servers/bin/weed"
_GRPC_OFFSET = 10_000
KEYS = AccessKey("warpdrive-tests", "a secret that only loopback knows")


def seaweedfs_missing() -> str | None:
    """Say why the server cannot run here, or None."""
    return None if WEED.exists() else "SeaweedFS is not installed (hack/setup-dev.sh)"


@contextlib.contextmanager
def seaweedfs(scratch: Path) -> Iterator[S3Server]:
    """Run the server for the block, its data under `scratch`."""
    master, volume, filer, s3 = _ports(4)
    data = scratch / "data"
    data.mkdir(parents=True)
    config = scratch / "s3.json"
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEYS.access_key_id, "secretKey": KEYS.secret_access_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config.write_text(json.dumps({"identities": [identity]}))
    argv = [
        str(WEED),
        "server",
        f"-dir={data}",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        f"-master.port={master}",
        f"-volume.port={volume}",
        "-filer",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.config={config}",
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=50",
        "-s3.port.iceberg=0",  # catalogues on fixed ports that nobody here needs
        "-s3.port.lance=0",
        "-master.telemetry=false",
    ]
    server = S3Server((LOOPBACK, s3), KEYS)
    with running(argv, log=scratch / "weed.log", ready=lambda: _serves(server, volume, filer)):
        yield server


def _ports(count: int) -> list[int]:
    """Ports whose gRPC neighbours exist."""
    ports: list[int] = []
    while len(ports) < count:
        port = free_port(below=65536 - _GRPC_OFFSET)
        if port not in ports:
            ports.append(port)
    return ports


def _serves(server: S3Server, volume: int, filer: int) -> bool:
    """Whether S3 answers, and the volume server and the filer behind it do too."""
    return all(
        _status(port, path) == wanted
        for port, path, wanted in (
            (server.address[1], "/healthz", 200),
            (volume, "/healthz", 200),
            (filer, "/healthz", 200),
        )
    )


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status
    return 0
