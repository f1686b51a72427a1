"""`ObjectFacts` on PostgreSQL: one pass over storage.objects, whose rows are narrow for this; keys only where shown."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any, Final

from warpdrive.adapters.store.event_reader import PATIENT_S, Questions
from warpdrive.application.ports.object_facts import IdleObject, IdleQuestion, IdleSums, PrefixRow

_IDLE: Final = "(last_access < $1 OR last_access IS NULL) AND modified_at < $2 AND first_seen < $2"
"""Compares columns as they are: turning moments into days would cost more than all the rest."""

_BACKEND: Final = "backend_id IN (SELECT id FROM storage.backends WHERE name = ${})"
_TEAM: Final = "owner_id = ANY (ARRAY(SELECT id FROM storage.owners WHERE teams @> ARRAY[${}]::text[]))"
_MIN_SIZE: Final = "size >= ${}"

_SUMS: Final = """
    SELECT count(*) FILTER (WHERE {idle}) AS idle_objects,
        coalesce(sum(size) FILTER (WHERE {idle}), 0)::bigint AS idle_bytes,
        count(*) AS total_objects, coalesce(sum(size), 0)::bigint AS total_bytes
    FROM storage.objects WHERE deleted_at IS NULL{asked}
"""
_LARGEST: Final = """
    SELECT o.id AS number, b.name AS backend, substr(k.key, length(b.prefix) + 1) AS key, o.size AS bytes,
        w.teams AS owners, c.class AS storage_class, o.last_access, o.modified_at, o.first_seen
    FROM (
        SELECT * FROM storage.objects WHERE deleted_at IS NULL AND {idle}{asked} ORDER BY size DESC, id LIMIT {limit}
    ) AS o
    JOIN storage.keys AS k ON k.id = o.id JOIN storage.backends AS b ON b.id = o.backend_id
    JOIN storage.owners AS w ON w.id = o.owner_id JOIN storage.classes AS c ON c.id = o.class_id
    ORDER BY o.size DESC, o.id
"""
_BELOW: Final = """
    SELECT sums."group", w.teams AS owners, c.class AS storage_class, sums.objects, sums.bytes
    FROM (
        SELECT {group} AS "group", o.owner_id, o.class_id, count(*) AS objects, sum(o.size)::bigint AS bytes
        FROM storage.keys AS k JOIN storage.objects AS o ON o.id = k.id AND o.deleted_at IS NULL
        WHERE k.place_id = $1 AND o.backend_id = $2 AND k.key >= $3 AND starts_with(k.key, $3){until}
        GROUP BY 1, 2, 3
    ) AS sums
    JOIN storage.owners AS w ON w.id = sums.owner_id JOIN storage.classes AS c ON c.id = sums.class_id
    LIMIT {limit}
"""
"""Summed by numbers first: sorting names and sets of teams would cost more than all the rest."""
_GROUP: Final = """coalesce(substring(substr(k.key, $4 + 1) FROM '^(?:[^/]*/){{1,{parts}}}'), '')"""
_SURROGATES: Final = range(0xD800, 0xE000)
"""Code points that are no characters."""
_AFTER_SURROGATES: Final = 0xE000
_HOMES: Final = "SELECT id, name, place_id, prefix FROM storage.backends WHERE $1 = '' OR name = $1"


class PostgresObjectFacts:
    """See the port."""

    def __init__(self, questions: Questions) -> None:
        # A pass over a million objects takes a tenth of a second; nobody says that there are no more.
        self._questions = questions.patiently(PATIENT_S)

    async def idle_sums(self, question: IdleQuestion) -> IdleSums:
        """See the port."""
        asked, values = _asked(question)
        row = await self._questions.row(_SUMS.format(idle=_IDLE, asked=asked), *values)
        assert row is not None, "sums are always one row"
        return IdleSums(**row)

    async def largest_idle(
        self, question: IdleQuestion, *, after: tuple[int, int] | None, limit: int
    ) -> Sequence[IdleObject]:
        """See the port."""
        asked, values = _asked(question)
        if after is not None:
            size, number = f"${len(values) + 1}", f"${len(values) + 2}"
            asked += f" AND size <= {size} AND (size < {size} OR id > {number})"
            values += after
        sql = _LARGEST.format(idle=_IDLE, asked=asked, limit=int(limit))
        return [
            IdleObject(**{**row, "owners": tuple(row["owners"])}) for row in await self._questions.rows(sql, *values)
        ]

    async def below(self, prefix: str, *, backend: str, parts: int, limit: int) -> Sequence[PrefixRow]:
        """See the port."""
        found: dict[tuple[str, str, tuple[str, ...], str], tuple[int, int]] = {}
        for home in await self._questions.rows(_HOMES, backend):
            whole = home["prefix"] + prefix
            end = _after_all(whole)
            group = _GROUP.format(parts=int(parts)) if parts else "''"
            values: list[Any] = [home["place_id"], home["id"], whole]
            if parts:
                values.append(len(home["prefix"]))
            until = ""
            if end is not None:
                values.append(end)
                until = f" AND k.key < ${len(values)}"
            for row in await self._questions.rows(_BELOW.format(group=group, until=until, limit=int(limit)), *values):
                key = (row["group"], home["name"], tuple(row["owners"]), row["storage_class"])
                objects, size = found.get(key, (0, 0))
                # One name can have been several backends', one after the other.
                found[key] = (objects + row["objects"], size + row["bytes"])
        return [PrefixRow(*key, *counted) for key, counted in sorted(found.items())][:limit]


def _asked(question: IdleQuestion) -> tuple[str, tuple[Any, ...]]:
    """Return further conditions and all parameters, the first two of which are `_IDLE`'s."""
    values: list[Any] = [question.before, question.there_by or datetime.combine(question.before, time(), UTC)]
    conditions = ""
    for condition, value in ((_BACKEND, question.backend), (_TEAM, question.team), (_MIN_SIZE, question.min_size)):
        if value:
            values.append(value)
            conditions += f" AND {condition.format(len(values))}"
    return conditions, tuple(values)


def _after_all(prefix: str) -> str | None:
    """Return the first text, by bytes of UTF-8, after all that start with a prefix; None when there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_AFTER_SURROGATES if following in _SURROGATES else following)
