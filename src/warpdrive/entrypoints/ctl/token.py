"""`token`: who may call the control plane."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal
from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.entrypoints.ctl.completion import NAMESPACE, TEAM, TOKEN
from warpdrive.entrypoints.ctl.moments import PeriodType, age, due, ending
from warpdrive.entrypoints.ctl.output import Column, output_options, show_rows
from warpdrive.entrypoints.ctl.session import (
    Session,
    confirm,
    json_option,
    pass_session,
    print_json,
    printable,
    yes_option,
)

ROLES: Final = ("viewer", "operator", "admin", "agent", "auditor")


@click.group()
def token() -> None:
    """Tokens: a role, and what it is for."""


_HELP: Final = """Make a token. Its secret is shown once and kept nowhere.

\b
warpdrive-ctl token create --role agent --node n1 --namespace training --expires 90d --output agent.token
"""


@token.command(help=_HELP)
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--namespace", "namespaces", type=NAMESPACE, multiple=True, help="Only this one; repeat it.  [all]")
@click.option("--team", "teams", type=TEAM, multiple=True, help="Only this one; repeat it.  [all]")
@click.option("--node", default="", help="The node of an agent's token.")
@click.option("--expires", type=PeriodType(), help="A period such as 90d.  [never]")
@click.option("--note", default="", help="For whom, for what.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the secret to this new file, for you alone, instead of printing it.",
)
@json_option
@pass_session
def create(
    session: Session,
    *,
    role: str,
    namespaces: Sequence[str],
    teams: Sequence[str],
    node: str,
    expires: str | None,
    note: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Decode the command line, make a place for the secret, then the token."""
    if role == "agent" and not node:
        raise click.UsageError("an agent's token needs --node NAME")
    fields = {
        "role": f"ROLE_{role.upper()}",
        "namespaces": list(namespaces),
        "teams": list(teams),
        "node": node,
        "note": note,
        "expires_in": expires or "",
    }
    with _secret_file(output) as descriptor:
        with session.plane() as plane:
            _warn_of_nobody(plane, namespaces, teams)
            made = plane.call("ControlService/CreateToken", fields)
        _check_secret(made)
        if descriptor is not None:
            os.write(descriptor, f"{made['secret']}\n".encode())
            os.fsync(descriptor)
    _say(made, session, output, as_json=as_json)


@token.command("list")
@click.option("--ended", is_flag=True, help="Revoked and expired ones too.")
@output_options
@pass_session
def list_tokens(session: Session, *, ended: bool, style: str) -> None:
    """Show tokens, without their secrets."""
    with session.plane() as plane:
        rows = list(plane.items("ControlService/ListTokens", {"ended": ended}))
    now = session.now()
    columns = (
        Column("id", lambda row: row["tokenId"]),
        Column("role", role_word),
        Column("scope", scope_words),
        Column("note", lambda row: row["note"] or "-"),
        Column("created", lambda row: f"{age(row.get('createdAt'), now)} ago by {row['createdBy']}"),
        Column("ends", lambda row: "revoked" if row["revoked"] else due(row.get("expiresAt"), now)),
    )
    show_rows(rows, columns, message="Token", style=style, nothing="no tokens")


@token.command()
@click.argument("token_id", type=TOKEN)
@click.option("--reason", default="", help="Kept with the event.")
@yes_option
@json_option
@pass_session
def revoke(session: Session, token_id: str, *, reason: str, yes: bool, as_json: bool) -> None:
    """End a token, everywhere within a second."""
    if not yes:
        confirm(f"Revoke token {token_id}? Who uses it is refused from then on.")
    with session.plane() as plane:
        revoked = plane.call("ControlService/RevokeToken", {"token_id": token_id, "reason": reason})
    if as_json:
        print_json(revoked)
    else:
        print(printable(f"token {token_id} ({role_word(revoked)}) revoked"))


def _warn_of_nobody(plane: ControlPlaneClient, namespaces: Sequence[str], teams: Sequence[str]) -> None:
    """Warn of names that nobody has: a token may come before what it is for, and so may a slip of the pen."""
    scope = [("ControlService/GetNamespace", "namespace", name) for name in namespaces]
    scope += [("GovernanceService/GetTeam", "team", name) for name in teams]
    for method, field, name in scope:
        try:
            plane.call(method, {field: name})
        except ControlPlaneRefusal as refusal:
            if refusal.code == "NOT_FOUND":
                click.echo(printable(f"warning: {refusal.message}; the token waits for one of this name"), err=True)


def role_word(row: Mapping[str, Any]) -> str:
    """Return a role as people type it."""
    return str(row["role"]).removeprefix("ROLE_").lower()


def scope_words(row: Mapping[str, Any]) -> str:
    """Say what a token or a caller is narrowed to."""
    parts = [f"namespace {name}" for name in row["namespaces"]] + [f"team {name}" for name in row["teams"]]
    if row["node"]:
        parts.append(f"node {row['node']}")
    return ", ".join(parts) or "everything"


@contextmanager
def _secret_file(path: Path | None) -> Iterator[int | None]:
    """Open a new file that only we can read, before there is a secret to lose; take it away if none comes."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise click.UsageError(f"{path} exists already; a secret is never written over anything") from None
    except OSError as error:
        raise click.FileError(str(path), error.strerror or str(error)) from None
    try:
        yield descriptor
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _check_secret(made: Mapping[str, Any]) -> None:
    if not made["secret"]:
        identity = made["token"]["tokenId"]
        raise click.ClickException(
            f"the token {identity} was made, but the answer with its secret was lost on the way;"
            f" revoke it (warpdrive-ctl token revoke {identity}) and make another"
        )


def _say(made: Mapping[str, Any], session: Session, output: Path | None, *, as_json: bool) -> None:
    described = made["token"]
    if as_json:
        print_json(made if output is None else {"token": described})
        return
    ends = ending(described.get("expiresAt"), session.now())
    words = f"token {described['tokenId']}: {role_word(described)}, {scope_words(described)}, {ends}"
    if output is None:
        # The secret alone on standard output, so that it can be piped; what people want to know beside it.
        click.echo(printable(words), err=True)
        print(made["secret"])
    else:
        print(printable(f"{words}; its secret is in {output}"))
