"""`DuplicateFacts` on PostgreSQL: whole passes over storage.objects, whose rows are narrow; keys only where shown."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

from warpdrive.adapters.store.event_reader import PATIENT_S, Questions
from warpdrive.application.ports.duplicate_facts import (
    CopyRow,
    DuplicateQuestion,
    DuplicateSums,
    GroupMark,
    GroupRow,
    IdleRow,
    SurplusRow,
)

_KINDS: Final = {1: "md5", 2: "crc32c"}
"""Numbers of storage.objects.digest_kind; 0: none is known."""
_NUMBERS: Final = {kind: number for number, kind in _KINDS.items()}

_GROUPS: Final = """
    WITH g AS (
        SELECT size, digest_kind, digest, count(*) AS objects, size * (count(*) - 1) AS wasted
        FROM storage.objects WHERE deleted_at IS NULL AND digest_kind <> 0 AND size >= $1
        GROUP BY size, digest_kind, digest HAVING count(*) > 1 AND (
            $2 = '' OR bool_or(backend_id = ANY (ARRAY(SELECT id FROM storage.backends WHERE name = $2)))
        )
    )
"""
_SUMS: Final = "{groups} SELECT count(*) AS groups, coalesce(sum(wasted), 0)::bigint AS wasted FROM g"
_PAGE: Final = """{groups}
    SELECT * FROM g
    WHERE $3::bigint IS NULL OR (-wasted, -size, -digest_kind, digest) > (-$3::bigint, -$4::bigint, -$5::smallint, $6)
    ORDER BY wasted DESC, size DESC, digest_kind DESC, digest LIMIT $7
"""
_UNCHECKED: Final = """
    SELECT count(*) FROM storage.objects
    WHERE deleted_at IS NULL AND digest_kind = 0 AND size >= $1 AND (
        $2 = '' OR backend_id = ANY (ARRAY(SELECT id FROM storage.backends WHERE name = $2))
    )
"""
_COPIES: Final = """
    SELECT r.size, r.digest_kind, r.digest, r.name AS backend, substr(k.key, length(r.prefix) + 1) AS key,
        c.class AS storage_class
    FROM (
        SELECT o.id, o.class_id, o.size, o.digest_kind, o.digest, b.name, b.prefix, row_number() OVER (
            PARTITION BY o.size, o.digest_kind, o.digest ORDER BY b.name, o.id
        ) AS place
        FROM storage.objects AS o JOIN storage.backends AS b ON b.id = o.backend_id
        WHERE o.deleted_at IS NULL AND (o.size, o.digest_kind, o.digest) IN (
            SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bytea[])
        )
    ) AS r
    JOIN storage.keys AS k ON k.id = r.id JOIN storage.classes AS c ON c.id = r.class_id
    WHERE r.place <= $4 ORDER BY r.name, r.id
"""
_NAMED: Final = """
    SELECT {columns}b.name AS backend, w.teams AS owners, c.class AS storage_class,
        sum(s.objects)::bigint AS objects, sum(s.bytes)::bigint AS bytes
    FROM ({sums}) AS s JOIN storage.backends AS b ON b.id = s.backend_id
    JOIN storage.owners AS w ON w.id = s.owner_id JOIN storage.classes AS c ON c.id = s.class_id
    GROUP BY {columns}b.name, w.teams, c.class
"""
_SURPLUS: Final = _NAMED.format(
    columns="digest_kind, ",
    sums="""
    -- Once and for all: left to the planner, each of its workers grouped all objects by itself.
    WITH shared AS MATERIALIZED (
        SELECT size, digest_kind, digest FROM storage.objects
        WHERE deleted_at IS NULL AND digest_kind <> 0 AND size > 0
        GROUP BY size, digest_kind, digest HAVING count(*) > 1
    )
    SELECT backend_id, owner_id, class_id, digest_kind, count(*) AS objects, sum(size) AS bytes
    FROM (
        SELECT backend_id, owner_id, class_id, digest_kind, size, row_number() OVER (
            PARTITION BY size, digest_kind, digest ORDER BY greatest(
                last_access, (modified_at AT TIME ZONE 'UTC')::date, (first_seen AT TIME ZONE 'UTC')::date
            ) DESC, id
        ) AS place
        FROM storage.objects
        WHERE deleted_at IS NULL AND (size, digest_kind, digest) IN (SELECT size, digest_kind, digest FROM shared)
    ) AS o WHERE place > 1 GROUP BY backend_id, owner_id, class_id, digest_kind
    """,
)
# Compares columns as they are: turning moments into days would cost more than all the rest.
_IDLE: Final = _NAMED.format(
    columns="",
    sums="""
    SELECT backend_id, owner_id, class_id, count(*) AS objects, sum(size) AS bytes FROM storage.objects
    WHERE deleted_at IS NULL AND (last_access < $1 OR last_access IS NULL) AND modified_at < $2 AND first_seen < $2
    GROUP BY backend_id, owner_id, class_id
    """,
)

_Group = tuple[int, int, bytes]
"""Size, kind and digits: what the objects of a group have in common."""


class PostgresDuplicateFacts:
    """See the port."""

    def __init__(self, questions: Questions) -> None:
        # Grouping a million objects by their checksums takes two seconds, ten million may take twenty.
        self._questions = questions.patiently(PATIENT_S)

    async def sums(self, question: DuplicateQuestion) -> DuplicateSums:
        """See the port."""
        asked = _asked(question)
        row = await self._questions.row(_SUMS.format(groups=_GROUPS), *asked)
        assert row is not None, "sums are always one row"
        unchecked = await self._questions.value(_UNCHECKED, *asked)
        return DuplicateSums(row["groups"], row["wasted"], unchecked)

    async def groups(
        self, question: DuplicateQuestion, *, after: GroupMark | None, limit: int, copies: int
    ) -> Sequence[GroupRow]:
        """See the port."""
        start: tuple[Any, ...] = (None, None, None, None)
        if after is not None:
            start = (after.wasted_bytes, after.size, _NUMBERS[after.kind], after.digest)
        rows = await self._questions.rows(_PAGE.format(groups=_GROUPS), *_asked(question), *start, limit)
        shown = await self._copies([_group(row) for row in rows], copies)
        return [
            GroupRow(
                GroupMark(row["wasted"], row["size"], _KINDS[row["digest_kind"]], row["digest"]),
                row["objects"],
                tuple(shown.get(_group(row), ())),
            )
            for row in rows
        ]

    async def surplus(self) -> Sequence[SurplusRow]:
        """See the port."""
        rows = await self._questions.rows(_SURPLUS)
        found = [
            SurplusRow(
                row["backend"],
                tuple(row["owners"]),
                row["storage_class"],
                _KINDS[row["digest_kind"]],
                row["objects"],
                row["bytes"],
            )
            for row in rows
        ]
        return sorted(found, key=lambda row: (row.backend, row.owners, row.storage_class, row.kind))

    async def idle(self, before: Sequence[date]) -> Sequence[IdleRow]:
        """See the port."""
        found: list[IdleRow] = []
        for question, day in enumerate(before):
            rows = await self._questions.rows(_IDLE, day, datetime.combine(day, time(), UTC))
            found += [IdleRow(**{**row, "question": question, "owners": tuple(row["owners"])}) for row in rows]
        return sorted(found, key=lambda row: (row.question, row.backend, row.owners, row.storage_class))

    async def _copies(self, groups: Sequence[_Group], copies: int) -> dict[_Group, list[CopyRow]]:
        if not groups:
            return {}
        sizes, kinds, digests = map(list, zip(*groups, strict=True))
        shown: dict[_Group, list[CopyRow]] = {}
        for row in await self._questions.rows(_COPIES, sizes, kinds, digests, copies):
            shown.setdefault(_group(row), []).append(CopyRow(row["backend"], row["key"], row["storage_class"]))
        return shown


def _asked(question: DuplicateQuestion) -> tuple[int, str]:
    return max(1, question.min_size), question.backend


def _group(row: Any) -> _Group:
    return row["size"], row["digest_kind"], row["digest"]
