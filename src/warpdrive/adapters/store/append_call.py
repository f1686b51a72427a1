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
    NameTaken,
    Receipt,
)

SQL: Final = """
    SELECT * FROM public.warpdrive_append(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
    )
"""
"""Arguments: milliseconds to wait for the lock, then the arrays of `arguments`."""

_BIGINTS: Final = range(-(2**63), 2**63)
_OVERHEAD_BYTES: Final = 128


def weight(append: Append) -> int:
    """Return about how many bytes a command puts on the wire.

    Raises ValueError when something in it cannot be stored: it would fail all the commands that wait with it.
    """
    facts = append.facts
    texts = [facts.actor, facts.correlation_id, facts.causation_id]
    texts += [event.topic for event in append.events]
    for use in append.names:
        texts += [use.kind, use.name, use.owner]
        if use.uses == 0:
            raise ValueError(f"{use.kind} name {use.name!r} is neither taken nor given up")
    if any("\0" in text for text in texts):
        raise ValueError("PostgreSQL stores no text with a NUL character")
    if append.version not in _BIGINTS or any(event.version not in _BIGINTS for event in append.events):
        raise ValueError("a version is a signed number of 64 bits")
    # Encoding also finds lone surrogates (UnicodeEncodeError is a ValueError).
    return (
        sum(len(text.encode()) for text in texts)
        + sum(len(event.state) + _OVERHEAD_BYTES for event in append.events)
        + _OVERHEAD_BYTES
    )


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
            return EventStoreError(
                f"{row['owner']} gives up the {row['kind']} name {row['name']!r} more than it holds it"
            )
        case other:
            raise AssertionError(f"warpdrive_append answered {other!r}")
