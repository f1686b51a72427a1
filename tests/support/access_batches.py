"""Batches of access records for tests of the intake: plain rows in, columns out."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from warpdrive.application.ports.batch_intake import COLUMNS, READ, AccessBatch, CoveredDay, RecordColumns

DAY_MS = 86_400_000
DAY = 20_500
"""2026-02-16, since 1970."""


class Row(NamedTuple):
    """One record. `at`: Unix time in milliseconds."""

    at: int = DAY * DAY_MS
    user: str = "ada"
    key: str = "a/one"
    backend: str = "lake"
    op: int = READ
    opens: int = 1
    bytes_read: int = 100
    hits: int = 2
    misses: int = 1
    job: str = ""
    error: str = ""
    version: str = "v1"
    mount: str = "/mnt/"
    """What stands before the key; "!" in front: the path is this, without the exclamation mark."""


def columns_of(rows: Sequence[Row]) -> RecordColumns:
    """Write rows as columns."""
    numbers: dict[str, int] = {"": 0}

    def number(text: str) -> int:
        return numbers.setdefault(text, len(numbers))

    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    paths: list[tuple[bool, int]] = []
    for row in rows:
        for name in ("user", "job", "backend", "key", "version", "error"):
            columns[name].append(number(getattr(row, name)))
        for name in ("op", "opens", "bytes_read", "hits", "misses"):
            columns[name].append(getattr(row, name))
        whole = row.mount.startswith("!")
        paths.append((whole, number(row.mount.removeprefix("!"))))
        columns["ts_ms"].append(row.at)
        columns["uid"].append(1000)
        columns["window_ms"].append(10_000)
        columns["latency_ms"].append(1.5)
        columns["latency_max_ms"].append(0.5)
    columns["path"] = [index if whole else index + len(numbers) for whole, index in paths]
    return RecordColumns(tuple(numbers), **columns)


def batch_of(
    *rows: Row,
    batch_id: UUID | None = None,
    node: str = "gpu-1",
    covered: Sequence[tuple[int, int]] = (),
    lost: int = 0,
    too_old: Sequence[tuple[int, int]] = (),
) -> AccessBatch:
    """Make a batch. `covered` and `too_old` by day."""
    return AccessBatch(
        batch_id or uuid4(),
        node,
        DAY * DAY_MS,
        columns_of(rows),
        covered=tuple(CoveredDay(*each) for each in covered),
        lost=lost,
        last_day=DAY,
        too_old=tuple(too_old),
    )
