"""Shell completion, through the environment variable that shells set."""

import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.support.ports import LOOPBACK, free_port
from warpdrive.entrypoints.ctl.main import main

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator


def completed(line: str, **environ: str) -> list[str]:
    """Complete the last word of a command line, as bash would ask for it."""
    words = line.split(" ")
    asked = {"_WARPDRIVE_CTL_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    result = CliRunner().invoke(main, env={**asked, **environ}, prog_name="warpdrive-ctl")
    assert not result.stderr
    return [row.partition(",")[2] for row in result.stdout.splitlines() if row]


@pytest.fixture
def known(operator: "Operator") -> dict[str, str]:
    """The environment of an operator whose control plane knows some names."""
    for name in ("training", "trial", "other"):
        operator.ok("namespace", "create", name)
    operator.ok("team", "add", "vision")
    operator.ok("price", "set", "aws", "--from", "2026-01-31", "--per-gib-month", "1")
    return operator.environ()


def test_commands_complete_without_any_server() -> None:
    """Groups, commands, options and choices."""
    assert completed("warpdrive-ctl name") == ["namespace"]
    assert sorted(completed("warpdrive-ctl namespace un")) == ["unmount", "unseal"]
    assert "--expires" in completed("warpdrive-ctl token create --")
    assert completed("warpdrive-ctl token create --role a") == ["admin", "agent", "auditor"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("warpdrive-ctl namespace show tr", ["training", "trial"]),
        ("warpdrive-ctl namespace mount ", ["other", "training", "trial"]),
        ("warpdrive-ctl quota set --team v", ["vision"]),
        ("warpdrive-ctl price list ", ["aws"]),
        ("warpdrive-ctl namespace show x", []),
    ],
)
def test_names_come_from_the_control_plane(known: dict[str, str], line: str, names: list[str]) -> None:
    """Those that begin like what is typed."""
    assert completed(line, **known) == names


def test_the_tools_own_options_are_minded(known: dict[str, str]) -> None:
    """What stands before the command says which control plane."""
    server, token = known.pop("WARPDRIVE_SERVER"), known.pop("WARPDRIVE_TOKEN_FILE")
    line = f"warpdrive-ctl --server {server} --token-file {token} namespace show tr"
    assert completed(line, WARPDRIVE_SERVER="", WARPDRIVE_TOKEN_FILE="", **known) == ["training", "trial"]


def test_no_answer_is_silence(known: dict[str, str], tmp_path: Path) -> None:
    """Nobody there, a token that is not known, a token's file that is not there."""
    stranger = tmp_path / "stranger"
    stranger.write_text("wd_" + "0" * 32 + "_" + "x" * 43)
    for wrong in (
        {"WARPDRIVE_SERVER": f"http://{LOOPBACK}:{free_port()}"},
        {"WARPDRIVE_TOKEN_FILE": str(stranger)},
        {"WARPDRIVE_TOKEN_FILE": str(tmp_path / "gone")},
    ):
        assert completed("warpdrive-ctl namespace show tr", **{**known, **wrong}) == []


def test_who_presses_the_tab_key_does_not_wait(tmp_path: Path) -> None:
    """A server that accepts and says nothing costs a second; the client's own patience would be three."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        url = f"http://{LOOPBACK}:{silent.getsockname()[1]}"
        began = time.monotonic()
        names = completed("warpdrive-ctl namespace show tr", WARPDRIVE_SERVER=url, HOME=str(tmp_path))
        took = time.monotonic() - began
    assert names == []
    assert 0.9 < took < 2.5
