"""Access records as columns: thousands of them in one message without thousands of messages.

Both directions work column by column, so that nearly all of it runs in C: 10,000 records are written in 17 ms and read
in 9 ms on one core (420 KB for 8,000 different keys). Texts are numbered; `proto/telemetry.proto` says how.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import Any, Final

from google.protobuf.message import Message

from warpdrive.adapters.wire.contract import PACKAGE, contract, message_class
from warpdrive.application.control.errors import Malformed
from warpdrive.application.ports.access_log import AccessRecord
from warpdrive.domain.content.texts import escaped

OPS: Final = ("open", "read", "list", "stat", "write")
"""The column `op` holds indexes into these words."""

_OP_NUMBERS: Final = {op: number for number, op in enumerate(OPS)}
_WORD_COLUMNS: Final = ("user", "job", "backend", "key", "version", "error")
_COUNT_COLUMNS: Final = ("window_ms", "uid", "opens", "bytes_read", "hits", "misses")
_LATENCY_COLUMNS: Final = ("latency_ms", "latency_max_ms")

_LAST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999, beyond which nobody can store a moment."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Records, one value each in every list. `user`, `job`, `backend`, `key`, `version` and `error` index `strings`.

    `ts_ms`: Unix time. `op` indexes OPS. `path` indexes `strings` too, but where it is `len(strings)` or more, it is
    that much more than the index of what stands before the key: see `path_at`.
    """

    strings: tuple[str, ...]
    ts_ms: list[int]
    window_ms: list[int]
    user: list[int]
    uid: list[int]
    job: list[int]
    backend: list[int]
    key: list[int]
    path: list[int]
    version: list[int]
    op: list[int]
    opens: list[int]
    bytes_read: list[int]
    hits: list[int]
    misses: list[int]
    latency_ms: list[float]
    latency_max_ms: list[float]
    error: list[int]

    def __len__(self) -> int:
        """Count the records."""
        return len(self.ts_ms)

    def path_at(self, row: int) -> str:
        """Return a record's path."""
        index = self.path[row]
        if index < len(self.strings):
            return self.strings[index]
        return self.strings[index - len(self.strings)] + self.strings[self.key[row]]


class _Strings:
    """Numbers texts in the order in which they come; 0 is ""."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self.texts = [""]

    def number(self, texts: Iterable[str]) -> list[int]:
        """Return the texts' numbers. Different texts that are escaped alike get two of them, which is harmless."""
        numbers = self._numbers
        texts = list(texts)
        for text in dict.fromkeys(texts):
            if text not in numbers:
                numbers[text] = len(self.texts)
                self.texts.append(text if text.isascii() and "\0" not in text else escaped(text))
        return [numbers[text] for text in texts]


@cache
def _columns_class() -> type[Message]:
    return message_class(contract().pool.FindMessageTypeByName(f"{PACKAGE}.AccessColumns"))


def encode(records: Sequence[AccessRecord]) -> Message:
    """Return an AccessColumns of the records; their `node` is the batch's to say.

    Raises KeyError for an operation that the contract does not know.
    """
    if not records:
        return _columns_class()()
    of = dict(zip(AccessRecord._fields, zip(*records, strict=True), strict=True))
    moments = [round(ts * 1000) for ts in of["ts"]]
    strings = _Strings()
    filled: dict[str, Any] = {name: strings.number(of[name]) for name in _WORD_COLUMNS}
    path = _paths(of["path"], of["key"], strings)
    # Whether a path stands before a key is said by the number of strings, which is known only now.
    count = len(strings.texts)
    filled["path"] = [number if number >= 0 else count - number - 1 for number in path]
    filled["op"] = [_OP_NUMBERS[op] for op in of["op"]]
    for name in (*_COUNT_COLUMNS, *_LATENCY_COLUMNS):
        filled[name] = of[name]
    message: Any = _columns_class()(strings=strings.texts)
    message.ts_ms_delta.extend([moments[0], *(now - before for before, now in pairwise(moments))])
    for name, values in filled.items():
        if any(values):
            getattr(message, name).extend(values)
    return message  # type: ignore[no-any-return]  # google.protobuf's classes are made at run time


def _paths(paths: Sequence[str], keys: Sequence[str], strings: _Strings) -> list[int]:
    """Return numbers of whole paths, and -1 - number of what stands before the key for paths that end with it."""
    before = [bool(key) and path.endswith(key) for path, key in zip(paths, keys, strict=True)]
    texts = [path[: -len(key)] if ends else path for path, key, ends in zip(paths, keys, before, strict=True)]
    return [-1 - number if ends else number for number, ends in zip(strings.number(texts), before, strict=True)]


def decode_columns(message: Message, *, within: str = "columns") -> Columns:
    """Read an AccessColumns. Raises Malformed, its field below `within`, for what is no set of whole records."""
    columns: Any = message
    strings = list(columns.strings)
    if any("\0" in text for text in strings):
        raise Malformed(f"{within}.strings", "has a NUL character")
    known, count = len(strings), len(columns.ts_ms_delta)
    empty = strings.index("") if "" in strings else known
    if empty == known:
        strings.append("")
    moved = len(strings) - known
    read: dict[str, Any] = {name: _column(columns, name, count, empty, known, within) for name in _WORD_COLUMNS}
    path = _column(columns, "path", count, empty, 2 * known, within)
    read["path"] = [index + moved if index >= known else index for index in path] if moved and columns.path else path
    read["op"] = _column(columns, "op", count, 0, len(OPS), within)
    for name in _COUNT_COLUMNS:
        read[name] = _column(columns, name, count, 0, 2**63, within)
    for name in _LATENCY_COLUMNS:
        read[name] = _column(columns, name, count, 0.0, float("inf"), within)
    moments = list(accumulate(columns.ts_ms_delta))
    if moments and not (min(moments) >= 0 and max(moments) <= _LAST_MS):
        raise Malformed(f"{within}.ts_ms_delta", "leads to a moment before 1970 or after the year 9999")
    return Columns(strings=tuple(strings), ts_ms=moments, **read)


def _column(columns: Any, name: str, count: int, missing: float, below: float, within: str) -> list[Any]:
    """Return a column's values, each in [0, below); `missing` for all when it is left out. Raises Malformed."""
    values = list(getattr(columns, name))
    if not values:
        return [missing] * count
    if len(values) != count:
        raise Malformed(f"{within}.{name}", f"has {len(values)} values, not {count} like ts_ms_delta")
    # A NaN makes every comparison false, wherever it stands; the sum tells. An integer is none.
    if not (min(values) >= 0 and max(values) < below and (isinstance(missing, int) or sum(values) >= 0)):
        raise Malformed(f"{within}.{name}", f"has a value outside 0 to {below}")
    return values
