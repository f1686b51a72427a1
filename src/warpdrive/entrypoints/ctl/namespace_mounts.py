"""`namespace mount` and `unmount`: one entry of a namespace at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal
from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.domain.content.paths import normalise_mount_path
from warpdrive.domain.namespace.values import BACKEND_TYPES, OPTIONS, POLICY_WORDS
from warpdrive.entrypoints.ctl.completion import NAMESPACE
from warpdrive.entrypoints.ctl.namespace_diff import changed_words
from warpdrive.entrypoints.ctl.namespace_file import Entry, unserved
from warpdrive.entrypoints.ctl.session import Session, json_option, pass_session, print_json, printable
from warpdrive.entrypoints.settings.faults import did_you_mean
from warpdrive.entrypoints.settings.kinds import parse_prefix


class MountPathType(click.ParamType[str]):
    """A path of the namespace; slashes too many do no harm."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it; a usage error otherwise."""
        try:
            return normalise_mount_path(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


class OptionType(click.ParamType[tuple[str, str]]):
    """One option of a backend: key=value."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Take it apart; a usage error otherwise."""
        key, equals, text = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not like bucket=photos", param, ctx)
        return key, text


_HELP: Final = """Let PATH of a namespace live in a backend. Nodes show it within a second, without a remount.

The same command again changes nothing. With --reconfigure, `--config region=` takes an option away.

\b
warpdrive-ctl namespace mount training /photos --backend photos --type s3 \\
    --config bucket=photos --config region=eu-central-1 --prefix raw/ --auth photos-reader
"""


@click.command(help=_HELP)
@click.argument("name", type=NAMESPACE)
@click.argument("path", type=MountPathType())
@click.option("--backend", help="The backend's name.")
@click.option("--type", "kind", type=click.Choice(BACKEND_TYPES), help="What it speaks.")
@click.option(
    "--config", type=OptionType(), multiple=True, help="bucket=photos, region=..., as in `config`; repeat it."
)
@click.option("--prefix", help="Only keys that begin with it.")
@click.option("--auth", help="Name of credentials that the nodes hold (agent.credentials).")
@click.option("--tenant", help="Entra tenant that owns it: nodes then need a grant.")
@click.option("--write", type=click.Choice(POLICY_WORDS["write"]))
@click.option("--durability", type=click.Choice(POLICY_WORDS["durability"]))
@click.option("--conflict", type=click.Choice(POLICY_WORDS["conflict"]))
@click.option("--delete", type=click.Choice(POLICY_WORDS["delete"]))
@click.option("--reconfigure", is_flag=True, help="Change the entry that is there; what is not named stays as it is.")
@json_option
@pass_session
def mount(
    session: Session,
    name: str,
    path: str,
    *,
    backend: str | None,
    kind: str | None,
    config: Sequence[tuple[str, str]],
    prefix: str | None,
    auth: str | None,
    tenant: str | None,
    write: str | None,
    durability: str | None,
    conflict: str | None,
    delete: str | None,
    reconfigure: bool,
    as_json: bool,
) -> None:
    """Decode the command line, compare with what is there, add or change."""
    if not reconfigure and (backend is None or kind is None):
        raise click.UsageError("a new entry needs --backend NAME and --type TYPE")
    given = {"name": backend, "type": kind, "prefix": _prefix(prefix), "auth": auth, "tenant": tenant}
    policy = {"write": write, "durability": durability, "conflict": conflict, "delete": delete}
    with session.plane() as plane:
        before = _there(plane, name, path) if reconfigure else None
        entry = _merged(before, path, given, config, policy)
        _check_options(entry)
        for warning in unserved(entry):
            click.echo(printable(f"warning: {warning}"), err=True)
        if before is None:
            changed, answer = _add(plane, name, entry)
        else:
            changed = any(changed_words(before, entry))
            answer = plane.call("ControlService/ReconfigureMountEntry", {"namespace": name, "entry": entry})
    if as_json:
        print_json(answer)
    elif changed:
        verb = "reconfigured" if reconfigure else "mounted"
        print(printable(f"{path} of {name} {verb}: {entry['backend']['name']} ({entry['backend']['type']})"))
    else:
        print("nothing to change")


@click.command()
@click.argument("name", type=NAMESPACE)
@click.argument("path", type=MountPathType())
@json_option
@pass_session
def unmount(session: Session, name: str, path: str, *, as_json: bool) -> None:
    """Let PATH of a namespace live nowhere. No object is touched; open files of nodes go on reading."""
    with session.plane() as plane:
        try:
            answer = plane.call("ControlService/RemoveMountEntry", {"namespace": name, "path": path})
        except ControlPlaneRefusal as refusal:
            if refusal.reason != "UNKNOWN_MOUNT_ENTRY":
                raise
            paths = [entry["path"] for entry in _entries(plane, name)]
            hint = did_you_mean(path, paths) or f"; it has {', '.join(paths) or 'none'}"
            raise click.ClickException(printable(f"{name} has no mount entry on {path}{hint}")) from None
    if as_json:
        print_json(answer)
    else:
        print(printable(f"{path} of {name} unmounted"))


def _prefix(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(parse_prefix(text))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--prefix") from None


def _add(plane: ControlPlaneClient, name: str, entry: Entry) -> tuple[bool, Mapping[str, Any]]:
    """Add it; what is there already, word for word, is left alone."""
    try:
        return True, plane.call("ControlService/AddMountEntry", {"namespace": name, "entry": entry})
    except ControlPlaneRefusal as refusal:
        if refusal.reason != "DUPLICATE_MOUNT_PATH":
            raise
    namespace = plane.call("ControlService/GetNamespace", {"namespace": name})
    before = next((each for each in namespace["entries"] if each["path"] == entry["path"]), None)
    differences = "it is new" if before is None else "; ".join(changed_words(before, entry))
    if differences:
        words = f"{entry['path']} of {name} has another entry ({differences}); say --reconfigure to change it"
        raise click.ClickException(printable(words))
    return False, namespace


def _there(plane: ControlPlaneClient, name: str, path: str) -> Entry:
    found = next((entry for entry in _entries(plane, name) if entry["path"] == path), None)
    if found is None:
        words = f"{name} has no mount entry on {path}; leave --reconfigure out to add one"
        raise click.ClickException(printable(words))
    return found


def _entries(plane: ControlPlaneClient, name: str) -> list[Entry]:
    found: list[Entry] = plane.call("ControlService/GetNamespace", {"namespace": name})["entries"]
    return found


def _merged(
    before: Entry | None,
    path: str,
    given: Mapping[str, str | None],
    config: Sequence[tuple[str, str]],
    policy: Mapping[str, str | None],
) -> dict[str, Any]:
    """Return the entry that is wished for: what was given over what there was, or over the defaults."""
    old: Mapping[str, Any] = {} if before is None else before["backend"]
    # A backend of another type has other options.
    same = given["type"] in {None, old.get("type")}
    options = {**(old.get("options", {}) if same else {}), **dict(config)}
    backend = {key: old.get(key, "") if value is None else value for key, value in given.items()}
    backend["options"] = {key: value for key, value in options.items() if value}
    usual = {} if before is None else before["policy"]
    words = {key: policy[key] or usual.get(key) or POLICY_WORDS[key][0] for key in POLICY_WORDS}
    return {"path": path, "backend": backend, "policy": words}


def _check_options(entry: Entry) -> None:
    """Say which option of the command is wrong, before the control plane speaks of the entry."""
    kind = entry["backend"]["type"]
    for key in entry["backend"]["options"]:
        if key not in OPTIONS[kind]:
            instead = "; that is --prefix" if key == "prefix" else did_you_mean(key, OPTIONS[kind])
            known = ", ".join(OPTIONS[kind])
            raise click.BadParameter(f"{key} is none of {kind}'s: {known}{instead}", param_hint="--config")
