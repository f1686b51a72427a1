"""Accesses on a node arrive in PostgreSQL, over gRPC and over HTTP, also when the control plane is killed."""

import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.access_records import access_record
from tests.support.agents import metric
from tests.support.control_planes import ControlPlaneProcess, control_plane, embedded_dir, reachable_dir
from tests.support.mounts import agent_mount
from tests.support.ports import LOOPBACK, free_port, wait_until
from warpdrive.adapters.sinks.batch import BatchMark, Span, cut, stamped
from warpdrive.adapters.sinks.http import HttpSender
from warpdrive.adapters.sinks.sender import Unwelcome
from warpdrive.adapters.store.connecting import Role, connect
from warpdrive.adapters.store.embedded.visiting import visited_postgres

STRANGER = 54_321
"""A uid without a name: its records carry the number."""

ACTIVITY = """
    SELECT u.word AS "user", sum(a.opens)::bigint AS opens, sum(a.bytes_read)::bigint AS bytes
    FROM telemetry.activity AS a JOIN telemetry.words AS u ON u.id = a.user_id GROUP BY u.word
"""

OBJECTS = """
    SELECT k.key, sum(r.opens)::bigint AS opens, sum(r.bytes_read)::bigint AS bytes
    FROM telemetry.rollups AS r JOIN storage.keys AS k ON k.id = r.object_id GROUP BY k.key
"""

COVERAGE = "SELECT sum(lost)::bigint AS lost, sum(covered_ms)::bigint AS covered FROM telemetry.coverage"


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a data directory whose server does not outlive the test."""
    with embedded_dir() as directory:
        yield directory


def node_config(work: Path, plane: ControlPlaneProcess, secret: str) -> Path:
    """Write the configuration of node n1, with its token beside it."""
    token = work / "token"
    token.touch(mode=0o600)
    token.write_text(secret)
    config = {
        "mount_point": str(work / "mnt"),
        "allow_other": True,
        "cache": {"path": str(work / "cache"), "max_size": "64MB", "memory_limit": "64MB"},
        "metrics": {"addr": f"{LOOPBACK}:{free_port()}"},
        "telemetry": {"enabled": True, "sink": "grpc", "flush_interval": "100ms", "sample_metadata_ops": 0},
        "agent": {
            "control_plane": plane.grpc,
            "namespace": "training",
            "node": "n1",
            "token_file": "token",
            "state_dir": str(work / "state"),
        },
    }
    path = work / "config.yaml"
    path.write_text(json.dumps(config))
    return path


async def asked(plane: ControlPlaneProcess, question: str) -> dict[str, tuple[int, ...]]:
    """Return what PostgreSQL has, by the first column."""
    async with visited_postgres(plane.data_dir) as place:
        connection = await connect(place, Role.OWNER, application_name="tests")
        try:
            return {str(row[0]): tuple(row)[1:] for row in await connection.fetch(question)}
        finally:
            await connection.close()


def served(config: Path, state: str) -> float:
    """Return how many records the agent says it has recorded, sent, spooled or lost."""
    return metric(config, "warpdrive_telemetry_records_total", f'{{state="{state}"}}')


def read_as(uid: int, path: Path) -> None:
    """Read a file as somebody else, in a process of theirs."""
    subprocess.run(["cat", path], user=uid, group=uid, check=True, stdout=subprocess.DEVNULL, timeout=20)


async def test_accesses_of_every_user_arrive_once_whatever_is_killed(home: Path) -> None:
    """Read as root and as another; kill the control plane, read on, start it again: every open counts once."""
    with reachable_dir() as work:
        source = work / "source"
        source.mkdir()
        names = [f"f{number}" for number in range(8)]
        for name in names:
            (source / name).write_bytes(name.encode() * 1000)
        entry: dict[str, Any] = {
            "path": "/data",
            "backend": {"name": "lake", "type": "local", "options": {"root": str(source)}},
        }
        with control_plane(home) as first:
            ports = int(first.url.rpartition(":")[2]), int(first.grpc.rpartition(":")[2])
            first.must("POST", "/api/v1/namespaces", {"name": "training", "entries": [entry]})
            secret = first.issue(role="ROLE_AGENT", node="n1", namespaces=["training"])
            config = node_config(work, first, secret)
            point = work / "mnt"
            with agent_mount(config, point) as mount:
                for name in names[:2]:
                    assert (point / "data" / name).read_bytes() == name.encode() * 1000
                read_as(STRANGER, point / "data" / "f2")
                wait_until(lambda: served(config, "sent") >= 3)
                assert await asked(first, ACTIVITY) == {"root": (2, 4000), str(STRANGER): (1, 2000)}
                first.process.kill()
                first.process.wait(30)
                for name in names[3:5]:
                    assert (point / "data" / name).read_bytes() == name.encode() * 1000
                wait_until(lambda: served(config, "spooled") >= 2)
                with control_plane(home, ports=ports) as second:
                    for name in names[5:]:
                        read_as(STRANGER, point / "data" / name)
                    wait_until(lambda: served(config, "sent") >= 8, within=60)
                    assert await asked(second, ACTIVITY) == {"root": (4, 8000), str(STRANGER): (4, 8000)}
                    assert await asked(second, OBJECTS) == dict.fromkeys(names, (1, 2000))
                    ((lost, (covered,)),) = (await asked(second, COVERAGE)).items()
                    assert (lost, covered > 0) == ("0", True)
                    assert mount.stop() == 0


async def test_batches_arrive_over_http_too(shared_plane: ControlPlaneProcess) -> None:
    """As JSON, and once also when sent twice; a token of another node is a matter for a person."""
    secrets = {node: shared_plane.issue(role="ROLE_AGENT", node=node, namespaces=["training"]) for node in ("h1", "h2")}
    now = round(time.time() * 1000)
    mark = BatchMark(1, uuid4(), now, 2, 0, Span(now - 5000, now))
    records = [access_record(each)._replace(ts=now / 1000 - 4, user="http-user") for each in (100, 23)]
    request = stamped(cut(mark, records, node="h1", metadata_sample_rate=0.1), now)

    def sender(node: str) -> HttpSender:
        async def token() -> str:
            return secrets[node]

        return HttpSender(shared_plane.url, token, ssl.create_default_context)

    mine, other = sender("h1"), sender("h2")
    for _ in range(2):
        await mine.send(request)
    with pytest.raises(Unwelcome):
        await other.send(request)
    await mine.aclose()
    await other.aclose()
    assert (await asked(shared_plane, ACTIVITY))["http-user"] == (2, 123)
