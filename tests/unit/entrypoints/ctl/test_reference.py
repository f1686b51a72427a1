"""docs/ctl.md does what it says: its files are written, its commands run in order, their output compared."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from tests.support.canned_governance import CANNED
from warpdrive.entrypoints.ctl import crawl
from warpdrive.entrypoints.ctl.main import main

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator

DOCUMENT = Path(__file__).parents[4] / "docs" / "ctl.md"

_BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SHIFTING = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b(\d+(ms|s|m|h|d) ?)+ ago\b"), "AGE ago"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), "MOMENT"),
    (re.compile(r"\bin [0-9.]+(ms|s) \([0-9.]+ [KMG]?i?B/s\)"), "in TIME (RATE)"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "SERVER"),
    (re.compile(r"[ \t]+"), " "),
)
"""What differs between two runs: ids, ages, moments, ports, and so the width of columns."""


@dataclass(frozen=True)
class Example:
    """A command as typed, and what follows it in the document."""

    command: str
    shown: str


def examples(folder: Path) -> Iterator[Example]:
    """Yield the document's commands in order; write its files when their turn comes."""
    for kind, text in _BLOCK.findall(DOCUMENT.read_text()):
        if kind == "yaml":
            (folder / text.partition("\n")[0].removeprefix("# ")).write_text(text)
            continue
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield Example(command, shown)


def lasting(text: str) -> list[str]:
    """Return what stays the same from run to run, line by line."""
    for pattern, word in _SHIFTING:
        text = pattern.sub(word, text)
    return [line.strip() for line in text.splitlines()]


def test_every_example_prints_what_the_document_shows(
    operator: "Operator", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, as one session. What is said of storage and its use comes from a can, in UTC; `move` is real."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(crawl, "POLL", 0.0)
    operator.served.dispatcher.canned = dict(CANNED)
    for name in ("raw/2025/a", "raw/2025/b", "raw/2026/c"):
        (tmp_path / "lake" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lake" / name).write_text("bytes")
    (tmp_path / "cold").mkdir()
    count = 0
    for example in examples(tmp_path):
        program, *arguments = shlex.split(example.command)
        assert program == "warpdrive-ctl"
        assert lasting(operator.run(*arguments).output) == lasting(example.shown), example.command
        count += 1
    assert count > 40


def test_every_command_is_in_the_document() -> None:
    """By its name."""
    text = DOCUMENT.read_text()
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert f"`{name}" in text, name
        for inner in command.list_commands(context) if isinstance(command, click.Group) else ():
            assert re.search(rf"{name} [^`]*\b{inner}\b", text), f"{name} {inner}"
