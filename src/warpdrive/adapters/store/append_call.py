"""One call of the append function: a group of commands as arrays, and the rows that come back as outcomes."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import asyncpg

from warpdrive.application.ports.event_store import (
    Append,
    CommandIdReused,
    ConcurrentWrite,
    EventStoreError,
    NameNotHeld,
    NameTaken,
    Receipt,
)

SQL: Final = """
    SELECT * FROM public.warpdrive_append(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
    )
"""
"""Arguments: milliseconds to wait for the lock, then the arrays of `arguments`."""


def arguments(group: Sequence[Append]) -> tuple[list[Any], ...]:
    """Flatten a group into the function's arrays."""
    facts = [append.facts for append in group]
    events = list(chain.from_iterable(append.events for append in group))
    names = list(chain.from_iterable(append.names for append in group))
    return (
        [each.command_id for each in facts],
        [each.request_hash for each in facts],
        [each.actor for each in facts],
        [each.correlation_id for each in facts],
        [each.causation_id for each in facts],
        [append.stream for append in group],
        [append.version for append in group],
        [len(append.events) for append in group],
        [len(append.names) for append in group],
        [event.stream for event in events],
        [event.version for event in events],
        [event.topic for event in events],
        [event.state for event in events],
        [use.kind for use in names],
        [use.name for use in names],
        [use.owner for use in names],
        [use.uses for use in names],
    )


def outcome(append: Append, row: "asyncpg.Record") -> Receipt | EventStoreError:
    """Read a command's outcome from its row."""
    match row["outcome"]:
        case "recorded" | "repeated" as how:
            return Receipt(
                append.facts.command_id, row["stream"], row["version"], row["position"], repeated=how == "repeated"
            )
        case "conflict":
            return ConcurrentWrite(
                f"stream {append.stream} or another that the command writes has moved on from version {append.version}"
            )
        case "taken":
            return NameTaken(row["kind"], row["name"], row["owner"])
        case "reused":
            return CommandIdReused(f"command {append.facts.command_id} was recorded with another request")
        case "not held":
            return NameNotHeld(f"{row['owner']} gives up the {row['kind']} name {row['name']!r} more than it holds it")
        case other:
            raise AssertionError(f"warpdrive_append answered {other!r}")
