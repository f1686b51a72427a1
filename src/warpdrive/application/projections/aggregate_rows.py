"""The rows that an aggregate's state amounts to: the other way to the same rows, without its events.

Positions and actors are the records' own and unknown here, so those columns are left out.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from eventsourcing.domain import Aggregate

from warpdrive.application.projections.expected import Row, keyed
from warpdrive.application.projections.net_changes import RowKey
from warpdrive.application.projections.tables import (
    DISMISSALS,
    MOUNT_ENTRIES,
    NAMESPACES,
    OWNERSHIP_RULES,
    PRICE_BOOKS,
    PRICES,
    QUOTAS,
    TEAM_MEMBERS,
    TEAMS,
    TENANT_ACCESS,
    TOKENS,
)
from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.payloads import entry_payload
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.price_book.values import price_payload
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.token.aggregate import Token


def aggregate_rows(aggregate: Aggregate) -> Mapping[RowKey, Row]:
    """Give the rows of an aggregate's stream. Raises TypeError for an aggregate without a read model."""
    rows = _ROWS.get(type(aggregate))
    if rows is None:
        raise TypeError(f"{type(aggregate).__qualname__} has no read model")
    return keyed(rows(aggregate))


def _stream_row(aggregate: Aggregate) -> dict[str, Any]:
    return {"id": str(aggregate.id), "version": aggregate.version, "updated_at": aggregate.modified_on}


def _namespace(namespace: Namespace) -> Iterator[tuple[str, Row]]:
    yield (
        NAMESPACES.name,
        {
            **_stream_row(namespace),
            "name": namespace.name,
            "sealed": namespace.sealed,
            "retired": namespace.retired,
            "created_at": namespace.created_on,
        },
    )
    for entry in namespace.entries:
        yield (
            MOUNT_ENTRIES.name,
            {
                "namespace_id": str(namespace.id),
                "path": entry.path,
                "entry": entry_payload(entry),
                "backend": entry.backend.name,
                "fingerprint": entry.backend.fingerprint,
                "tenant": entry.backend.tenant,
            },
        )


def _team(team: Team) -> Iterator[tuple[str, Row]]:
    yield (
        TEAMS.name,
        {**_stream_row(team), "name": team.name, "disbanded": team.disbanded, "created_at": team.created_on},
    )
    for principal in team.members:
        yield TEAM_MEMBERS.name, {"team_id": str(team.id), "principal": principal}
    for rule in team.rules:
        yield OWNERSHIP_RULES.name, {"team_id": str(team.id), "backend": rule.backend, "prefix": rule.prefix}


def _quota(quota: Quota) -> Iterator[tuple[str, Row]]:
    limits, lease = quota.limits, quota.lease_policy
    yield (
        QUOTAS.name,
        {
            **_stream_row(quota),
            "team_id": str(quota.team_id),
            "backend": quota.backend,
            "soft": limits.soft,
            "hard": limits.hard,
            "grace_seconds": limits.grace_seconds,
            "usage": quota.usage,
            "grace_until": quota.grace_until,
            "lease_bytes": None if lease is None else lease.bytes,
            "lease_seconds": None if lease is None else lease.seconds,
            "removed": quota.removed,
        },
    )


def _price_book(book: PriceBook) -> Iterator[tuple[str, Row]]:
    yield (
        PRICE_BOOKS.name,
        {**_stream_row(book), "name": book.name, "currency": book.currency, "retired": book.retired},
    )
    for entry in book.prices:
        yield PRICES.name, {"book_id": str(book.id), **price_payload(entry)}


def _token(token: Token) -> Iterator[tuple[str, Row]]:
    grant = token.grant
    yield (
        TOKENS.name,
        {
            **_stream_row(token),
            "digest": grant.digest,
            "role": grant.role.value,
            "namespaces": list(grant.namespaces),
            "teams": list(grant.teams),
            "node": grant.node,
            "note": grant.note,
            "created_at": token.created_on,
            "expires_at": grant.expires_at,
            "revoked": token.revoked,
        },
    )


def _dismissal(dismissal: Dismissal) -> Iterator[tuple[str, Row]]:
    yield (
        DISMISSALS.name,
        {
            **_stream_row(dismissal),
            "kind": dismissal.kind,
            "team_id": dismissal.team_id,
            "backend": dismissal.backend,
            "dismissed": dismissal.dismissed,
            "reason": dismissal.reason,
        },
    )


def _tenant_access(access: TenantAccess) -> Iterator[tuple[str, Row]]:
    grant = access.granted
    yield (
        TENANT_ACCESS.name,
        {
            **_stream_row(access),
            "tenant_id": access.tenant_id,
            "backends": [] if grant is None else list(grant.backends),
            "private_endpoint": "" if grant is None else grant.private_endpoint,
            "enforce_private_link": False if grant is None else grant.enforce_private_link,
            "service_tags": [] if grant is None else list(grant.service_tags),
            "expires_at": None if grant is None else grant.expires_at,
            "revoked": access.revoked,
            "policy_version": access.policy_version,
        },
    )


_ROWS: Final[Mapping[type[Aggregate], Callable[[Any], Iterator[tuple[str, Row]]]]] = MappingProxyType(
    {
        Namespace: _namespace,
        Team: _team,
        Quota: _quota,
        TenantAccess: _tenant_access,
        PriceBook: _price_book,
        Token: _token,
        Dismissal: _dismissal,
    }
)
