"""What the answers must be: everything aggregated anew from objects and rollups, and the answers in the same form."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

_OWNED: Final = """
    SELECT teams, backend_id, class_id, count(*) AS objects, sum(size)::bigint AS bytes
    FROM storage.objects AS o JOIN storage.owners AS w ON w.id = o.owner_id
    WHERE deleted_at IS NULL GROUP BY 1, 2, 3
"""
_READ: Final = """
    SELECT subjects, size, count(*) AS objects FROM (
        SELECT o.size, array_agg(DISTINCT {subject} ORDER BY {subject})
            FILTER (WHERE r.user_id IS NOT NULL) AS subjects
        FROM storage.objects AS o
        LEFT JOIN telemetry.rollups AS r ON r.object_id = o.id AND r.day >= $1
        LEFT JOIN telemetry.words AS w ON w.id = r.user_id
        {teams}
        WHERE o.deleted_at IS NULL GROUP BY o.id, o.size
    ) AS read GROUP BY subjects, size
"""
_TEAMS: Final = "LEFT JOIN read_model.team_members AS m ON m.principal = w.word"
_IDLE: Final = """
    SELECT count(*) FILTER (WHERE last < $1), coalesce(sum(size) FILTER (WHERE last < $1), 0)::bigint,
        count(*), sum(size)::bigint FROM (
        SELECT o.size, greatest(max(r.day), (o.modified_at AT TIME ZONE 'UTC')::date,
            (o.first_seen AT TIME ZONE 'UTC')::date) AS last
        FROM storage.objects AS o LEFT JOIN telemetry.rollups AS r ON r.object_id = o.id
        WHERE o.deleted_at IS NULL GROUP BY o.id, o.size, o.modified_at, o.first_seen
    ) AS used
"""
_GROWN: Final = """
    SELECT day, sum(size)::bigint AS bytes FROM (
        SELECT (first_seen AT TIME ZONE 'UTC')::date AS day, size FROM storage.objects
        UNION ALL
        SELECT (deleted_at AT TIME ZONE 'UTC')::date, -size FROM storage.objects WHERE deleted_at IS NOT NULL
    ) AS moves GROUP BY day
"""
_LYING: Final = """
    SELECT substring(k.key FROM '^data/[^/]*/'), count(*), sum(o.size)::bigint
    FROM storage.objects AS o JOIN storage.keys AS k ON k.id = o.id
    WHERE o.deleted_at IS NULL AND o.backend_id = 1 GROUP BY 1
"""
_ACTED: Final = """
    SELECT 'b' || r.backend_id, sum(r.opens)::bigint, sum(r.bytes_read)::bigint
    FROM telemetry.rollups AS r JOIN telemetry.words AS w ON w.id = r.user_id
    WHERE w.word = 'user-0007' AND r.day >= $1 GROUP BY 1 ORDER BY 1
"""

Sums = dict[str, tuple[int, int]]
"""Objects and bytes by a row's id, or by its kind where it has none."""


def rows(answer: Mapping[str, Any]) -> Sums:
    """Read an answer about usage."""
    found = {row["id"] or row["kind"]: (int(row["objects"]), int(row["bytes"])) for row in answer["rows"]}
    assert sum(size for _, size in found.values()) == int(answer["totalBytes"])
    return found


async def owned(connection: Any, _: date) -> Sums:
    """Split what each set of teams owns."""
    found: Sums = {}
    for teams, _, _, objects, size in await connection.fetch(_OWNED):
        _share(found, teams or ["unattributed"], objects, size, 1)
    return found


async def read_by_teams(connection: Any, today: date) -> Sums:
    """Split each object among its readers' teams of 30 days."""
    sql = _READ.format(subject="""(coalesce(m.team_id, '') COLLATE "C")""", teams=_TEAMS)
    return await _read(connection, sql, today - timedelta(days=30))


async def read_by_users(connection: Any, today: date) -> Sums:
    """Split each object among its readers of 90 days."""
    return await _read(connection, _READ.format(subject="w.word", teams=""), today - timedelta(days=90))


async def _read(connection: Any, sql: str, since: date) -> Sums:
    found: Sums = {}
    for subjects, size, count in await connection.fetch(sql, since):
        names = ["unread"] if subjects is None else [each or "unattributed" for each in subjects]
        _share(found, names, 1, size, count)
    return found


def stale(answer: Mapping[str, Any]) -> tuple[int, ...]:
    """Read an answer about stale data, all of whose pages are of stale objects, largest first."""
    sizes = [int(each["bytes"]) for each in answer["objects"]]
    assert sizes == sorted(sizes, reverse=True)
    assert all(each["standing"] == "stale" for each in answer["objects"])
    return tuple(int(answer[name]) for name in ("staleObjects", "staleBytes", "totalObjects", "totalBytes"))


async def idle(connection: Any, today: date) -> tuple[int, ...]:
    """Find the last use of every object."""
    return tuple(await connection.fetchrow(_IDLE, today - timedelta(days=30)))


def days(answer: Mapping[str, Any]) -> list[int]:
    """Read an answer about growth."""
    return [int(each["bytes"]) for each in answer["days"]]


async def grown(connection: Any, today: date) -> list[int]:
    """Add up what was there at each day's end."""
    moves = await connection.fetch(_GROWN)
    ends = [today - timedelta(days=back) for back in range(89, -1, -1)]
    return [sum(row["bytes"] for row in moves if row["day"] <= end) for end in ends]


async def lying(connection: Any, _: date) -> Sums:
    """Add up below each prefix."""
    return {prefix: (objects, size) for prefix, objects, size in await connection.fetch(_LYING)}


def user(answer: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Read an answer about a user."""
    return [(each["backend"], int(each["opens"]), int(each["bytesRead"])) for each in answer["backends"]]


async def acted(connection: Any, today: date) -> list[tuple[str, int, int]]:
    """Add up a user's rollups."""
    return [tuple(row) for row in await connection.fetch(_ACTED, today - timedelta(days=30))]


def _share(found: Sums, names: list[str], objects: int, size: int, times: int) -> None:
    """Divide, the remainder to those who come first; for so many objects that are alike."""
    for place, name in enumerate(names):
        before = found.get(name, (0, 0))
        part = size // len(names) + (place < size % len(names))
        count = objects // len(names) + (place < objects % len(names))
        found[name] = (before[0] + count * times, before[1] + part * times)
