"""What every command shares: whom to talk to, clients for a block, and faults as messages with exit status 1."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.console import Console

from warpdrive.adapters.admin.client import AgentClient, AgentRefused, AgentUnreachable
from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal, ControlPlaneUnreachable
from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.domain.content.texts import shown
from warpdrive.entrypoints.ctl.refusals import explain
from warpdrive.entrypoints.ctl.server import Server

DEFAULT_SOCKET: Final = "/var/lib/warpdrive/admin.sock"

FAILED: Final = 1
USAGE: Final = 2

_UNSEEN_WIDTH: Final = 4096
"""Columns of a table that nobody watches: cutting lines is for who reads them."""

Command = TypeVar("Command", bound=Callable[..., Any])


class Session:
    """One run of the tool. `socket`: the agent's admin socket, `server`: the control plane.

    `socket_named`: somebody chose the socket, so that nobody answering there is a fault.
    """

    def __init__(self, socket: Path, server: Server, *, socket_named: bool) -> None:
        self.socket = socket
        self.socket_named = socket_named
        self.server = server

    @contextmanager
    def agent(self) -> Iterator[AgentClient]:
        """Give a client; faults of the agent become a message on stderr and exit status 1."""
        try:
            with AgentClient(self.socket) as client:
                yield client
        except (AgentUnreachable, AgentRefused) as error:
            raise click.ClickException(printable(str(error))) from None

    @contextmanager
    def plane(self) -> Iterator[ControlPlaneClient]:
        """Give a client of the control plane; its faults become a message on stderr and exit status 1.

        A refusal that the command itself understands is caught inside the block.
        """
        credential = self.server.credential()
        for warning in credential.warnings:
            click.echo(printable(f"warning: {warning}"), err=True)
        try:
            with ControlPlaneClient(
                self.server.url,
                token=credential.secret,
                ca_file=self.server.ca_file,
                cert_file=self.server.cert_file,
                key_file=self.server.key_file,
            ) as client:
                try:
                    yield client
                except ControlPlaneRefusal as refusal:
                    words = explain(refusal, self.server, credential, client.call)
                    raise click.ClickException(printable(words)) from None
        except ControlPlaneUnreachable as error:
            raise click.ClickException(printable(str(error))) from None

    def now(self) -> datetime:
        """Return this moment, from which ages are counted."""
        return datetime.now(UTC)


pass_session = click.make_pass_decorator(Session)


def json_option(command: Command) -> Command:
    """Add `--json` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def print_json(answer: object) -> None:
    """Print one JSON document on one line."""
    print(json.dumps(answer), flush=True)


def printable(text: str) -> str:
    r"""Return text that any stream takes and no terminal obeys.

    Bytes of names that are no UTF-8 become \xNN, control and invisible characters but line ends and tabs \x1b, \u202e.
    """
    return shown(os.fsencode(text).decode("utf-8", "backslashreplace"), "\n\t")


def console() -> Console:
    """Return a console on standard output; tables keep their width when nobody sees them."""
    seen = sys.stdout.isatty()
    return Console(file=sys.stdout, soft_wrap=not seen, highlight=False, width=None if seen else _UNSEEN_WIDTH)


def is_terminal() -> bool:
    """Say whether somebody watches."""
    return sys.stdout.isatty()


class NobodyToAskError(click.ClickException):
    """Raised when a question comes up and standard input is no terminal."""

    exit_code = USAGE

    def __init__(self, question: str) -> None:
        super().__init__(printable(f"{question} Nobody can be asked here: say --yes."))


def confirm(question: str) -> None:
    """Ask before something that cannot be taken back. Raises NobodyToAskError; a no is a failure."""
    if not sys.stdin.isatty():
        raise NobodyToAskError(question)
    if not click.confirm(question, err=True):
        raise click.ClickException("nothing was changed")


def yes_option(command: Command) -> Command:
    """Add `--yes` to a command."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(command)
