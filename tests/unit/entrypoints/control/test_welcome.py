"""What is said once everything serves."""

import shlex

import pytest

from warpdrive.entrypoints.control.welcome import Whereabouts, welcome


def test_the_first_command_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    """Into a shell, whatever the directory is called."""
    token = "/srv/ours & theirs/d\u00e4ta/admin.token"
    welcome(
        Whereabouts(
            "127.0.0.1:1", "127.0.0.1:2", tls=True, loopback_only=True, open_door=False, database="", token=token
        )
    )
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("  try "))
    assert shlex.split(line)[4:] == ["--token-file", token, "namespace", "list"]
