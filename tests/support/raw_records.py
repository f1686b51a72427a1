"""Access records put straight into PostgreSQL's tables, as ingest leaves them: records and their activity together."""

from datetime import date
from typing import Any

USERS = ("ann", "bob", "zoë")
BACKENDS = (("lake", "s3|endpoint=|bucket=lake", "team/"), ("scratch", "local|root=/scratch", ""))

_NAMES = """
    INSERT INTO telemetry.words (word) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
"""
_BACKEND = """
    WITH place AS (INSERT INTO storage.places (place) VALUES ($2) ON CONFLICT DO NOTHING RETURNING id)
    INSERT INTO storage.backends (name, place_id, prefix, type, present)
    SELECT $1, id, $3, 'any', true FROM place
"""
_KEYS = """
    INSERT INTO storage.keys (place_id, key)
    SELECT b.place_id, b.prefix || 'train/' || n || ' ünï,"'
    FROM storage.backends AS b CROSS JOIN generate_series(0, 199) AS n
    ON CONFLICT DO NOTHING
"""
_RECORDS = """
    INSERT INTO telemetry.records
    SELECT k.id, $1::date + n * interval '7 milliseconds', 1000 + n % 3, n::bigint * 4099, n % 2, n % 5, n % 7, 1000,
        n % 11, n % 13 / 2.0, $1,
        (SELECT id FROM telemetry.words WHERE word = 'node-' || n % 2),
        (SELECT id FROM telemetry.words WHERE word = ($4::text[])[1 + n % 3]),
        (SELECT id FROM telemetry.words WHERE word = CASE WHEN n % 4 = 0 THEN 'job-7' ELSE '' END),
        b.id, (SELECT id FROM telemetry.words WHERE word = CASE WHEN n % 50 = 0 THEN 'EIO' ELSE '' END),
        CASE WHEN n % 3 > 0 THEN (SELECT id FROM telemetry.words WHERE word = '/mnt/data/') END,
        n % 5, CASE WHEN n % 3 = 0 THEN '/elsewhere/' || n END, CASE WHEN n % 6 > 0 THEN 'etag-' || n % 9 END
    FROM generate_series($2::int, $3::int - 1) AS n
    JOIN storage.backends AS b ON b.name = CASE WHEN n % 2 = 0 THEN 'lake' ELSE 'scratch' END
    JOIN storage.keys AS k ON k.place_id = b.place_id AND k.key = b.prefix || 'train/' || n % 200 || ' ünï,"'
"""
_ACTIVITY = """
    INSERT INTO telemetry.activity
    SELECT day, backend_id, user_id, job_id, count(*), sum(opens), sum(bytes_read), sum(hits), sum(misses),
        count(*) FILTER (WHERE error_id <> 0)
    FROM telemetry.records WHERE day = $1 GROUP BY 1, 2, 3, 4
"""


async def put_records(connection: Any, day: date, first: int, end: int) -> None:
    """Put records number `first` to `end` - 1 into a day, in one transaction. The numbers say everything of them."""
    async with connection.transaction():
        await connection.execute(_NAMES, [*USERS, "node-0", "node-1", "job-7", "EIO", "/mnt/data/"])
        for backend in BACKENDS:
            await connection.execute(_BACKEND, *backend)
        await connection.execute(_KEYS)
        await connection.execute("SELECT public.warpdrive_telemetry_day($1)", day)
        await connection.execute(_RECORDS, day, first, end, list(USERS))
        await connection.execute("DELETE FROM telemetry.activity WHERE day = $1", day)
        await connection.execute(_ACTIVITY, day)


async def sums(connection: Any, day: date) -> list[tuple[Any, ...]]:
    """Sum a day per user and backend, in the order of both."""
    rows = await connection.fetch(
        """
        SELECT w.word COLLATE "C", b.name COLLATE "C", count(*), sum(r.opens)::bigint, sum(r.bytes_read)::bigint,
            sum(r.hits)::bigint, sum(r.misses)::bigint
        FROM telemetry.records AS r JOIN telemetry.words AS w ON w.id = r.user_id
        JOIN storage.backends AS b ON b.id = r.backend_id WHERE r.day = $1 GROUP BY 1, 2 ORDER BY 1, 2
        """,
        day,
    )
    return [tuple(row) for row in rows]
