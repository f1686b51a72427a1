"""What is known of a group of batches between their coming and their transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from warpdrive.application.ports.batch_intake import AccessBatch


@dataclass(frozen=True, slots=True)
class BatchNumbers:
    """A batch's records with numbers in place of texts, one value a record in every list.

    `mounts`: the number of what stands before the key, by value of the column `path`; values that are not in it index
    whole paths. `days` since 1970.
    """

    node: int
    objects: list[int]
    days: list[int]
    users: list[int]
    jobs: list[int]
    backends: list[int]
    errors: list[int]
    mounts: Mapping[int, int]


Rows = list[list[int]]
"""Columns of rows to be upserted, in the order of their keys."""


Arrays = list[str]
"""The same as PostgreSQL reads arrays in text: the driver asks of every element whether it is one too, 0.4 us each."""

NOTHING: Final = "{}"


def arrays(columns: Rows) -> Arrays:
    """Write columns as arrays."""
    return ["{" + str(values)[1:-1] + "}" for values in columns]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A group as it is written: rows of COPY, and columns for each upsert.

    `rows`: for the records. `staged`: the same records, as rollups and activity are summed of them. `coverage`: node,
    day, covered, records, lost, too old. `touched`: object, day.
    """

    batches: Sequence[AccessBatch]
    ids: list[UUID]
    counts: list[int]
    rows: list[bytes]
    staged: list[memoryview]
    coverage: Arrays
    touched: Rows = field(default_factory=list)
