"""What every command shares: the socket option, the client for a block, and faults as messages with exit status 1."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.console import Console

from warpdrive.adapters.admin.client import AgentClient, AgentRefused, AgentUnreachable

DEFAULT_SOCKET: Final = "/var/lib/warpdrive/admin.sock"

FAILED: Final = 1

Command = TypeVar("Command", bound=Callable[..., Any])


class Session:
    """One run of the tool. `socket`: the agent's admin socket."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    @contextmanager
    def agent(self) -> Iterator[AgentClient]:
        """Give a client; faults of the agent become a message on stderr and exit status 1."""
        try:
            with AgentClient(self.socket) as client:
                yield client
        except (AgentUnreachable, AgentRefused) as error:
            raise click.ClickException(printable(str(error))) from None


pass_session = click.make_pass_decorator(Session)


def json_option(command: Command) -> Command:
    """Add `--json` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def print_json(answer: object) -> None:
    """Print one JSON document on one line."""
    print(json.dumps(answer), flush=True)


def printable(text: str) -> str:
    r"""Return text that any stream takes: bytes of names that are no UTF-8 as \xNN."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def console() -> Console:
    """Return a console on standard output; tables keep their width when nobody sees them."""
    return Console(file=sys.stdout, soft_wrap=not sys.stdout.isatty(), highlight=False)


def is_terminal() -> bool:
    """Say whether somebody watches."""
    return sys.stdout.isatty()
