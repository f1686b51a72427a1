"""How answers are printed."""

import json

import pytest

from warpdrive.entrypoints.replay.words import print_json


def test_json_holds_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    """C1 controls and invisible characters too, and it says the same to a program."""
    answer = {"actor": "Zoë\x1b[2J\x9bH\u202e\nforged"}
    print_json(answer)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert json.loads(line) == answer
