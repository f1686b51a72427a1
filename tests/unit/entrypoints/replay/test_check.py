"""The program that an export brings along, on exports that were made to deceive whoever runs it."""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from warpdrive.entrypoints.replay.check import FORMAT, event_hash, main

EVENT: dict[str, Any] = {
    "position": 4,
    "stream": "2b5a1d52-6b51-4a5e-9d4e-0f4c6b1f2c11",
    "version": 1,
    "topic": "warpdrive.team:Created.v1",
    "recorded_at": "2026-11-23T12:00:00.000000+00:00",
    "actor": "system",
    "command_id": None,
    "state": "{}",
}


def export(place: Path, **otherwise: object) -> None:
    """Write an export of one event, with other words in its manifest."""
    head = event_hash(bytes(32), EVENT).hex()
    line = json.dumps({**EVENT, "hash": head}).encode() + b"\n"
    (place / "events-000001.jsonl").write_bytes(line)
    manifest = {
        "format": FORMAT,
        "after_position": 0,
        "previous_hash": "00" * 32,
        "events": 1,
        "last_position": 4,
        "head_hash": head,
        "files": [{"name": "events-000001.jsonl", "events": 1, "sha256": sha256(line).hexdigest()}],
    }
    (place / "manifest.json").write_text(json.dumps({**manifest, **otherwise}))


@pytest.fixture(autouse=True)
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the test's own directory on the command line."""
    monkeypatch.setattr(sys, "argv", ["check.py", str(tmp_path)])


def test_an_honest_export_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And its head is printed, to be compared with one that was noted down."""
    export(tmp_path)
    assert main() == 0
    assert capsys.readouterr().out.endswith("@4\n")


def test_a_head_at_another_position_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The position is half of the head that auditors note down."""
    export(tmp_path, last_position=9)
    assert main() == 1
    assert "FAULT: the last event is at position 4, the manifest says 9" in capsys.readouterr().out


@pytest.mark.parametrize("field", ["head_hash", "format", "last_position"])
def test_an_export_cannot_wipe_its_faults_off_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    """Nothing in it reaches the terminal as anything but words on its line."""
    export(tmp_path, **{field: "\x1b[2J\x9bH\nsound: 1 events in 1 files"})
    assert main() == 1
    lines = capsys.readouterr().out.split("\n")
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("sound") for line in lines)
