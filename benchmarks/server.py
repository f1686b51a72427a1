"""ministack as the S3 server: objects in memory, conditional requests right, faster than anything measured here."""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from benchmarks.link import Link
from hack.run_local.processes import Child, StartError, accepts, free_port

ROOT = Path(__file__).parents[1]
BUCKET = "bench"
REGION = "us-east-1"
ACCESS_KEY = "bench"
SECRET_KEY = "bench-secret"
MIB = 1 << 20


class Bytes:
    """`size` bytes that no layer can compress or share, cheap to make: one random block, each copy numbered."""

    def __init__(self, size: int, seed: int = 1) -> None:
        self.size = size
        self._block = random.Random(seed).randbytes(MIB)
        self._at = 0

    def read(self, wanted: int = -1) -> bytes:
        """Return the next bytes, at most `wanted`; the shape that an upload asks for."""
        wanted = self.size - self._at if wanted < 0 else min(wanted, self.size - self._at)
        parts = []
        while wanted > 0:
            number, inside = divmod(self._at, MIB)
            part = (number.to_bytes(8, "big") + self._block[8:])[inside : inside + wanted]
            parts.append(part)
            self._at += len(part)
            wanted -= len(part)
        return b"".join(parts)


class Server:
    """A running S3 server with one bucket."""

    def __init__(self, folder: Path, wire: Link | None = None) -> None:
        binary = ROOT / ".tools" / "ministack" / "bin" / "ministack"
        if not binary.exists():
            raise StartError(f"{binary.relative_to(ROOT)} is missing: run hack/setup-dev.sh")
        self.host = wire.server if wire else "127.0.0.1"
        self.port = free_port()
        self.endpoint = f"http://{self.host}:{self.port}"
        self.child = Child(
            "ministack",
            [*(wire.command_prefix if wire else ()), str(binary)],
            folder / f"ministack-{self.port}.log",
            {"BIND_HOST": self.host, "GATEWAY_PORT": str(self.port), "TMPDIR": str(folder)},
        )
        self._client: Any = None

    def wait(self) -> None:
        """Wait until it answers, then create the bucket. Raises StartError."""
        self.child.wait_until(lambda: accepts(self.port, self.host), 60)
        self._client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=20),
        )
        self._client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, size: int, seed: int = 1) -> str:
        """Store an object of `size` bytes; returns its URL."""
        transfer = TransferConfig(multipart_chunksize=64 * MIB, multipart_threshold=64 * MIB, max_concurrency=4)
        self._client.upload_fileobj(Bytes(size, seed), BUCKET, key, Config=transfer)
        return f"{self.endpoint}/{BUCKET}/{key}"

    def delete(self, key: str) -> None:
        """Remove an object, to give its memory back."""
        self._client.delete_object(Bucket=BUCKET, Key=key)


@contextlib.contextmanager
def server(folder: Path, wire: Link | None = None) -> Iterator[Server]:
    """A server that is gone when the block is left; with `wire` it stands at the wire's far end."""
    running = Server(folder, wire)
    try:
        running.wait()
        yield running
    finally:
        running.child.stop(5)
