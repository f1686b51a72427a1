"""CSV as a stream: pieces of bytes in, rows out, cut only between rows.

Quotes come in pairs (RFC 4180 doubles one inside a quoted field), so a line end is a row's end exactly when an even
number of quotes stands before it.
"""

import csv
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Final

from warpdrive.application.control.inventory.report import ReportFault

LONGEST_ROW: Final = 1024 * 1024
"""Characters. Keys have at most 1,024 bytes, metadata columns some KiB; more means that a quote is missing."""


class CsvCutter:
    """Gathers text until whole rows are there."""

    def __init__(self, delimiter: str = ",") -> None:
        self._delimiter = delimiter
        # Surrogate escapes, as in keys: a byte that is no UTF-8 must not make a report unreadable.
        self._decoder = getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._rest = ""

    def feed(self, piece: bytes, *, last: bool = False) -> list[list[str]]:
        """Take a piece, return the rows that are complete. Raises ReportFault for what is no CSV."""
        text = self._rest + self._decoder.decode(piece, final=last)
        end = len(text) if last else _end_of_rows(text)
        self._rest = text[end:]
        if len(self._rest) > LONGEST_ROW:
            raise ReportFault(f"a row longer than {LONGEST_ROW} characters: a quote is missing")
        try:
            # Splitting at line ends only: other separators that `splitlines` knows may stand in keys.
            lines = text[:end].split("\n")
            return [row for row in csv.reader(_ended(lines), delimiter=self._delimiter, strict=True) if row]
        except csv.Error as error:
            raise ReportFault(f"a row that is no CSV: {error}") from error


async def csv_rows(content: AsyncIterable[bytes], delimiter: str = ",") -> AsyncGenerator[list[list[str]], None]:
    """Yield rows by the thousands. Empty lines are none. Raises ReportFault."""
    cutter = CsvCutter(delimiter)
    async for piece in content:
        rows = cutter.feed(piece)
        if rows:
            yield rows
    rows = cutter.feed(b"", last=True)
    if rows:
        yield rows


def _end_of_rows(text: str) -> int:
    """Return where the last complete row ends; 0: nowhere."""
    end = text.rfind("\n") + 1
    quotes = text.count('"', 0, end)
    while end and quotes % 2:
        # Inside quotes. The line end before the opening quote, at the earliest, is outside. No character is looked at
        # twice: a field of many lines must not take the square of their number.
        before = text.rfind("\n", 0, end - 1) + 1
        quotes -= text.count('"', before, end)
        end = before
    return end


def _ended(lines: list[str]) -> list[str]:
    """Give lines their ends back: inside quotes they belong to the field."""
    ended = [line + "\n" for line in lines[:-1]]
    if lines[-1]:
        ended.append(lines[-1])
    return ended
