"""A warehouse of any size, made by set-based SQL from a fixed seed, with sums that fit as if it had been crawled.

Keys are read by the cube of a uniform number: a hundredth of them has a fifth of all rollups. Days are the last 100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

BACKENDS: Final = 4
DAYS: Final = 100
NODES: Final = 20
SEED: Final = 0.42


@dataclass(frozen=True, slots=True)
class Size:
    """How much. Rollups are per user, day and object, so none comes twice."""

    objects: int
    rollups: int


_PLACES: Final = (
    "INSERT INTO storage.places (place) SELECT 'local|root=/b' || i FROM generate_series(1, {backends}) AS i",
    """
    INSERT INTO storage.backends (name, place_id, prefix, type, present)
    SELECT 'b' || p.id, p.id, '', 'local', true FROM storage.places AS p
    """,
    "INSERT INTO storage.classes (class) VALUES ('hot'), ('cool'), ('archive')",
    """
    INSERT INTO storage.crawls (place_id, generation, state, detail, source, confirmed, requested_by, requested_at,
        started_at, ended_at)
    SELECT id, 1, 'completed', '', 'list', false, 'bench', now(), now(), now() FROM storage.places
    """,
    "INSERT INTO telemetry.words (word) SELECT DISTINCT principal FROM read_model.team_members",
    "INSERT INTO telemetry.words (word) VALUES ('outsider'), ('job')",
    "INSERT INTO telemetry.words (word) SELECT 'node-' || i FROM generate_series(1, {nodes}) AS i",
    """
    INSERT INTO telemetry.presence
    SELECT 'node-' || i, DATE '{today}' - back, 86400000, now()
    FROM generate_series(1, {nodes}) AS i, generate_series(0, {days}) AS back
    """,
    """
    INSERT INTO telemetry.coverage (node_id, day, covered_ms, records, lost, too_old, last_at)
    SELECT w.id, DATE '{today}' - back, 86400000, 1, 0, 0, now()
    FROM telemetry.words AS w, generate_series(0, {days}) AS back WHERE w.word LIKE 'node-%'
    """,
    "INSERT INTO telemetry.batches SELECT gen_random_uuid(), now(), 1 FROM generate_series(1, 1000)",
    "SELECT public.warpdrive_telemetry_day(DATE '{today}' - back) FROM generate_series(0, {days}) AS back",
)
_OWNERS: Final = """
    INSERT INTO storage.owners (teams)
    SELECT DISTINCT pair FROM (
        SELECT ARRAY[id] AS pair FROM read_model.teams
        UNION ALL SELECT ARRAY[least(a.id, b.id), greatest(a.id, b.id)]
        FROM read_model.teams AS a JOIN read_model.teams AS b ON a.id < b.id AND left(a.id, 1) = left(b.id, 1)
    ) AS pairs
"""
_KEYS: Final = """
    INSERT INTO storage.keys (place_id, key)
    SELECT 1 + i % {backends}, 'data/' || i % 97 || '/shard-' || lpad(i::text, 9, '0')
    FROM generate_series(1, {objects}) AS i
"""
_ROLLUPS: Final = """
    INSERT INTO telemetry.rollups (day, user_id, object_id, backend_id, opens, bytes_read, hits, misses)
    SELECT day, user_id, object_id, 1 + object_id % {backends}, 1, 1000, 1, 1 FROM (
        SELECT DISTINCT DATE '{today}' - floor(random() * {days})::integer AS day,
            (ARRAY(SELECT id FROM telemetry.words WHERE word LIKE 'user-%' OR word = 'outsider' ORDER BY id))
                [1 + floor(random() * {users})::integer] AS user_id,
            1 + floor({objects} * power(random(), 3))::bigint AS object_id
        FROM generate_series(1, {wanted}) AS i
    ) AS drawn ORDER BY user_id, day, object_id ON CONFLICT DO NOTHING
"""
_OBJECTS: Final = """
    INSERT INTO storage.objects (id, size, modified_at, first_seen, deleted_at, last_access, place_id, backend_id,
        owner_id, class_id, digest_kind, digest, version_hash)
    SELECT k.id, floor(power(10, 3 + 6 * random()))::bigint, seen, seen,
        CASE WHEN random() < 0.02 THEN TIMESTAMPTZ '{today} 00:00Z' - random() * interval '20 days' END, used.day,
        k.place_id, k.place_id, floor(random() * {owners})::integer, 1 + floor(random() * 3)::integer, 1,
        decode(md5(k.id::text), 'hex'), k.id
    FROM storage.keys AS k
    CROSS JOIN LATERAL (
        -- A third came before the days that telemetry knows of, and is stale unless somebody read it.
        SELECT TIMESTAMPTZ '{today} 00:00Z' - interval '21 days' - (k.id % 240) * interval '1 day' AS seen
    ) AS came
    LEFT JOIN (SELECT object_id, max(day) AS day FROM telemetry.rollups GROUP BY object_id) AS used
        ON used.object_id = k.id
"""
_SUMS: Final = (
    """
    INSERT INTO storage.capacity
    SELECT backend_id, owner_id, class_id, count(*), sum(size) FROM storage.objects WHERE deleted_at IS NULL
    GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO storage.ledger (day, backend_id, owner_id, added_objects, added_bytes, removed_objects, removed_bytes)
    SELECT day, backend_id, owner_id, sum(came), sum(came * size), sum(went), sum(went * size) FROM (
        SELECT (first_seen AT TIME ZONE 'UTC')::date AS day, backend_id, owner_id, 1 AS came, 0 AS went, size
        FROM storage.objects
        UNION ALL
        SELECT (deleted_at AT TIME ZONE 'UTC')::date, backend_id, owner_id, 0, 1, size
        FROM storage.objects WHERE deleted_at IS NOT NULL
    ) AS moves GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO telemetry.activity
    SELECT day, backend_id, user_id, 0, count(*), sum(opens), sum(bytes_read), sum(hits), sum(misses), 0
    FROM telemetry.rollups GROUP BY day, backend_id, user_id
    """,
)


async def fill(connection: Any, size: Size, today: date) -> int:
    """Fill empty tables, by the owner's connection; the teams and their users are there. Returns the rollups made."""
    words: dict[str, Any] = {"today": today, "backends": BACKENDS, "days": DAYS - 1, "nodes": NODES}
    await connection.execute(f"SELECT setseed({SEED})")
    await connection.execute("SET work_mem = '256MB'")
    await connection.execute("SET maintenance_work_mem = '256MB'")
    for statement in (*_PLACES, _OWNERS):
        await connection.execute(statement.format(**words))
    await connection.execute(_KEYS.format(objects=size.objects, **words))
    users = await connection.fetchval(
        "SELECT count(*) FROM telemetry.words WHERE word LIKE 'user-%' OR word = 'outsider'"
    )
    made = 0
    while made < size.rollups * 0.999:
        wanted = max(size.rollups - made, 100)
        drawn = _ROLLUPS.format(objects=size.objects, users=users, wanted=wanted, **words)
        made += int((await connection.execute(drawn)).rpartition(" ")[2])
    owners = await connection.fetchval("SELECT count(*) FROM storage.owners")
    await connection.execute(_OBJECTS.format(owners=owners, **words))
    for statement in _SUMS:
        await connection.execute(statement)
    for table in _settled():
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    return made


def _settled() -> Sequence[str]:
    """Return the tables that a warehouse of some age has had vacuumed."""
    storage = [f"storage.{name}" for name in ("keys", "objects", "capacity", "ledger", "owners", "backends")]
    return [*storage, *(f"telemetry.{name}" for name in ("rollups", "activity", "words", "presence", "coverage"))]
