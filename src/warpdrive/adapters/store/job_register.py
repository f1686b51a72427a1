"""`JobRegister` on PostgreSQL: reports by job and user, and sums over what telemetry keeps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.application.ports.job_register import JobAccesses, JobReport

_COLUMNS: Final = "job, user_name, status, started_at, ended_at, reported_at, reported_by"
# A job that runs (again) has no end, whatever was told before.
_PUT: Final = f"""
    INSERT INTO governance.jobs AS j ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (job, user_name) DO UPDATE SET status = excluded.status,
        started_at = coalesce(excluded.started_at, j.started_at),
        ended_at = CASE WHEN excluded.status <> 'running' THEN coalesce(excluded.ended_at, j.ended_at) END,
        reported_at = excluded.reported_at, reported_by = excluded.reported_by
    RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant's text
_REPORTS: Final = f"""
    SELECT {_COLUMNS} FROM governance.jobs WHERE job = $1 AND $2 IN ('', user_name) ORDER BY user_name
"""  # noqa: S608 - as above
_USERS: Final = """
    SELECT DISTINCT u.word AS user FROM telemetry.activity AS a JOIN telemetry.words AS u ON u.id = a.user_id
    WHERE a.job_id = (SELECT id FROM telemetry.words WHERE word = $1 AND id <> 0) ORDER BY 1
"""
_NAMED: Final = """
    SELECT b.name AS backend, sum(a.opens)::bigint AS opens, sum(a.bytes_read)::bigint AS bytes_read,
        sum(a.hits)::bigint AS hits, sum(a.misses)::bigint AS misses
    FROM telemetry.activity AS a JOIN storage.backends AS b ON b.id = a.backend_id
    WHERE a.job_id = (SELECT id FROM telemetry.words WHERE word = $1 AND id <> 0)
        AND a.user_id = (SELECT id FROM telemetry.words WHERE word = $2)
    GROUP BY b.name ORDER BY b.name
"""
_UNNAMED: Final = """
    SELECT b.name AS backend, sum(r.opens)::bigint AS opens, sum(r.bytes_read)::bigint AS bytes_read,
        sum(r.hits)::bigint AS hits, sum(r.misses)::bigint AS misses
    FROM telemetry.records AS r JOIN storage.backends AS b ON b.id = r.backend_id
    WHERE r.day BETWEEN ($2 AT TIME ZONE 'UTC')::date AND ($3 AT TIME ZONE 'UTC')::date
        AND r.at >= $2 AND r.at < $3 AND r.job_id = 0
        AND r.user_id = (SELECT id FROM telemetry.words WHERE word = $1)
    GROUP BY b.name ORDER BY b.name
"""


class PostgresJobRegister:
    """See the port."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def put(self, report: JobReport) -> JobReport:
        """See the port."""
        row = await self._questions.row(
            _PUT,
            report.job,
            report.user,
            report.status,
            report.started_at,
            report.ended_at,
            report.reported_at,
            report.reported_by,
        )
        assert row is not None, "what is put is returned"
        return JobReport(*row)

    async def reports(self, job: str, user: str = "") -> Sequence[JobReport]:
        """See the port."""
        return [JobReport(*row) for row in await self._questions.rows(_REPORTS, job, user)]

    async def users(self, job: str) -> Sequence[str]:
        """See the port."""
        return [row["user"] for row in await self._questions.rows(_USERS, job)]

    async def named(self, job: str, user: str) -> Sequence[JobAccesses]:
        """See the port."""
        return [JobAccesses(**row) for row in await self._questions.rows(_NAMED, job, user)]

    async def unnamed(self, user: str, begin: datetime, end: datetime) -> Sequence[JobAccesses]:
        """See the port."""
        return [JobAccesses(**row) for row in await self._questions.rows(_UNNAMED, user, begin, end)]
