"""Capacity and ledger: SQL that adds what a change means to the sums that are kept with it.

Each takes rows of a query that the caller puts in: capacity (backend_id, owner_id, class_id, objects, bytes), ledger
(backend_id, owner_id and the named counts). Rows are locked in the order of their keys.
"""

from typing import Final

_COUNTS: Final = (
    "added_objects",
    "added_bytes",
    "removed_objects",
    "removed_bytes",
    "changed_bytes",
    "moved_objects",
    "moved_bytes",
)


def add_to_capacity(changes: str) -> str:
    """Write the statement; `changes` is a SELECT of what to add, one row for each change."""
    return f"""
        INSERT INTO storage.capacity AS kept (backend_id, owner_id, class_id, objects, bytes)
        SELECT backend_id, owner_id, class_id, sum(objects), sum(bytes) FROM ({changes}) AS change
        GROUP BY backend_id, owner_id, class_id HAVING sum(objects) <> 0 OR sum(bytes) <> 0
        ORDER BY backend_id, owner_id, class_id
        ON CONFLICT (backend_id, owner_id, class_id)
            DO UPDATE SET objects = kept.objects + excluded.objects, bytes = kept.bytes + excluded.bytes
    """  # noqa: S608 - texts of this package


def add_to_ledger(day: str, changes: str, *counts: str) -> str:
    """Write the statement; `day` is an expression, `changes` has those of the counts that are named."""
    assert set(counts) <= set(_COUNTS), "columns of the ledger"
    sums = ", ".join(f"sum({count})" for count in counts)
    some = " OR ".join(f"sum({count}) <> 0" for count in counts)
    kept = ", ".join(f"{count} = kept.{count} + excluded.{count}" for count in counts)
    return f"""
        INSERT INTO storage.ledger AS kept (day, backend_id, owner_id, {", ".join(counts)})
        SELECT {day}, backend_id, owner_id, {sums} FROM ({changes}) AS change
        GROUP BY backend_id, owner_id HAVING {some} ORDER BY backend_id, owner_id
        ON CONFLICT (day, backend_id, owner_id) DO UPDATE SET {kept}
    """  # noqa: S608 - texts of this package
