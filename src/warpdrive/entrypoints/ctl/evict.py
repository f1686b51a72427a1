"""`evict`: drop cached bytes of a path."""

import os
import sys

import click

from warpdrive.entrypoints.ctl.places import namespace_path
from warpdrive.entrypoints.ctl.session import FAILED, Session, json_option, pass_session, print_json, printable
from warpdrive.entrypoints.settings.units import format_size


@click.command()
@click.argument("path")
@json_option
@pass_session
def evict(session: Session, path: str, *, as_json: bool) -> None:
    """Drop what the cache holds of PATH, and of everything below it. Open files go on reading."""
    with session.agent() as agent:
        target = namespace_path(path, agent.status()["mount_point"], os.getcwd())  # noqa: PTH109 - text, as typed
        answer = agent.evict(target)
    if as_json:
        print_json(answer)
    else:
        print(f"{format_size(answer['bytes'])} of {answer['files']} files dropped")
        for fault in answer["failures"]:
            click.echo(f"failed: {printable(fault['path'])}: {printable(fault['detail'])}", err=True)
    if answer["failures"]:
        sys.exit(FAILED)
