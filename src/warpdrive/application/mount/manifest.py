r"""A manifest: files in the order a job will read them, so that the agent can fetch ahead of it.

Two forms, told apart line by line, UTF-8 (raw bytes of names survive as surrogate escapes):

- text: one path a line, optionally a TAB and byte ranges: `path<TAB>start-end[,start-end...]`. `end` is
  the last byte, included, as in HTTP; `start-` means to the end of the file.
- JSON lines: a line that starts with "{": `{"path": "/s3/a.tar", "ranges": [[0, 4095], [8192, null]]}`,
  the same meaning of the two numbers.

Empty lines are skipped, and lines whose first character is "#"; a path that begins with "#" or "{" is
written as JSON. Everything else in a text line belongs to the path, spaces too.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_RANGE = re.compile(r"(\d+)-(\d*)")


class ManifestError(ValueError):
    """Raised when a line is neither of the two forms. `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"line {line}: {detail}")
        self.line = line
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file, and which bytes of it: [start, stop), `stop` None for the file's end. No ranges: all."""

    path: str
    ranges: tuple[tuple[int, int | None], ...] = ()


def parse_manifest(lines: Iterable[str]) -> Iterator[ManifestEntry]:
    """Yield the entries in order. Raises ManifestError at the first bad line."""
    for number, raw in enumerate(lines, start=1):
        line = raw.removesuffix("\n").removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            yield _from_json(line) if line.startswith("{") else _from_text(line)
        except ValueError as error:
            raise ManifestError(number, str(error)) from None


def _from_text(line: str) -> ManifestEntry:
    path, tab, spans = line.partition("\t")
    if not path:
        raise ValueError("no path before the TAB")
    if tab and not spans:
        raise ValueError("no range after the TAB")
    return ManifestEntry(path, tuple(_span(part.strip()) for part in spans.split(",")) if tab else ())


def _span(text: str) -> tuple[int, int | None]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"a range is start-end or start-, not {text!r}")
    return _checked(int(match[1]), int(match[2]) if match[2] else None)


def _checked(first: int, last: int | None) -> tuple[int, int | None]:
    if first < 0 or (last is not None and last < first):
        raise ValueError(f"the range {first}-{last} ends before it starts")
    return first, None if last is None else last + 1


def _from_json(line: str) -> ManifestEntry:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    unknown = sorted(set(entry) - {"path", "ranges"})
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}; known are path and ranges")
    path, ranges = entry.get("path"), entry.get("ranges") or []
    if not isinstance(path, str) or not path:
        raise ValueError("path must be a non-empty string")
    if not isinstance(ranges, list):
        raise ValueError("ranges must be a list of [start, end] pairs")  # noqa: TRY004 - all faults of a line are ValueErrors
    return ManifestEntry(path, tuple(_pair(pair) for pair in ranges))


def _pair(pair: object) -> tuple[int, int | None]:
    match pair:
        case [int() as first, int() | None as last]:
            return _checked(first, last)
        case _:
            raise ValueError(f"a range is [start, end] or [start, null], not {json.dumps(pair)}")
