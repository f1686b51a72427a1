"""`prefetch`: tell the agent in which order a job will read."""

import os
from dataclasses import replace
from typing import TextIO

import click

from warpdrive.application.mount.manifest import ManifestEntry, ManifestError, parse_manifest
from warpdrive.entrypoints.ctl.places import namespace_path
from warpdrive.entrypoints.ctl.session import Session, json_option, pass_session, print_json


class ManifestFile(click.File):
    """A manifest: "-" is standard input; names that are no UTF-8 survive."""

    def __init__(self) -> None:
        super().__init__("r", encoding="utf-8", errors="surrogateescape")


@click.command()
@click.option(
    "--manifest", type=ManifestFile(), required=True, help="One path a line, or JSON lines; '-' is standard input."
)
@json_option
@pass_session
def prefetch(session: Session, manifest: TextIO, *, as_json: bool) -> None:
    """Fetch ahead of a job that reads files in a known order.

    A manifest names one file a line, in order, optionally a TAB and byte ranges (0-4095,8192-). Lines that start
    with '#' are comments; a line of JSON is {"path": ..., "ranges": [[0, 4095], [8192, null]]}. A new order replaces
    the one before.
    """
    entries = _entries(manifest)
    with session.agent() as agent:
        mount_point, cwd = agent.status()["mount_point"], os.getcwd()  # noqa: PTH109 - text, as typed
        placed = [replace(entry, path=namespace_path(entry.path, mount_point, cwd)) for entry in entries]
        accepted = agent.prefetch(placed)
    if as_json:
        print_json({"accepted": accepted})
    else:
        print(f"following an order of {accepted} files")


def _entries(manifest: TextIO) -> list[ManifestEntry]:
    try:
        entries = list(parse_manifest(manifest))
    except ManifestError as error:
        raise click.BadParameter(str(error), param_hint="--manifest") from None
    if not entries:
        raise click.BadParameter("names no file", param_hint="--manifest")
    return entries
