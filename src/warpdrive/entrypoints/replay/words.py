"""How answers are printed: lines for people, JSON for programs, one document or one line each."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from warpdrive.application.audit.facts import Tree, value_words
from warpdrive.application.audit.trail import TrailEntry
from warpdrive.application.audit.wording import plain

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add `--json` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def print_json(answer: object) -> None:
    """Print one JSON document on one line, in ASCII: JSON itself would let some control characters stand."""
    print(json.dumps(answer))


def moment_json(moment: datetime) -> str:
    """Write a moment exactly."""
    return moment.astimezone(UTC).isoformat()


def entry_json(entry: TrailEntry) -> dict[str, Any]:
    """Show an entry of the trail to a program."""
    return {
        "position": entry.position,
        "recorded_at": moment_json(entry.recorded_at),
        "actor": entry.actor,
        "command_id": None if entry.command_id is None else str(entry.command_id),
        "correlation_id": entry.correlation_id,
        "causation_id": entry.causation_id,
        "stream": str(entry.stream),
        "version": entry.version,
        "kind": entry.kind,
        "topic": entry.topic,
        "sentence": entry.sentence,
        "readable": entry.readable,
        "hash": entry.hash.hex(),
    }


def tree_lines(tree: Tree, depth: int = 1) -> Iterator[str]:
    """Show facts to a person, what is nested indented."""
    margin = "  " * depth
    for key, value in tree.items():
        name = plain(key) or repr(key)
        if isinstance(value, Mapping):
            yield f"{margin}{name}" + ("" if value else ": none")
            yield from tree_lines(value, depth + 1)
        elif isinstance(value, str | int | bool) or value is None:
            yield f"{margin}{name}: {value_words(value)}"
        else:
            yield f"{margin}{name}: " + (", ".join(map(repr, value)) or "none")
