"""One reader, run in this process."""

from pathlib import Path
from types import SimpleNamespace

from warpdrive.entrypoints.bench.figures import Figures
from warpdrive.entrypoints.bench.plan import Share
from warpdrive.entrypoints.bench.reader import MAX_ERRORS, Task, _Reading


def figures_of(shares: list[Share], *, duration: float = 0.0, stopped: bool = False) -> tuple[Figures, list[int]]:
    """Read with chunks of ten bytes; returns the figures and the shared counters."""
    shared = [0, 0]
    task = Task(0, shares, "sequential", 10, duration, checksum=True, drop_cache=True, seed=0)
    reading = _Reading(task, shared, SimpleNamespace(value=int(stopped)))
    reading.run()
    reading.close()
    return reading.figures, shared


def test_every_piece_is_read_timed_and_digested(tmp_path: Path) -> None:
    """The last piece may be short; the shared counters end at the truth."""
    path = tmp_path / "a"
    path.write_bytes(b"0123456789" * 2 + b"end")
    figures, shared = figures_of([Share(str(path), 0, 23)])
    assert (figures.bytes, figures.reads, figures.opens, figures.passes) == (23, 3, 1, 1)
    assert figures.latencies.count == 3
    first, second, last = (figures.digests[str(path), at, length] for at, length in ((0, 10), (10, 10), (20, 3)))
    assert first == second != last
    assert shared == [23, 3]


def test_a_file_that_ends_early_or_is_gone_is_an_error_and_reading_goes_on(tmp_path: Path) -> None:
    """Each by name and place."""
    (tmp_path / "short").write_bytes(b"1234")
    (tmp_path / "good").write_bytes(b"1234567890")
    shares = [Share(str(tmp_path / name), 0, 10) for name in ("short", "gone", "good")]
    figures, _ = figures_of(shares)
    assert figures.errors == [
        f"{tmp_path}/short at 0: 4 bytes instead of 10",
        f"{tmp_path}/gone at 0: No such file or directory",
    ]
    assert (figures.bytes, figures.passes) == (14, 1)


def test_a_dead_mount_does_not_make_a_reader_spin(tmp_path: Path) -> None:
    """It gives up after a few errors, whatever the duration."""
    figures, _ = figures_of([Share(str(tmp_path / "gone"), 0, 1000)], duration=3600)
    assert len(figures.errors) == MAX_ERRORS
