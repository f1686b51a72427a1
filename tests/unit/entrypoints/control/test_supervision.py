"""Keeping a worker process."""

import sys

import anyio
import pytest
import structlog

from tests.support.ports import wait_until_async
from warpdrive.adapters.store.connecting import DatabasePlace, Role
from warpdrive.entrypoints.control.supervision import SettingsSource, keep_worker, place_from_json, place_to_json

PLACE = DatabasePlace(host="/nowhere", port=5432, name="warpdrive", users=dict.fromkeys(Role, "nobody"))


async def test_a_worker_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many processes, or a program that is being replaced: no reason to stop serving."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with structlog.testing.capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_worker, PLACE, SettingsSource(None))
            await wait_until_async(lambda: len(logs) > 1)
            tasks.cancel_scope.cancel()
    assert all(line["log_level"] == "error" and "/nowhere/python" in str(line) for line in logs)


def test_a_place_is_told_whole() -> None:
    """What the worker reads is what the API has."""
    assert place_from_json(place_to_json(PLACE)) == PLACE
