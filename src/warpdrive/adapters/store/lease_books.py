"""`LeaseBooks` on PostgreSQL: who grants holds the rows of the quotas that are asked, in the order of their ids."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from warpdrive.adapters.store.event_reader import PROMPT_S, Questions
from warpdrive.adapters.store.holdings import holdings
from warpdrive.application.ports.event_store import CommandIdReused
from warpdrive.application.ports.lease_books import Grant, Lease, LeaseWish, QuotaName
from warpdrive.domain.governance.splitting import split
from warpdrive.domain.quota.leasing import Holding

_COLUMNS: Final = "id, node, backend, teams, bytes, settled_bytes, warned, granted_at, expires_at, settled_at"

_BOOKS: Final = """
    INSERT INTO governance.lease_books (quota_id) SELECT id FROM unnest($1::text[]) AS t (id) ORDER BY id
    ON CONFLICT DO NOTHING
"""
_HOLD: Final = "SELECT FROM governance.lease_books WHERE quota_id = ANY($1::text[]) ORDER BY quota_id FOR UPDATE"
_KNOWN: Final = f"SELECT {_COLUMNS}, request_hash FROM governance.leases WHERE id = $1"  # noqa: S608 - a constant's text
_GRANT: Final = f"""
    INSERT INTO governance.leases (id, request_hash, node, backend, place, owners, teams, bytes, settled_bytes, warned,
        granted_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11) ON CONFLICT (id) DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608 - as above
_SHARES: Final = """
    INSERT INTO governance.lease_shares (lease_id, quota_id, team_id, bytes)
    SELECT $1, s.quota_id, s.team_id, s.bytes
    FROM unnest($2::text[], $3::text[], $4::bigint[]) AS s (quota_id, team_id, bytes)
"""
_SETTLE: Final = f"""
    UPDATE governance.leases SET settled_bytes = $3, settled_at = $4
    WHERE id = $1 AND node = $2 AND settled_at IS NULL RETURNING {_COLUMNS}, place, owners
"""  # noqa: S608 - as above
_UNSHARE: Final = "DELETE FROM governance.lease_shares WHERE lease_id = $1 RETURNING quota_id, team_id"
# A crawl that begins while this is under way lists later than the node wrote, so it counts as the next one.
_SETTLED: Final = """
    INSERT INTO governance.settled AS s (quota_id, backend, place, generation, minute, last_at, bytes)
    SELECT t.quota_id, $3, $4, coalesce((
        SELECT c.generation FROM storage.crawls AS c JOIN storage.places AS p ON p.id = c.place_id
        WHERE p.place = $4 AND c.started_at IS NOT NULL ORDER BY c.id DESC LIMIT 1
    ), 0), date_trunc('minute', $5::timestamptz), $5, t.bytes
    FROM unnest($1::text[], $2::bigint[]) AS t (quota_id, bytes) ORDER BY t.quota_id
    ON CONFLICT (quota_id, backend, place, generation, minute) DO UPDATE
        SET last_at = greatest(s.last_at, excluded.last_at),
            bytes = least(9223372036854775807, s.bytes::numeric + excluded.bytes)::bigint
"""
_OPEN: Final = f"""
    SELECT {_COLUMNS} FROM governance.leases WHERE settled_at IS NULL AND expires_at > $1 ORDER BY expires_at, id
"""  # noqa: S608 - as above


class PostgresLeaseBooks:
    """See the port."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def grant(
        self, wish: LeaseWish, quotas: Sequence[QuotaName], decide: Callable[[Mapping[str, Holding]], Grant]
    ) -> Lease:
        """See the port."""
        return await self._questions.transaction(lambda connection: _grant(connection, wish, quotas, decide))

    async def settle(self, lease: UUID, node: str, used: int, at: datetime) -> Lease | None:
        """See the port."""
        return await self._questions.transaction(lambda connection: _settle(connection, lease, node, used, at))

    async def open(self, at: datetime) -> Sequence[Lease]:
        """See the port."""
        return [_lease(row) for row in await self._questions.rows(_OPEN, at)]


async def _grant(
    connection: Any, wish: LeaseWish, quotas: Sequence[QuotaName], decide: Callable[[Mapping[str, Holding]], Grant]
) -> Lease:
    if quotas:
        ids = [quota.id for quota in quotas]
        await connection.execute(_BOOKS, ids, timeout=PROMPT_S)
        await connection.execute(_HOLD, ids, timeout=PROMPT_S)
    known = await _known(connection, wish)
    if known is not None:
        return known
    # A question of its own after the rows are held: it sees what the last holder did.
    grant = decide(await holdings(connection, quotas, wish.at))
    teams = {quota.id: quota.team_id for quota in quotas}
    row = await connection.fetchrow(
        _GRANT,
        wish.id,
        wish.request_hash,
        wish.node,
        wish.backend,
        wish.place,
        list(wish.owners),
        sorted({teams[quota] for quota in grant.shares}),
        grant.bytes,
        grant.warned,
        wish.at,
        wish.at + timedelta(seconds=grant.seconds),
        timeout=PROMPT_S,
    )
    if row is None:
        # The same wish at the same time, which no quota's row kept apart.
        known = await _known(connection, wish)
        assert known is not None, "the id is taken"
        return known
    if grant.shares:
        named = list(grant.shares)
        sizes = [grant.shares[quota] for quota in named]
        await connection.execute(_SHARES, wish.id, named, [teams[quota] for quota in named], sizes, timeout=PROMPT_S)
    return _lease(row)


async def _known(connection: Any, wish: LeaseWish) -> Lease | None:
    row = await connection.fetchrow(_KNOWN, wish.id, timeout=PROMPT_S)
    if row is None:
        return None
    if row["request_hash"] != wish.request_hash:
        raise CommandIdReused(f"lease {wish.id} was granted for another request")
    return _lease(row)


async def _settle(connection: Any, lease: UUID, node: str, used: int, at: datetime) -> Lease | None:
    row = await connection.fetchrow(_SETTLE, lease, node, used, at, timeout=PROMPT_S)
    if row is None:
        row = await connection.fetchrow(_KNOWN, lease, timeout=PROMPT_S)
        return None if row is None or row["node"] != node else _lease(row)
    shares = await connection.fetch(_UNSHARE, lease, timeout=PROMPT_S)
    if shares:
        parts = split(used, row["owners"])
        quotas = [share["quota_id"] for share in shares]
        sizes = [parts[share["team_id"]] for share in shares]
        await connection.execute(_SETTLED, quotas, sizes, row["backend"], row["place"], at, timeout=PROMPT_S)
    return _lease(row)


def _lease(row: Mapping[str, Any]) -> Lease:
    return Lease(
        id=row["id"],
        node=row["node"],
        backend=row["backend"],
        teams=tuple(row["teams"]),
        bytes=row["bytes"],
        settled_bytes=row["settled_bytes"],
        warned=row["warned"],
        granted_at=row["granted_at"],
        expires_at=row["expires_at"],
        settled_at=row["settled_at"],
    )
