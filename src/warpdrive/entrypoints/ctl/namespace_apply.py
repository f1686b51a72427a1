"""`namespace apply`: make a namespace what a file says, after showing what that changes."""

import os
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import click

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal
from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.entrypoints.ctl.namespace_diff import difference
from warpdrive.entrypoints.ctl.namespace_file import NamespaceFile, read_namespace
from warpdrive.entrypoints.ctl.refusals import facts_of
from warpdrive.entrypoints.ctl.session import (
    USAGE,
    Session,
    confirm,
    json_option,
    pass_session,
    print_json,
    printable,
    yes_option,
)
from warpdrive.entrypoints.settings.document import MAX_BYTES
from warpdrive.entrypoints.settings.faults import SettingsError, render_faults

_TRIES: Final = 5
"""What is read may be a moment older than what is; the control plane then says how it is."""


_HELP: Final = """Make a namespace exactly what FILE says, all or nothing; entries that it does not name go away.

Shows the difference first and asks. Where nobody can be asked and --yes is not said, the difference is printed,
nothing is changed, and the exit status is 2. A namespace that does not exist is created.

\b
namespace: training
backends:
  - name: photos
    type: s3
    mount_path: /photos
    config: {bucket: photos, region: eu-central-1, prefix: raw/}
    auth: photos-reader        # a name in the nodes' agent.credentials
"""


@click.command(help=_HELP)
@click.option("--file", "-f", "file", type=click.File("rb"), required=True, help="YAML; '-' is standard input.")
@click.option("--dry-run", is_flag=True, help="Show the difference and change nothing.")
@yes_option
@json_option
@pass_session
def apply(session: Session, file: BinaryIO, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Decode the command line, show the difference, ask, apply."""
    wished = _read(file)
    for warning in wished.warnings:
        click.echo(printable(f"warning: {warning}"), err=True)
    with session.plane() as plane:
        version, plan = _plan(plane, wished)
        _show(plan, wished.name, to_stderr=as_json)
        if (plan["changes"] or plan["created"]) and not dry_run:
            if not yes and not sys.stdin.isatty():
                click.echo("nothing was changed: nobody can be asked here; say --yes to apply this", err=True)
                sys.exit(USAGE)
            if not yes:
                confirm("Apply?")
            plan = _apply(plane, wished, version, plan)
            if not as_json:
                print(f"applied; {wished.name} is at version {plan['namespace']['version']}")
    if as_json:
        print_json(plan)


def _read(file: BinaryIO) -> NamespaceFile:
    name = getattr(file, "name", "<stdin>")
    try:
        raw = file.read(MAX_BYTES + 1)
        return read_namespace(raw, os.environ)
    except OSError as error:
        raise click.FileError(name, error.strerror or str(error)) from None
    except SettingsError as error:
        raise click.UsageError(render_faults(name, error.faults)) from None


def _plan(plane: ControlPlaneClient, wished: NamespaceFile) -> tuple[int, dict[str, Any]]:
    """Return the version that there is (0: none), and what the control plane would make of it."""
    fields = {"namespace": wished.name, "entries": list(wished.entries), "dry_run": True}
    version = _version(plane, wished.name)
    for _ in range(_TRIES):
        try:
            plan = plane.call("ControlService/ApplyNamespace", {**fields, "expected_version": version})
        except ControlPlaneRefusal as refusal:
            if refusal.reason != "VERSION_MISMATCH":
                raise
            version = int(facts_of(refusal)["actual"])
            continue
        if version or plan["created"]:
            return version, plan
        # It is there and was too young to be read: another version than the first is named by the refusal.
        version = 1
    raise click.ClickException(f"namespace {wished.name} changes faster than it can be read; try again")


def _version(plane: ControlPlaneClient, name: str) -> int:
    try:
        return int(plane.call("ControlService/GetNamespace", {"namespace": name})["version"])
    except ControlPlaneRefusal as refusal:
        if refusal.code != "NOT_FOUND":
            raise
        return 0


def _apply(plane: ControlPlaneClient, wished: NamespaceFile, version: int, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Do what was shown, and nothing else: a namespace that came or changed meanwhile is refused."""
    entries = list(wished.entries)
    if plan["created"]:
        made = plane.call("ControlService/CreateNamespace", {"name": wished.name, "entries": entries})
        return {**plan, "namespace": made}
    fields = {"namespace": wished.name, "entries": entries, "expected_version": version}
    # A repeated answer names no changes; what was shown is what was done.
    return {**plane.call("ControlService/ApplyNamespace", fields), "changes": plan["changes"]}


def _show(plan: Mapping[str, Any], name: str, *, to_stderr: bool) -> None:
    changes = plan["changes"]
    if not changes and not plan["created"]:
        click.echo(f"nothing to change in namespace {printable(name)}", err=to_stderr)
        return
    click.echo(f"namespace {printable(name)}" + (" (new)" if plan["created"] else ""), err=to_stderr)
    for line in difference(changes):
        click.echo(printable(line), err=to_stderr)
