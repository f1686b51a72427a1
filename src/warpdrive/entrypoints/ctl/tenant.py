"""`tenant`: which other tenants' backends may be reached."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from warpdrive.entrypoints.ctl.completion import TENANT
from warpdrive.entrypoints.ctl.moments import EndType, age, due, ending, write_moment
from warpdrive.entrypoints.ctl.output import Column, output_options, show_facts, show_rows
from warpdrive.entrypoints.ctl.session import (
    FAILED,
    Session,
    confirm,
    json_option,
    pass_session,
    print_json,
    printable,
    yes_option,
)


@click.group()
def tenant() -> None:
    """Access to backends of other Entra tenants."""


@tenant.command()
@click.argument("tenant_id", type=TENANT)
@click.option("--backend", "backends", multiple=True, required=True, help="Its name; '*' is all; repeat it.")
@click.option("--private-endpoint", default="", help="The address through which it is reached.")
@click.option("--enforce-private-link", is_flag=True, help="Only through the private endpoint.")
@click.option("--service-tag", "tags", multiple=True, help="A service tag that is allowed; repeat it.")
@click.option("--expires", type=EndType(), help='"90d" from now, or a day such as 2027-01-31.')
@json_option
@pass_session
def grant(
    session: Session,
    tenant_id: str,
    *,
    backends: Sequence[str],
    private_endpoint: str,
    enforce_private_link: bool,
    tags: Sequence[str],
    expires: datetime | None,
    as_json: bool,
) -> None:
    """Let nodes reach backends of a tenant. Replaces what was granted before."""
    fields: dict[str, Any] = {
        "tenant_id": tenant_id,
        "backends": list(backends),
        "private_endpoint": private_endpoint,
        "enforce_private_link": enforce_private_link,
        "allowed_service_tags": list(tags),
    }
    if expires is not None:
        fields["expires_at"] = write_moment(expires)
    with session.plane() as plane:
        granted = plane.call("ControlService/GrantTenantAccess", fields)
    if as_json:
        print_json(granted)
    else:
        ends = ending(granted.get("expiresAt"), session.now())
        names = ", ".join(granted["backends"])
        print(printable(f"tenant {granted['tenantId']}: {names} granted, {ends}"))


@tenant.command()
@click.argument("tenant_id", type=TENANT)
@click.option("--reason", required=True, help="Kept with the event.")
@yes_option
@json_option
@pass_session
def revoke(session: Session, tenant_id: str, *, reason: str, yes: bool, as_json: bool) -> None:
    """Take a grant back: nodes refuse the tenant's backends from then on."""
    with session.plane() as plane:
        if not yes:
            found = plane.call("ControlService/GetTenantAccess", {"tenant_id": tenant_id})
            confirm(f"Revoke access to tenant {tenant_id} (now: {', '.join(found['backends']) or 'nothing'})?")
        revoked = plane.call("ControlService/RevokeTenantAccess", {"tenant_id": tenant_id, "reason": reason})
    if as_json:
        print_json(revoked)
    else:
        print(printable(f"access to tenant {tenant_id} revoked"))


@tenant.command("list")
@output_options
@pass_session
def list_tenants(session: Session, *, style: str) -> None:
    """Show every tenant that ever had a grant."""
    with session.plane() as plane:
        rows = list(plane.items("ControlService/ListTenantAccess"))
    now = session.now()
    columns = (
        Column("tenant", lambda row: row["tenantId"]),
        Column("state", lambda row: "revoked" if row["revoked"] else "granted"),
        Column("backends", lambda row: ", ".join(row["backends"]) or "-"),
        Column("ends", lambda row: "-" if row["revoked"] else due(row.get("expiresAt"), now)),
        Column("changed", lambda row: age(row.get("updatedAt"), now) + " ago"),
    )
    nothing = "no tenants; warpdrive-ctl tenant grant TENANT_ID --backend NAME grants access to one"
    show_rows(rows, columns, message="TenantAccess", style=style, nothing=nothing)


@tenant.command()
@click.argument("tenant_id", type=TENANT)
@output_options
@pass_session
def show(session: Session, tenant_id: str, *, style: str) -> None:
    """Show what is granted to reach one tenant."""
    with session.plane() as plane:
        found = plane.call("ControlService/GetTenantAccess", {"tenant_id": tenant_id})
    now = session.now()
    facts = (
        ("tenant", found["tenantId"]),
        ("state", "revoked" if found["revoked"] else "granted"),
        ("backends", ", ".join(found["backends"])),
        ("private endpoint", found["privateEndpoint"]),
        ("private link", "enforced" if found["enforcePrivateLink"] else "not enforced"),
        ("service tags", ", ".join(found["allowedServiceTags"])),
        ("ends", "revoked" if found["revoked"] else due(found.get("expiresAt"), now)),
        ("policy version", found["policyVersion"]),
        ("changed", age(found.get("updatedAt"), now) + " ago"),
    )
    show_facts(found, facts, message="TenantAccess", style=style)


@tenant.command()
@click.argument("tenant_id", type=TENANT)
@click.option("--subject", required=True, help="Who acts: a user or a workload.")
@click.option("--backend", required=True)
@click.option("--resource", default="/", show_default=True, help="What is wanted, such as a path.")
@click.option("--node", default="", help="From where.")
@json_option
@pass_session
def check(
    session: Session, tenant_id: str, *, subject: str, backend: str, resource: str, node: str, as_json: bool
) -> None:
    """Ask what the present grant would answer to an access, and why. Exit status 1 when it is denied."""
    fields = {"tenant_id": tenant_id, "subject": subject, "backend": backend, "resource": resource, "node": node}
    with session.plane() as plane:
        decision = plane.call("ControlService/CheckTenantAccess", fields)
    if as_json:
        print_json(decision)
    else:
        print(printable(_words(decision)))
    if not decision["allowed"]:
        sys.exit(FAILED)


def _words(decision: Mapping[str, Any]) -> str:
    version = f"policy version {decision['policyVersion']}"
    if decision["allowed"]:
        return f"allowed by {', '.join(decision['allowedBy'])} ({version})"
    reasons = "; ".join(f"{reason['code']}: {reason['detail']}" for reason in decision["reasons"])
    return f"denied: {reasons} ({version})"
