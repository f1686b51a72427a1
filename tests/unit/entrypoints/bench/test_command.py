"""`warpdrive-bench` on real directories, with real reader processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.ports import wait_until
from warpdrive.entrypoints.bench.main import main

KB = 1024
PROGRAM = "warpdrive.entrypoints.bench.main"


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Five files of different bytes, 600 KiB in all."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for number, size in enumerate((100, 50, 200, 249, 1)):
        (folder / f"{number}.tar").write_bytes(bytes([number]) * size * KB)
    return folder


def bench(*arguments: str | Path) -> Result:
    """Run the program in this process (its readers are others)."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def measured(*arguments: str | Path) -> dict[str, Any]:
    """Run it with --json; it must succeed."""
    result = bench(*arguments, "--json")
    assert result.exit_code == 0, result.output
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


@pytest.mark.parametrize("pattern", ["sequential", "shuffled", "random"])
def test_one_pass_reads_as_many_bytes_as_there_are(shards: Path, pattern: str) -> None:
    """Two readers, every figure consistent with the files."""
    figures = measured(shards, "--readers", "2", "--duration", "0", "--chunk", "64KB", "--pattern", pattern)
    assert (figures["files"], figures["files_bytes"]) == (5, 600 * KB)
    assert figures["reads"] == 2 + 1 + 4 + 4 + 1
    if pattern != "random":
        assert (figures["bytes"], figures["opens"], figures["passes"]) == (600 * KB, 5, 2)
    latency = figures["latency_seconds"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"] < figures["seconds"] + 1
    assert figures["gb_per_second"] == pytest.approx(figures["bytes"] / figures["seconds"] / 1e9)
    assert figures["ops_per_second"] == pytest.approx(figures["reads"] / figures["seconds"])
    assert (figures["errors"], figures["interrupted"]) == ([], False)


def test_a_duration_is_kept_and_passes_repeat(shards: Path) -> None:
    """Reading goes on over the files until the time is over."""
    figures = measured(shards, "--readers", "1", "--duration", "300ms", "--drop-cache")
    assert 0.3 <= figures["seconds"] < 3
    assert figures["bytes"] > 600 * KB


def test_checksums_of_equal_files_are_equal_however_they_are_read(shards: Path, tmp_path: Path) -> None:
    """The digest covers every byte, so a mount can be compared with the original."""
    run = ("--duration", "0", "--checksum", "--chunk", "64KB")
    first = measured(shards, *run, "--readers", "1")["checksum"]
    second = measured(shards, *run, "--readers", "3", "--pattern", "shuffled")["checksum"]
    assert first == second
    assert first["bytes"] == 600 * KB
    assert first["digest"] is not None
    shutil.copytree(shards, tmp_path / "elsewhere" / "copy")
    assert measured(tmp_path / "elsewhere" / "copy", *run)["checksum"] == first
    (shards / "2.tar").write_bytes(b"x" * 200 * KB)
    assert measured(shards, *run, "--readers", "1")["checksum"]["digest"] != first["digest"]


def test_bytes_that_change_between_two_reads_fail_the_run(tmp_path: Path) -> None:
    """A file is rewritten in place while it is read: exit status 1, the piece is named."""
    path = tmp_path / "changing"
    path.write_bytes(b"a" * 64 * KB)
    done = threading.Event()

    def rewrite() -> None:
        with path.open("r+b", buffering=0) as file:
            turn = 0
            while not done.wait(0.01):
                turn += 1
                file.seek(0)
                file.write(bytes([turn % 256]))

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        result = bench(path, "--readers", "1", "--duration", "500ms", "--chunk", "64KB", "--checksum")
    finally:
        done.set()
        writer.join()
    assert result.exit_code == 1
    assert f"mismatch: {path} at 0:" in result.stdout


def test_one_large_file_is_read_by_all_readers_in_parts(tmp_path: Path) -> None:
    """Nobody reads a byte twice."""
    path = tmp_path / "large"
    path.write_bytes(os.urandom(1024 * KB))
    figures = measured(path, "--readers", "4", "--duration", "0", "--chunk", "100KB", "--checksum")
    assert (figures["bytes"], figures["opens"], figures["options"]["readers"]) == (1024 * KB, 4, 4)
    assert figures["checksum"]["bytes"] == 1024 * KB


def test_text_for_people(shards: Path) -> None:
    """Throughput, operations, percentiles, files."""
    text = bench(shards, "--readers", "1", "--duration", "0").stdout
    for words in ("files      5 (600 KiB), 5 opens", "GB/s", "ops/s", "p50", "p95", "p99"):
        assert words in text


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["/no/such/path"],
        ["/proc/self/cmdline", "--chunk", "none"],
        ["/dev/null"],
        [".", "--readers", "0"],
        [".", "--pattern", "zigzag"],
        [".", "--duration", "soon"],
        [".", "--chunk", "0"],
    ],
)
def test_usage_errors_exit_2(arguments: list[str]) -> None:
    """Nothing is read."""
    assert bench(*arguments).exit_code == 2


def test_a_read_error_fails_the_run_and_names_the_file(shards: Path) -> None:
    """A file of sysfs says 4096 bytes and gives fewer: exit status 1; the others were read."""
    short = next(path for path in Path("/sys/kernel").iterdir() if path.is_file() and path.stat().st_size == 4096)
    result = bench(shards, short, "--readers", "1", "--duration", "0", "--chunk", "4KB")
    assert result.exit_code == 1
    assert f"error: {short} at 0: " in result.stdout
    assert "bytes instead of 4096" in result.stdout
    assert "6 opens" in result.stdout


def test_ctrl_c_prints_what_was_measured_so_far_and_leaves_no_reader(shards: Path) -> None:
    """A real SIGINT to the whole process group, as a terminal sends it: no traceback anywhere."""
    with subprocess.Popen(
        [sys.executable, "-m", PROGRAM, str(shards), "--readers", "2", "--duration", "60s", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as program:
        wait_until(lambda: len(readers_of(program.pid)) == 2, what="two readers reading")
        os.killpg(program.pid, signal.SIGINT)
        output, errors = program.communicate(timeout=20)
    assert errors == b""
    assert program.returncode == 1
    figures = json.loads(output)
    assert figures["interrupted"]
    assert figures["seconds"] < 30
    assert figures["reads"] > 0
    wait_until(lambda: members_of(program.pid) == [], what="every process gone")


def readers_of(group: int) -> list[int]:
    """Members of the group that hold a shard open and have read more than a program's own modules from files."""
    found = []
    for pid in members_of(group):
        try:
            held = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
            read = int(Path(f"/proc/{pid}/io").read_text().split()[1])
        except FileNotFoundError:
            continue
        if any(path.suffix == ".tar" for path in held) and read > 2**26:
            found.append(pid)
    return found


def members_of(group: int) -> list[int]:
    """Processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getpgid(int(entry.name)) == group:
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found
