"""CSV in pieces: however it is cut, and whatever fields hold, rows come out as they went in."""

import csv
import gzip
import io
import time
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.inventory_reports import put
from warpdrive.adapters.blob.factory import build_backend
from warpdrive.application.control.inventory import blocks
from warpdrive.application.control.inventory.blocks import pieces
from warpdrive.application.control.inventory.csv_text import LONGEST_ROW, CsvCutter, csv_rows
from warpdrive.application.control.inventory.report import ReportFault, ReportFile
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.domain.namespace.values import BackendDefinition

FIELDS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('",\n\r;'), max_size=8)


def written(rows: list[list[str]], quoting: Literal[0, 1]) -> bytes:
    """Write rows as RFC 4180 has it."""
    sink = io.StringIO()
    csv.writer(sink, quoting=quoting).writerows(rows)
    return sink.getvalue().encode()


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.lists(FIELDS, min_size=2, max_size=3), max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    piece=st.integers(1, 40),
)
def test_rows_survive_any_cut(rows: list[list[str]], quoting: Literal[0, 1], piece: int) -> None:
    """Pieces end in the middle of characters, of quotes and of line ends."""
    raw = written(rows, quoting)
    cutter = CsvCutter()
    found = [row for start in range(0, len(raw), piece) for row in cutter.feed(raw[start : start + piece])]
    assert found + cutter.feed(b"", last=True) == rows


def test_a_mark_at_the_beginning_is_no_part_of_the_first_name() -> None:
    """Some writers put a byte order mark there; line ends may be those of Windows, and the last may be missing."""
    cutter = CsvCutter(";")
    assert cutter.feed(b"\xef\xbb\xbfname;size\r\na;1\r\n\r\nb;2") == [["name", "size"], ["a", "1"]]
    assert cutter.feed(b"", last=True) == [["b", "2"]]


def test_a_quote_that_is_missing_is_found_before_memory_is() -> None:
    """All that follows would be one field."""
    cutter = CsvCutter()
    assert cutter.feed(b'"') == []
    for _ in range(LONGEST_ROW // 100_000):
        assert cutter.feed(b"x" * 99_999 + b"\n") == []
    with pytest.raises(ReportFault, match="a quote is missing"):
        cutter.feed(b"x" * 100_000)


def test_a_field_of_many_lines_takes_no_longer_than_others() -> None:
    """Else one quote too many holds up everything that the process does, for minutes."""
    cutter = CsvCutter()
    began = time.process_time()
    assert cutter.feed(b'a,b\n"' + b"\n" * 300_000) == [["a", "b"]]
    assert time.process_time() - began < 3


def test_what_is_no_csv_is_said_to_be_none() -> None:
    """Text behind a closing quote, or an end in the middle of a field."""
    with pytest.raises(ReportFault, match="no CSV"):
        CsvCutter().feed(b'"a"b,c\n')
    cutter = CsvCutter()
    cutter.feed(b'"a')
    with pytest.raises(ReportFault, match="no CSV"):
        cutter.feed(b"", last=True)


@pytest.mark.parametrize("members", [1, 3])
async def test_packed_files_come_in_small_pieces(members: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much a block holds when it is unpacked, and however many archives stand in a file."""
    monkeypatch.setattr(blocks, "BLOCK", 5000)
    monkeypatch.setattr(blocks, "PIECE", 700)
    content = b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000)) + b"x,y\n" * 20_000
    third = len(content) // members
    packed = b"".join(
        gzip.compress(content[n * third : (n + 1) * third if n < members - 1 else None]) for n in range(members)
    )
    backend = build_backend(BackendDefinition("reports", "memory", {"name": f"pieces-{members}"}), Anonymous())
    await put(backend.writer, "a.csv.gz", packed)
    file = ReportFile(ObjectKey("a.csv.gz"), len(packed))
    found = [piece async for piece in pieces(backend.reader, file)]
    assert b"".join(found) == content
    assert max(map(len, found)) <= 700

    async def again() -> AsyncIterator[bytes]:
        for piece in found:
            yield piece

    assert sum([len(rows) async for rows in csv_rows(again())]) == 40_000
    await put(backend.writer, "a.csv.gz", packed[:-20])
    with pytest.raises(ReportFault, match="ends in the middle"):
        assert [piece async for piece in pieces(backend.reader, ReportFile(ObjectKey("a.csv.gz")))]
    await backend.aclose()
