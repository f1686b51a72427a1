"""`UserFacts` on PostgreSQL: a user's activity and rollups lie together by their keys."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.application.ports.user_facts import UserBackendRow, UserJobRow, UserObjectRow

_KNOWN: Final = """
    SELECT EXISTS (
        SELECT FROM telemetry.activity WHERE user_id = (SELECT id FROM telemetry.words WHERE word = $1)
    )
"""
_BACKENDS: Final = """
    SELECT b.name AS backend, sum(a.opens)::bigint AS opens, sum(a.bytes_read)::bigint AS bytes_read,
        sum(a.hits)::bigint AS hits, sum(a.misses)::bigint AS misses, max(a.day) AS last_day
    FROM telemetry.activity AS a JOIN storage.backends AS b ON b.id = a.backend_id
    WHERE user_id = (SELECT id FROM telemetry.words WHERE word = $1) AND a.day BETWEEN $2 AND $3
    GROUP BY b.name ORDER BY b.name
"""
_OBJECTS: Final = """
    SELECT h.name AS backend,
        CASE WHEN starts_with(k.key, h.prefix) THEN substr(k.key, length(h.prefix) + 1) ELSE k.key END AS key,
        CASE WHEN o.deleted_at IS NULL THEN o.size END AS bytes, r.opens, r.bytes_read, r.last_day
    FROM (
        SELECT object_id, sum(opens)::bigint AS opens, sum(bytes_read)::bigint AS bytes_read, max(day) AS last_day,
            array_agg(DISTINCT backend_id) AS backends
        FROM telemetry.rollups
        WHERE user_id = (SELECT id FROM telemetry.words WHERE word = $1) AND day BETWEEN $2 AND $3
        GROUP BY object_id ORDER BY 3 DESC, 2 DESC, 1 LIMIT $4
    ) AS r
    JOIN storage.keys AS k ON k.id = r.object_id LEFT JOIN storage.objects AS o ON o.id = r.object_id
    CROSS JOIN LATERAL (
        SELECT name, prefix FROM storage.backends
        WHERE CASE WHEN o.id IS NULL THEN id = ANY (r.backends) ELSE id = o.backend_id END ORDER BY name, id LIMIT 1
    ) AS h
    ORDER BY r.bytes_read DESC, r.opens DESC, 1, 2
"""
_JOBS: Final = """
    SELECT w.word AS job, sum(a.opens)::bigint AS opens, sum(a.bytes_read)::bigint AS bytes_read,
        max(a.day) AS last_day
    FROM telemetry.activity AS a JOIN telemetry.words AS w ON w.id = a.job_id
    WHERE a.job_id <> 0 AND user_id = (SELECT id FROM telemetry.words WHERE word = $1) AND a.day BETWEEN $2 AND $3
    GROUP BY w.word ORDER BY last_day DESC, bytes_read DESC, job LIMIT $4
"""


class PostgresUserFacts:
    """See the port."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def known(self, user: str) -> bool:
        """See the port."""
        return bool(await self._questions.value(_KNOWN, user))

    async def backends(self, user: str, from_day: date, to_day: date) -> Sequence[UserBackendRow]:
        """See the port."""
        return [UserBackendRow(**row) for row in await self._questions.rows(_BACKENDS, user, from_day, to_day)]

    async def objects(self, user: str, from_day: date, to_day: date, *, limit: int) -> Sequence[UserObjectRow]:
        """See the port."""
        return [UserObjectRow(**row) for row in await self._questions.rows(_OBJECTS, user, from_day, to_day, limit)]

    async def jobs(self, user: str, from_day: date, to_day: date, *, limit: int) -> Sequence[UserJobRow]:
        """See the port."""
        return [UserJobRow(**row) for row in await self._questions.rows(_JOBS, user, from_day, to_day, limit)]
