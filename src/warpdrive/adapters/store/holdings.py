"""What counts against quotas, asked on any connection: counted, settled since, and promised."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from warpdrive.adapters.store.event_reader import PROMPT_S
from warpdrive.application.ports.lease_books import QuotaName
from warpdrive.domain.quota.leasing import Holding
from warpdrive.domain.quota.values import LARGEST

# One question, so one moment: a new count and the settlements that it contains change places at once. What nodes say
# that they wrote may be anything: beyond 64 bits it is as much as these hold.
_HOLDINGS: Final = """
    SELECT q.id,
        CASE WHEN EXISTS (SELECT FROM governance.counts AS c WHERE q.backend IN ('*', c.backend)) THEN coalesce((
            SELECT sum(k.bytes) FROM governance.counted AS k
            WHERE k.team_id = q.team_id AND q.backend IN ('*', k.backend)
        ), 0)::bigint END AS usage,
        least($5::numeric, coalesce((
            SELECT sum(s.bytes) FROM governance.settled AS s LEFT JOIN governance.counts AS c ON c.backend = s.backend
            WHERE s.quota_id = q.id
                AND (c.backend IS NULL
                    OR (c.place = s.place AND (s.generation >= c.generation OR s.last_at >= c.since)))
        ), 0))::bigint AS settled,
        coalesce((
            SELECT sum(h.bytes) FROM governance.lease_shares AS h JOIN governance.leases AS l ON l.id = h.lease_id
            WHERE h.quota_id = q.id AND l.settled_at IS NULL AND l.expires_at > $4
        ), 0)::bigint AS open
    FROM unnest($1::text[], $2::text[], $3::text[]) AS q (id, team_id, backend)
"""


async def holdings(connection: Any, quotas: Sequence[QuotaName], at: datetime) -> Mapping[str, Holding]:
    """Return them by the quotas' ids. Raises the driver's errors."""
    if not quotas:
        return {}
    rows = await connection.fetch(
        _HOLDINGS,
        [quota.id for quota in quotas],
        [quota.team_id for quota in quotas],
        [quota.backend for quota in quotas],
        at,
        Decimal(LARGEST),
        timeout=PROMPT_S,
    )
    return {row["id"]: Holding(row["usage"], row["settled"], row["open"]) for row in rows}
