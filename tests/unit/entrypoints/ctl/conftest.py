"""An operator before a real HTTP door of a control plane on memory twins."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.ports import LOOPBACK, free_port
from tests.support.served_plane import ServedPlane, served_plane
from warpdrive.entrypoints.ctl import completion
from warpdrive.entrypoints.ctl.main import main


@pytest.fixture(autouse=True)
def _nobody_at_the_default_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control plane that this machine happens to run, and its admin's token, are none of a test's business."""
    monkeypatch.setattr(completion, "DEFAULT_SERVER", f"http://{LOOPBACK}:{free_port()}")


class Operator:
    """Types commands. `home` is empty but for what a test puts there."""

    def __init__(self, served: ServedPlane, home: Path) -> None:
        self.served = served
        self.home = home
        self.token_file = served.token_file(home)

    def run(self, *arguments: str, stdin: str | bytes | None = None, **environ: str) -> Result:
        """Run a command as the admin."""
        known = {**self.environ(), "WARPDRIVE_CA_FILE": None, **environ}
        return CliRunner().invoke(main, arguments, input=stdin, env=known)

    def environ(self) -> dict[str, str]:
        """Return what a program needs to find the control plane."""
        return {
            "HOME": str(self.home),
            "WARPDRIVE_SERVER": self.served.url,
            "WARPDRIVE_TOKEN_FILE": str(self.token_file),
        }

    def ok(self, *arguments: str, stdin: str | bytes | None = None) -> str:
        """Run a command that must succeed; return what it printed, nothing on stderr."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.output
        assert not result.stderr
        return result.stdout

    def json(self, *arguments: str, stdin: str | bytes | None = None) -> Any:
        """Run a command that must succeed with --json."""
        return json.loads(self.ok(*arguments, "--json", stdin=stdin))

    def fails(self, *arguments: str, status: int = 1, **environ: str) -> str:
        """Run a command that must fail; return what it said on stderr."""
        result = self.run(*arguments, **environ)
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        assert not result.stdout
        return result.stderr

    def writes(self) -> list[str]:
        """Name what changed something so far."""
        reads = ("Get", "List", "WhoAmI", "Check")
        methods = (method.partition("/")[2] for method, _ in self.served.dispatcher.asked)
        return [method for method in methods if not method.startswith(reads)]


@pytest.fixture(scope="session")
def door() -> Iterator[ServedPlane]:
    """One server for all tests: starting and stopping it takes longer than they do."""
    with served_plane() as plane:
        yield plane


@pytest.fixture
def served(door: ServedPlane) -> Iterator[ServedPlane]:
    """A control plane with nothing in it but the admin's token."""
    with door.anew():
        yield door


@pytest.fixture
def operator(served: ServedPlane, tmp_path: Path) -> Operator:
    """Its admin."""
    home = tmp_path / "home"
    home.mkdir()
    return Operator(served, home)
