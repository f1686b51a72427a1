"""States as plain facts: what there is to know about an aggregate, in the words of its own room."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.facts import Plain, Tree
from warpdrive.domain.content.moments import moment_text
from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import POLICY_WORDS, MountEntry
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.token.aggregate import Token

_AMOUNTS: Final = ("per_gib_month", "per_1000_requests", "per_gib_egress")


@dataclass(frozen=True, slots=True)
class Portrait:
    """An aggregate after one of its events. `state` holds texts, whole numbers, truths, and lists and dicts of them."""

    kind: str
    stream: UUID
    version: int
    created_at: datetime
    modified_at: datetime
    state: Tree


def portrait_of(aggregate: Aggregate) -> Portrait:
    """Show an aggregate as it is. Raises KeyError for a kind without a painter here (a test holds that none lacks)."""
    kind, paint = _PAINTERS[type(aggregate)]
    return Portrait(
        kind=kind,
        stream=aggregate.id,
        version=int(aggregate.version),
        created_at=aggregate.created_on,
        modified_at=aggregate.modified_on,
        state=paint(aggregate),
    )


def state_of(aggregate: Aggregate | None) -> Tree:
    """Show the state alone; of what does not exist, nothing."""
    return {} if aggregate is None else portrait_of(aggregate).state


def judged_at(aggregate: Aggregate, moment: datetime) -> Tree:
    """Say what follows from a state at a moment, by the aggregate's own rules."""
    match aggregate:
        case Quota():
            return {"standing": aggregate.standing(moment).value, "leases_refused_above": aggregate.limit_at(moment)}
        case Token():
            return {"valid": aggregate.is_valid(moment)}
        case TenantAccess():
            expires_at = None if aggregate.granted is None else aggregate.granted.expires_at
            expired = expires_at is not None and moment >= expires_at
            return {"granted": aggregate.granted is not None and not aggregate.revoked and not expired}
        case _:
            return {}


def _namespace(namespace: Namespace) -> Tree:
    return {
        "name": namespace.name,
        "sealed": namespace.sealed,
        "retired": namespace.retired,
        "entries": {entry.path: _entry(entry) for entry in namespace.entries},
    }


def _entry(entry: MountEntry) -> Tree:
    """Show what was stored, whether or not today's rules would take it."""
    backend = entry.backend
    place = {"name": backend.name, "type": backend.type, "prefix": backend.prefix, "auth": backend.auth}
    return {
        "backend": {key: value for key, value in {**place, "tenant": backend.tenant}.items() if value},
        "options": dict(backend.options),
        "policy": {field: str(getattr(entry.policy, field)) for field in POLICY_WORDS},
    }


def _team(team: Team) -> Tree:
    rules: dict[str, list[str]] = {}
    for rule in team.rules:
        rules.setdefault(rule.backend, []).append(rule.prefix or "(everything)")
    return {"name": team.name, "disbanded": team.disbanded, "members": list(team.members), "rules": rules}


def _quota(quota: Quota) -> Tree:
    lease = quota.lease_policy
    facts: dict[str, Plain | Tree] = {
        "team_id": str(quota.team_id),
        "backend": quota.backend,
        "soft": quota.limits.soft,
        "hard": quota.limits.hard,
        "grace_seconds": quota.limits.grace_seconds,
        "usage": quota.usage,
        "grace_until": _moment(quota.grace_until),
        "removed": quota.removed,
    }
    if lease is not None:
        facts["lease"] = {"bytes": lease.bytes, "seconds": lease.seconds}
    return facts


def _price_book(book: PriceBook) -> Tree:
    prices: dict[str, dict[str, dict[str, Tree]]] = {}
    for entry in book.prices:
        dated = prices.setdefault(entry.backend, {}).setdefault(entry.storage_class, {})
        dated[entry.valid_from.isoformat()] = {amount: f"{getattr(entry, amount):f}" for amount in _AMOUNTS}
    return {"name": book.name, "currency": book.currency, "retired": book.retired, "prices": prices}


def _tenant_access(access: TenantAccess) -> Tree:
    policy = access.policy
    facts: dict[str, Any] = {
        "tenant_id": access.tenant_id,
        "policy_version": policy.version,
        "revoked": policy.revoked,
    }
    if policy.grant is not None:
        facts["grant"] = {
            "backends": list(policy.grant.backends),
            "private_endpoint": policy.grant.private_endpoint,
            "expires_at": _moment(policy.grant.expires_at),
            "enforce_private_link": policy.grant.enforce_private_link,
            "service_tags": list(policy.grant.service_tags),
        }
    if policy.private_link is not None:
        facts["private_link"] = {
            "valid": policy.private_link.valid,
            "addresses": list(policy.private_link.addresses),
        }
    if policy.service_tags is not None:
        facts["service_tags"] = {"tags": list(policy.service_tags.tags), "allowed": policy.service_tags.allowed}
    return facts


def _token(token: Token) -> Tree:
    grant = token.grant
    return {
        "role": grant.role.value,
        "namespaces": list(grant.namespaces),
        "teams": list(grant.teams),
        "node": grant.node,
        "note": grant.note,
        "expires_at": _moment(grant.expires_at),
        "revoked": token.revoked,
    }


def _dismissal(dismissal: Dismissal) -> Tree:
    return {
        "kind": dismissal.kind,
        "team_id": dismissal.team_id,
        "backend": dismissal.backend,
        "dismissed": dismissal.dismissed,
        "reason": dismissal.reason,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment_text(moment) or None


_PAINTERS: Final[Mapping[type[Aggregate], tuple[str, Callable[[Any], Tree]]]] = MappingProxyType(
    {
        Namespace: ("namespace", _namespace),
        Team: ("team", _team),
        Quota: ("quota", _quota),
        PriceBook: ("price_book", _price_book),
        TenantAccess: ("tenant_access", _tenant_access),
        Token: ("token", _token),
        Dismissal: ("dismissal", _dismissal),
    }
)
"""Every kind of aggregate. A token's digest is left out: whoever knows it gains nothing, and nobody needs it here."""
