"""The server's log stays short and its end can be quoted."""

from pathlib import Path

from warpdrive.adapters.store.embedded.server_log import ServerLog


def test_the_end_is_quoted_from_a_place_on(tmp_path: Path) -> None:
    """Only what was said since a start is about that start."""
    log = ServerLog(tmp_path / "postgres.log")
    assert log.tail() == ""
    with log.open() as output:
        output.write(b"an old start\n")
    with log.open() as output:
        begin = output.tell()
        output.write(b"first\nlast \xff\n")
    assert log.tail(begin) == "first\nlast \N{REPLACEMENT CHARACTER}"
    assert log.tail() == "an old start\nfirst\nlast \N{REPLACEMENT CHARACTER}"


def test_a_long_end_begins_with_a_whole_line(tmp_path: Path) -> None:
    """A message holds some lines of a log, not megabytes."""
    log = ServerLog(tmp_path / "postgres.log")
    log.path.write_text("".join(f"line {number}\n" for number in range(10_000)))
    lines = log.tail().splitlines()
    assert lines[-1] == "line 9999"
    assert lines[0].startswith("line ")
    assert len(lines) < 300


def test_a_log_above_its_limit_is_put_aside_while_the_server_writes_on(tmp_path: Path) -> None:
    """The server keeps its file open; what it says next stands in the same file, which is short again."""
    log = ServerLog(tmp_path / "postgres.log", limit=1000)
    with log.open() as output:
        output.write(b"x" * 1500 + b"\n")
        output.flush()
        log.cut()
        output.write(b"after\n")
    assert log.path.read_bytes() == b"after\n"
    aside = tmp_path / "postgres.log.1"
    assert aside.read_bytes() == b"x" * 1500 + b"\n"
    assert aside.stat().st_mode & 0o777 == 0o600
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_a_short_log_is_left_alone(tmp_path: Path) -> None:
    """And one that is not there is no fault."""
    log = ServerLog(tmp_path / "postgres.log", limit=1000)
    log.cut()
    with log.open() as output:
        output.write(b"short\n")
    log.cut()
    assert log.path.read_bytes() == b"short\n"
    assert not (tmp_path / "postgres.log.1").exists()
