"""`OwnerIndex`: decisions read at one position, and objects moved to the owners and homes that follow from them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from warpdrive.adapters.store.backend_registry import register_backends
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.adapters.store.index.merging import BY_INDEX
from warpdrive.adapters.store.index.numbers import Numbers
from warpdrive.adapters.store.index.sums import add_to_capacity, add_to_ledger
from warpdrive.application.ports.storage_index import Attributed, Decided
from warpdrive.domain.governance.attribution import Assignment, Attribution, Claim, Showing

_DECIDED: Final = """
    SELECT notification_id FROM public.warpdrive_tracking WHERE application_name = 'read_model'
"""
_POSITIONS: Final = f"""
    SELECT coalesce(({_DECIDED}), 0) AS decided, "position" AS followed FROM storage.attribution
"""  # noqa: S608 - a text of this file
_SHOWINGS: Final = """
    SELECT place.place, backend.name, backend.prefix, backend.present
    FROM storage.backends AS backend JOIN storage.places AS place ON place.id = backend.place_id
"""
_CLAIMS: Final = """
    SELECT rule.team_id AS team, rule.backend, rule.prefix FROM read_model.ownership_rules AS rule
    JOIN read_model.teams AS team ON team.id = rule.team_id WHERE NOT team.disbanded
"""
_ATTRIBUTED: Final = """
    SELECT place.place, kept.prefix, backend.name AS backend, backend.prefix AS home, owners.teams, kept.doubted
    FROM storage.attributed AS kept JOIN storage.places AS place ON place.id = kept.place_id
    JOIN storage.owners AS owners ON owners.id = kept.owner_id
    LEFT JOIN storage.backends AS backend ON backend.id = kept.backend_id
    ORDER BY place.place, kept.prefix
"""
_DOUBT: Final = """
    INSERT INTO storage.attributed AS kept (place_id, prefix, backend_id, owner_id, doubted)
    SELECT $1, prefix, 0, 0, true FROM unnest($2::text[]) AS prefix
    ON CONFLICT (place_id, prefix) DO UPDATE SET doubted = true
"""
_BELOW: Final = """
    SELECT k.id, k.key, o.backend_id, o.owner_id, o.id IS NOT NULL AND o.deleted_at IS NULL AS there
    FROM storage.keys AS k LEFT JOIN storage.objects AS o ON o.id = k.id
    WHERE k.place_id = $1 AND k.key > $3 AND k.key >= $4 {} ORDER BY k.key LIMIT $2
"""
# An end that is not always there would keep the planner from using it: it would read on to the place's last key.
_BELOW_ROOT: Final = _BELOW.format("")
_BELOW_PREFIX: Final = _BELOW.format("AND k.key < $5")
TEMPORARY: Final = """
    CREATE TEMPORARY TABLE moved (
        id bigint, new_backend integer, new_owner integer, size bigint, backend_id integer, owner_id integer,
        class_id integer
    ) ON COMMIT DELETE ROWS;
"""
"""A table of the session."""
_LOCK: Final = """
    INSERT INTO pg_temp.moved (id, new_backend, new_owner, size, backend_id, owner_id, class_id)
    SELECT o.id, wanted.backend_id, wanted.owner_id, o.size, o.backend_id, o.owner_id, o.class_id
    FROM storage.objects AS o
    JOIN unnest($1::bigint[], $2::integer[], $3::integer[]) AS wanted (id, backend_id, owner_id) ON wanted.id = o.id
    ORDER BY o.id FOR NO KEY UPDATE OF o
"""
_MOVE: Final = """
    UPDATE storage.objects AS o SET backend_id = moved.new_backend, owner_id = moved.new_owner
    FROM pg_temp.moved AS moved WHERE moved.id = o.id
"""
_CAPACITY: Final = add_to_capacity("""
    SELECT backend_id, owner_id, class_id, -1 AS objects, -size AS bytes FROM pg_temp.moved
    UNION ALL SELECT new_backend, new_owner, class_id, 1, size FROM pg_temp.moved
""")
_LEDGER: Final = add_to_ledger(
    "$1::date",
    """
    SELECT backend_id, owner_id, -1 AS moved_objects, -size AS moved_bytes FROM pg_temp.moved
    UNION ALL SELECT new_backend, new_owner, 1, size FROM pg_temp.moved
    """,
    "moved_objects",
    "moved_bytes",
)
_UNSETTLE: Final = "DELETE FROM storage.attributed WHERE place_id = ANY($1::integer[])"
_SETTLE: Final = """
    INSERT INTO storage.attributed (place_id, prefix, backend_id, owner_id, doubted)
    SELECT place, prefix, backend, owner, false
    FROM unnest($1::integer[], $2::text[], $3::integer[], $4::integer[]) AS settled (place, prefix, backend, owner)
"""
_POSITION: Final = 'UPDATE storage.attribution SET "position" = $1, applied_at = $2'


class PostgresOwnerIndex:
    """See the port."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", numbers: Numbers) -> None:
        self._connection = connection
        self._numbers = numbers

    async def positions(self) -> tuple[int, int]:
        """See the port."""
        with told_as_store_errors():
            row = await self._connection.fetchrow(_POSITIONS)
        assert row is not None, "the migration made it"
        return row["decided"], row["followed"]

    async def decided(self) -> Decided:
        """See the port."""
        with told_as_store_errors():
            # Everything is read after the position, so at least what was decided up to it is followed.
            position = await self._connection.fetchval(_DECIDED)
            await register_backends(self._connection)
            async with self._connection.transaction(isolation="repeatable_read"):
                shown = await self._connection.fetch(_SHOWINGS)
                claims = [Claim(**row) for row in await self._connection.fetch(_CLAIMS)]
        showings: dict[str, list[Showing]] = {}
        for row in shown:
            showings.setdefault(row["place"], []).append(Showing(row["name"], row["prefix"], row["present"]))
        return Decided(position or 0, showings, claims)

    async def attributed(self) -> Mapping[str, Attributed]:
        """See the port."""
        with told_as_store_errors():
            rows = await self._connection.fetch(_ATTRIBUTED)
        assignments: dict[str, dict[str, Assignment]] = {}
        doubted: dict[str, list[str]] = {}
        for row in rows:
            kept = assignments.setdefault(row["place"], {})
            if row["backend"] is not None:
                kept[row["prefix"]] = Assignment(row["backend"], row["home"], tuple(row["teams"]))
            if row["doubted"]:
                doubted.setdefault(row["place"], []).append(row["prefix"])
        return {
            place: Attributed(Attribution(each), tuple(doubted.get(place, ()))) for place, each in assignments.items()
        }

    async def doubt(self, place: str, prefixes: Sequence[str]) -> None:
        """See the port."""
        with told_as_store_errors():
            await self._connection.execute(_DOUBT, await self._numbers.place(place), list(prefixes))

    async def move(
        self, place: str, prefix: str, attribution: Attribution, *, after: str, limit: int, at: datetime
    ) -> str | None:
        """See the port."""
        with told_as_store_errors():
            number = await self._numbers.place(place)
            numbers = await self._numbers.assignments(number, attribution)
            async with self._connection.transaction():
                await self._connection.execute(BY_INDEX)
                if prefix:
                    # The first text that no longer starts with it: "0" is the character after "/".
                    rows = await self._connection.fetch(_BELOW_PREFIX, number, limit, after, prefix, f"{prefix[:-1]}0")
                else:
                    rows = await self._connection.fetch(_BELOW_ROOT, number, limit, after, prefix)
                moved: list[tuple[int, int, int]] = []
                for row in rows:
                    home = attribution.of(row["key"])
                    if row["there"] and home is not None and numbers[home] != (row["backend_id"], row["owner_id"]):
                        moved.append((row["id"], *numbers[home]))
                if moved:
                    await self._connection.execute(_LOCK, *map(list, zip(*moved, strict=True)))
                    await self._connection.execute(_MOVE)
                    await self._connection.execute(_CAPACITY)
                    await self._connection.execute(_LEDGER, at.date())
        return rows[-1]["key"] if len(rows) == limit else None

    async def settle(self, attributed: Mapping[str, Attribution], *, position: int, at: datetime) -> None:
        """See the port."""
        settled: list[tuple[int, str, int, int]] = []
        with told_as_store_errors():
            for place, attribution in attributed.items():
                number = await self._numbers.place(place)
                numbers = await self._numbers.assignments(number, attribution)
                settled += [(number, prefix, *numbers[each]) for prefix, each in attribution.assignments.items()]
            places = [await self._numbers.place(place) for place in attributed]
            async with self._connection.transaction():
                # With the disk before anybody is told: moves before it are safe then, too.
                await self._connection.execute("SET LOCAL synchronous_commit = on")
                if places:
                    await self._connection.execute(_UNSETTLE, places)
                if settled:
                    await self._connection.execute(_SETTLE, *map(list, zip(*settled, strict=True)))
                await self._connection.execute(_POSITION, position, at)
