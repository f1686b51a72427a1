"""Batches over real doors, an ingest process and PostgreSQL, each of which is killed while senders repeat."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.control_planes import ControlPlaneProcess, children, control_plane, embedded_dir
from tests.support.embedded_owner import postmaster_pid
from tests.support.ports import free_port, wait_until
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.embedded.visiting import visited_postgres

ROWS = 5
SENDERS = 4


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a data directory whose server does not outlive the test."""
    with embedded_dir() as directory:
        yield directory


def _batch(node: str, number: int) -> dict[str, Any]:
    now = int(time.time() * 1000)
    row = {"tsMs": str(now), "user": "ada", "backend": "lake", "op": "read", "opens": "1", "bytesRead": "10"}
    rows = [row | {"key": f"k{number % 7}-{index}"} for index in range(ROWS)]
    return {"batchId": str(uuid4()), "node": node, "coversFromMs": str(now - 10), "coversToMs": str(now), "rows": rows}


class _Sender(threading.Thread):
    """A node: sends batch after batch, each until it is taken, wherever its control plane is by then."""

    def __init__(self, url: str, token: str, node: str) -> None:
        super().__init__(name=node, daemon=True)
        self._url = url
        self._headers = {"authorization": f"Bearer {token}"}
        self._node = node
        self.stopping = threading.Event()
        self.taken = 0
        self.turned_away = 0
        """Attempts that were answered with anything but success, or not at all."""

    def run(self) -> None:
        with httpx.Client(timeout=5.0) as client:
            while not self.stopping.is_set():
                batch = _batch(self._node, self.taken)
                while not self._send(client, batch):
                    self.turned_away += 1
                    self.stopping.wait(0.02)  # between attempts, as a node would
                self.taken += 1

    def _send(self, client: httpx.Client, batch: Mapping[str, Any]) -> bool:
        with suppress(httpx.HTTPError):
            answer = client.post(f"{self._url}/api/v1/ingest", json=batch, headers=self._headers)
            assert answer.status_code in {200, 429, 503}, answer.text
            return answer.status_code == 200
        return False


def _ingest_process(plane: ControlPlaneProcess) -> int | None:
    for pid in children(plane.process.pid):
        with suppress(OSError):
            if b"control.ingesting" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return None


def _go_on(senders: list[_Sender]) -> None:
    """Wait until every sender has come through again."""
    before = [sender.taken for sender in senders]
    wait_until(
        lambda: all(sender.taken >= count + 2 for sender, count in zip(senders, before, strict=True)),
        what="every sender to come through",
        within=30.0,
    )


async def test_everything_is_counted_once_whatever_is_killed(home: Path) -> None:
    """The ingest process, PostgreSQL and the control plane, by kill -9; senders repeat what was not answered."""
    ports = (free_port(), free_port())
    senders: list[_Sender] = []
    try:
        with control_plane(home, ports=ports) as plane:
            _what_is_refused(plane)
            for number in range(SENDERS):
                secret = plane.issue(role="ROLE_AGENT", node=f"gpu-{number}")
                senders.append(_Sender(plane.url, secret, f"gpu-{number}"))
                senders[-1].start()
            _go_on(senders)
            ingesting = _ingest_process(plane)
            assert ingesting is not None
            os.kill(ingesting, signal.SIGKILL)
            _go_on(senders)
            assert _ingest_process(plane) not in {None, ingesting}
            os.kill(postmaster_pid(home), signal.SIGKILL)
            _go_on(senders)
            plane.process.kill()
        with control_plane(home, ports=ports) as again:
            _go_on(senders)
            for sender in senders:
                sender.stopping.set()
            for sender in senders:
                sender.join(30.0)
                assert not sender.is_alive()
            assert 'warpdrive_ingest_batches_total{outcome="new"}' in again.ask("GET", "/metrics").text
            async with visited_postgres(again.data_dir) as place:
                await _counted_once(place, senders)
    finally:
        for sender in senders:
            sender.stopping.set()
    assert all(sender.turned_away for sender in senders)


async def _counted_once(place: DatabasePlace, senders: list[_Sender]) -> None:

    connection = await connect(place, Role.OWNER, application_name="tests")
    try:
        told = await connection.fetch(
            "SELECT w.word, sum(c.records)::int AS records FROM telemetry.coverage AS c "
            "JOIN telemetry.words AS w ON w.id = c.node_id GROUP BY w.word"
        )
        stored, counted, rolled = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM telemetry.records), (SELECT sum(records)::int FROM telemetry.activity), "
            "(SELECT sum(opens)::int FROM telemetry.rollups)"
        )
    finally:
        await connection.close()
    expected = {sender.name: sender.taken * ROWS for sender in senders}
    assert {word: records for word, records in told if word in expected} == expected
    # The two records of `_what_is_refused` are there as well.
    assert stored == counted == rolled == sum(expected.values()) + 2


def _what_is_refused(plane: ControlPlaneProcess) -> None:
    """A node speaks for itself, rows and columns are one batch, and who sends one again is told."""
    mine = plane.issue(role="ROLE_AGENT", node="first")
    batch = _batch("first", 0) | {
        "rows": [{"tsMs": str(int(time.time() * 1000)), "user": "bob", "key": "a", "op": "read", "opens": 1}],
        "columns": {"strings": ["", "bob"], "tsMsDelta": [str(int(time.time() * 1000))], "user": [1], "opens": [1]},
    }
    wait_until(
        lambda: plane.ask("POST", "/api/v1/ingest", batch, token=mine).status_code == 200, what="the ingest process"
    )
    again = plane.must("POST", "/api/v1/ingest", batch, token=mine)
    assert (again["accepted"], again["repeatedBatch"]) == ("0", True)
    assert plane.ask("POST", "/api/v1/ingest", _batch("second", 0), token=mine).status_code == 403
    other = _batch("first", 0)
    other["rows"][3]["node"] = "second"
    refused = plane.ask("POST", "/api/v1/ingest", other, token=mine)
    assert refused.status_code == 400
    assert "rows[3].node" in refused.text
    assert plane.ask("POST", "/api/v1/ingest", _batch("first", 0) | {"batchId": "x"}, token=mine).status_code == 400
    other["rows"][3] = {"op": "delete"}
    assert "rows[3].op" in plane.ask("POST", "/api/v1/ingest", other, token=mine).text
    assert plane.ask("POST", "/api/v1/ingest", _batch("first", 0), token="").status_code == 401
