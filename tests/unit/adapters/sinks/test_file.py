"""Sink `file` on a real directory."""

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from tests.support.access_records import access_record
from tests.support.ports import wait_until
from warpdrive.adapters.sinks.file import FileLog
from warpdrive.adapters.sinks.lines import encode_lines


def _numbers(path: Path) -> list[int]:
    return [json.loads(line)["bytes_read"] for line in path.read_bytes().splitlines()]


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def _write_one_by_one(path: Path, numbers: range, *, rotate_at: int, kept: int) -> FileLog:
    """Write each record as a batch of its own."""
    sink = FileLog(path, rotate_at=rotate_at, kept=kept, batch_size=1, flush_interval=60)
    for number in numbers:
        sink.record(access_record(number))
        mark = f'"bytes_read":{number},'.encode()
        wait_until(lambda mark=mark: path.exists() and mark in path.read_bytes(), what="the line")  # type: ignore[misc]  # a default argument binds the loop's value
    return sink


async def test_it_rotates_by_size_and_keeps_so_many(tmp_path: Path) -> None:
    """Two lines a file, two old files: of eight records the newest six remain, in order."""
    path = tmp_path / "access.jsonl"
    line = len(encode_lines([access_record(1)]))
    sink = await _write_one_by_one(path, range(8), rotate_at=2 * line, kept=2)
    await sink.aclose()
    assert _names(tmp_path) == ["access.jsonl", "access.jsonl.1", "access.jsonl.2"]
    assert _numbers(path) == [6, 7]
    assert _numbers(tmp_path / "access.jsonl.1") == [4, 5]
    assert _numbers(tmp_path / "access.jsonl.2") == [2, 3]


async def test_it_appends_to_what_an_earlier_agent_wrote(tmp_path: Path) -> None:
    """A restart loses nothing."""
    path = tmp_path / "access.jsonl"
    for number in (1, 2):
        sink = FileLog(path)
        sink.record(access_record(number))
        await sink.aclose()
    assert _numbers(path) == [1, 2]


async def test_the_file_is_not_for_everybody(tmp_path: Path) -> None:
    """Records name users and paths: no rights for others."""
    path = tmp_path / "access.jsonl"
    sink = FileLog(path)
    sink.record(access_record(1))
    await sink.aclose()
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


async def test_a_file_moved_away_is_begun_anew(tmp_path: Path) -> None:
    """Logrotate renames the file: the next batch goes to a new one at the old path."""
    path = tmp_path / "access.jsonl"
    sink = await _write_one_by_one(path, range(1), rotate_at=1 << 30, kept=2)
    path.rename(tmp_path / "moved")
    sink.record(access_record(9))
    wait_until(lambda: path.exists() and b":9," in path.read_bytes(), what="the new file")
    await sink.aclose()
    assert _numbers(tmp_path / "moved") == [0]


async def test_half_a_line_on_a_full_disk_spoils_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch that did not fit is lost and counted; what comes next stands on lines of its own."""
    path = tmp_path / "access.jsonl"
    room = [10, 0]

    def full(descriptor: int, data: memoryview) -> int:
        fits = room.pop(0) if room else len(data)
        if not fits:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:fits])

    write = os.write
    monkeypatch.setattr(os, "write", full)
    sink = FileLog(path, batch_size=1, flush_interval=60)
    sink.record(access_record(1))
    wait_until(lambda: sink.lost == 1, what="the loss")
    for number in (2, 3):
        sink.record(access_record(number))
    await sink.aclose()
    half, *whole = path.read_bytes().splitlines()
    assert len(half) == 10
    assert [json.loads(line)["bytes_read"] for line in whole] == [2, 3]


async def test_errors_are_counted_logged_once_and_overcome(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The directory is missing: records are lost and counted; once it is there, writing resumes by itself."""
    path = tmp_path / "late" / "access.jsonl"
    sink = FileLog(path, batch_size=1, flush_interval=60)
    for count in (1, 2):
        sink.record(access_record(count))
        wait_until(lambda count=count: sink.lost == count, what="the loss")  # type: ignore[misc]  # a default argument binds the loop's value
    path.parent.mkdir()
    sink.record(access_record(3))
    wait_until(lambda: path.exists() and b":3," in path.read_bytes(), what="the line")
    await sink.aclose()
    assert sink.lost == 2
    assert sum("sink fails" in message for message in caplog.messages) == 1
    assert sum(message == "telemetry sink works again" for message in caplog.messages) == 1
