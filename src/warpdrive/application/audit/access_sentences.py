"""What the events of tokens and of access to tenants say; part of the one table in `sentences`."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.wording import listed, plain, quoted, stored_moment_words
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.tenant_access.payloads import GrantPayload
from warpdrive.domain.tenant_access.values import DenialReason
from warpdrive.domain.token.aggregate import GrantPayload as TokenPayload
from warpdrive.domain.token.aggregate import Token


def grant_words(grant: GrantPayload) -> str:
    """Say what a grant covers."""
    names = [plain(name) for name in grant["backends"]]
    what = "every backend" if "*" in names else f"backends {listed(names)}"
    facts = [f"expires {stored_moment_words(grant['expires_at'])}"]
    if grant["private_endpoint"]:
        facts.append(f"private endpoint {plain(grant['private_endpoint'])}")
    facts.append("private link enforced" if grant["enforce_private_link"] else "private link not enforced")
    if grant["service_tags"]:
        facts.append(f"service tags {listed([plain(tag) for tag in grant['service_tags']])}")
    return f"{what} ({', '.join(facts)})"


def token_words(grant: TokenPayload) -> str:
    """Say what a token gives."""
    facts = [f"expires {stored_moment_words(grant['expires_at'])}"]
    facts += [
        f"{field} {listed([plain(name) for name in names])}"
        for field, names in (("namespaces", grant["namespaces"]), ("teams", grant["teams"]))
        if names
    ]
    if grant["node"]:
        facts.append(f"node {plain(grant['node'])}")
    if grant["note"]:
        facts.append(f"note {quoted(grant['note'])}")
    return f"with the role {grant['role']} ({', '.join(facts)})"


def _reasons_words(codes: Sequence[str]) -> str:
    known = {reason.code: reason.words for reason in DenialReason}
    return listed([known.get(code, code) for code in codes], none="no reason given")


def _because(reason: str) -> str:
    return f": {quoted(reason)}" if reason else ""


def _seen(addresses: Sequence[str], detail: str) -> str:
    return f"addresses {listed(addresses)}" + (f", {quoted(detail)}" if detail else "")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


ACCESS_SENTENCES: Final[Mapping[type[Aggregate.Event], Callable[[Any, str], str]]] = MappingProxyType(
    {
        Token.Issued: lambda event, about: f"issued {about} {token_words(event.grant)}",
        Token.Revoked: lambda event, about: f"revoked {about}{_because(event.reason)}",
        TenantAccess.Opened: lambda _, about: f"began to keep record of {about}, granting nothing",
        TenantAccess.Granted: lambda event, about: f"granted {grant_words(event.grant)} of {about}",
        TenantAccess.Revoked: lambda event, about: f"revoked the grant for {about}{_because(event.reason)}",
        TenantAccess.PrivateLinkValidated: lambda event, about: (
            f"saw that the way to {about} is private ({_seen(event.addresses, event.detail)})"
        ),
        TenantAccess.PrivateLinkViolated: lambda event, about: (
            f"saw that the way to {about} is NOT private ({_seen(event.addresses, event.detail)})"
        ),
        TenantAccess.ServiceTagsChecked: lambda event, about: (
            f"saw service tags {listed([plain(tag) for tag in event.tags])} on the way to {about}, "
            f"{'allowed' if event.allowed else 'NOT allowed'}"
        ),
        TenantAccess.AccessDenied: lambda event, about: (
            f"denied {quoted(event.subject)} on node {quoted(event.node)} access to {quoted(event.resource)} in "
            f"backend {plain(event.backend)} of {about} {_times(event.count)}, by policy version "
            f"{event.policy_version}: {_reasons_words(event.reasons)}"
        ),
        TenantAccess.AllowsAggregated: lambda event, about: (
            f"let {quoted(event.subject)} reach {quoted(event.resource)} of {about} {_times(event.count)}, by policy "
            f"version {event.policy_version}, from {stored_moment_words(event.window_start)} until "
            f"{stored_moment_words(event.window_end)}"
        ),
    }
)
