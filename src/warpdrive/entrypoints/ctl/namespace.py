"""`namespace`: what is mounted where, and its life."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from warpdrive.entrypoints.ctl.completion import NAMESPACE
from warpdrive.entrypoints.ctl.moments import age
from warpdrive.entrypoints.ctl.namespace_apply import apply
from warpdrive.entrypoints.ctl.namespace_file import entry_words, write_namespace
from warpdrive.entrypoints.ctl.namespace_mounts import mount, unmount
from warpdrive.entrypoints.ctl.output import (
    Column,
    output_options,
    output_options_and,
    print_table,
    show_facts,
    show_rows,
)
from warpdrive.entrypoints.ctl.session import Session, confirm, json_option, pass_session, print_json, yes_option


@click.group()
def namespace() -> None:
    """Trees of paths that are served to nodes."""


@namespace.command("list")
@click.option("--retired", is_flag=True, help="Retired ones too.")
@output_options
@pass_session
def list_namespaces(session: Session, *, retired: bool, style: str) -> None:
    """Show every namespace in your scope, in the order of their names."""
    with session.plane() as plane:
        rows = list(plane.items("ControlService/ListNamespaces", {"retired": retired}))
    columns = (
        Column("name", lambda row: row["name"]),
        Column("entries", lambda row: str(len(row["entries"])), right=True),
        Column("state", _state),
        Column("version", lambda row: row["version"], right=True),
        Column("changed", lambda row: age(row.get("updatedAt"), session.now()) + " ago"),
    )
    show_rows(
        rows,
        columns,
        message="Namespace",
        style=style,
        nothing="no namespaces yet; warpdrive-ctl namespace create NAME makes one",
    )


@namespace.command()
@click.argument("name", type=NAMESPACE)
@output_options_and("yaml")
@pass_session
def show(session: Session, name: str, *, style: str) -> None:
    """Show one namespace with its mount entries. `--format yaml` writes a file that `apply -f` takes back."""
    with session.plane() as plane:
        found = plane.call("ControlService/GetNamespace", {"namespace": name})
    if style == "yaml":
        sys.stdout.write(write_namespace(found))
        return
    now = session.now()
    facts = (
        ("namespace", found["name"]),
        ("id", found["id"]),
        ("state", _state(found)),
        ("version", found["version"]),
        ("created", age(found.get("createdAt"), now) + " ago"),
        ("changed", age(found.get("updatedAt"), now) + " ago"),
    )
    show_facts(found, facts, message="Namespace", style=style)
    if style == "table" and found["entries"]:
        print_table(found["entries"], _ENTRY_COLUMNS)


@namespace.command()
@click.argument("name")
@json_option
@pass_session
def create(session: Session, name: str, *, as_json: bool) -> None:
    """Bring a namespace into being, without mount entries yet: `mount` and `apply` give it some."""
    with session.plane() as plane:
        made = plane.call("ControlService/CreateNamespace", {"name": name})
    _say(made, f"namespace {made['name']} created", as_json=as_json)


@namespace.command()
@click.argument("name", type=NAMESPACE)
@json_option
@pass_session
def seal(session: Session, name: str, *, as_json: bool) -> None:
    """Forbid changes until it is unsealed. Nodes go on serving it."""
    with session.plane() as plane:
        sealed = plane.call("ControlService/SealNamespace", {"namespace": name})
    _say(sealed, f"namespace {name} sealed", as_json=as_json)


@namespace.command()
@click.argument("name", type=NAMESPACE)
@json_option
@pass_session
def unseal(session: Session, name: str, *, as_json: bool) -> None:
    """Allow changes again."""
    with session.plane() as plane:
        unsealed = plane.call("ControlService/UnsealNamespace", {"namespace": name})
    _say(unsealed, f"namespace {name} unsealed", as_json=as_json)


@namespace.command()
@click.argument("name", type=NAMESPACE)
@yes_option
@json_option
@pass_session
def retire(session: Session, name: str, *, yes: bool, as_json: bool) -> None:
    """End a namespace for good: its nodes lose every path, its name is free again, its history stays."""
    with session.plane() as plane:
        if not yes:
            count = len(plane.call("ControlService/GetNamespace", {"namespace": name})["entries"])
            confirm(f"Retire namespace {name} with {count} mount entries? This cannot be undone.")
        retired = plane.call("ControlService/RetireNamespace", {"namespace": name})
    _say(retired, f"namespace {name} retired (id {retired['id']})", as_json=as_json)


for _command in (apply, mount, unmount):
    namespace.add_command(_command)


def _say(answer: Mapping[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        print(words)


def _state(found: Mapping[str, Any]) -> str:
    if found["retired"]:
        return "retired"
    return "sealed" if found["sealed"] else "open"


_ENTRY_COLUMNS = (
    Column("path", lambda entry: entry["path"]),
    Column("backend", lambda entry: entry["backend"]["name"]),
    Column("type", lambda entry: entry["backend"]["type"]),
    Column("place", lambda entry: _words(entry, lambda word: word.startswith("config."))),
    Column("auth", lambda entry: entry["backend"]["auth"] or "-"),
    Column("tenant", lambda entry: entry["backend"]["tenant"] or "-"),
    Column("policy", lambda entry: _words(entry, lambda word: word in {"write", "durability", "conflict", "delete"})),
)


def _words(entry: Mapping[str, Any], wanted: Any) -> str:
    words = (f"{word.removeprefix('config.')}={value}" for word, value in entry_words(entry).items() if wanted(word))
    return " ".join(words) or "-"
