"""Whole agents over several backends, for tests that need more than one local directory."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.support.ports import LOOPBACK, free_port
from tests.support.s3_server import S3Server


class Bucket:
    """A prefix of a bucket, changed behind the agent's back by the vendor's own client.

    Tests share the bucket and differ by prefix: SeaweedFS gives each bucket volumes of its own and runs out.
    """

    def __init__(self, server: S3Server, name: str, prefix: str) -> None:
        self.server = server
        self.name = name
        self.prefix = prefix
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            aws_access_key_id=server.keys.access_key_id,
            aws_secret_access_key=server.keys.secret_access_key,
            region_name="us-east-1",
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        if name not in {each["Name"] for each in self._client.list_buckets()["Buckets"]}:
            self._client.create_bucket(Bucket=name)

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        # An empty body is left out: botocore would announce it and wait a minute for SeaweedFS to ask for it.
        body = {"Body": data} if data else {}
        self._client.put_object(Bucket=self.name, Key=self.prefix + key, **body)

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._client.delete_object(Bucket=self.name, Key=self.prefix + key)

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def backend(self, mount_path: str = "/s3", **config: str) -> dict[str, Any]:
        """The configuration entry that mounts it; `config` wins over the defaults."""
        return s3_backend(self.server, self.name, mount_path, **{"prefix": self.prefix, **config})


def s3_backend(server: S3Server, bucket: str, mount_path: str, **config: str) -> dict[str, Any]:
    """A configuration entry for a bucket of a server."""
    return {
        "name": mount_path.strip("/").replace("/", "-"),
        "type": "s3",
        "mount_path": mount_path,
        "config": {"bucket": bucket, "endpoint": server.endpoint, "region": "us-east-1", **config},
        "auth": {
            "method": "static",
            "access_key_id": server.keys.access_key_id,
            "secret_access_key": server.keys.secret_access_key,
        },
    }


def local_backend(root: Path, mount_path: str = "/local") -> dict[str, Any]:
    """A configuration entry for a directory."""
    return {
        "name": mount_path.strip("/").replace("/", "-"),
        "type": "local",
        "mount_path": mount_path,
        "config": {"root": str(root)},
    }


def agent_config(work: Path, backends: Sequence[Mapping[str, Any]], **cache: object) -> Path:
    """Write a configuration with metrics on a free port; `cache` overrides keys of that section."""
    config = {
        "mount_point": str(work / "mnt"),
        "cache": {"path": str(work / "cache"), "max_size": "256MB", "memory_limit": "64MB", **cache},
        "metrics": {"addr": f"{LOOPBACK}:{free_port()}"},
        "agent": {"state_dir": str(work / "state")},
        "backends": list(backends),
    }
    path = work / "config.yaml"
    path.write_text(json.dumps(config))
    return path


def health(config: Path) -> tuple[int, dict[str, Any]]:
    """Ask `/healthz`: status code and body."""
    addr = json.loads(config.read_text())["metrics"]["addr"]
    try:
        with urllib.request.urlopen(f"http://{addr}/healthz", timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def metric(config: Path, name: str, labels: str = "") -> float:
    """Read one sample of `/metrics`."""
    addr = json.loads(config.read_text())["metrics"]["addr"]
    with urllib.request.urlopen(f"http://{addr}/metrics", timeout=20) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name}{labels} "):
                return float(line.rpartition(" ")[2])
    raise AssertionError(f"no sample {name}{labels}")


def forget_pages(path: Path) -> None:
    """Drop the kernel's pages of a mounted file, so that reads reach the agent."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
