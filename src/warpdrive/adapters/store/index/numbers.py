"""Numbers of names: asked once and remembered, since rows of places, backends, owners and classes never go."""

from collections.abc import Collection
from typing import Final

import asyncpg

from warpdrive.domain.governance.attribution import Assignment, Attribution

_PLACE: Final = "SELECT id FROM storage.places WHERE place = $1"
_HOME: Final = "SELECT id FROM storage.backends WHERE place_id = $1 AND name = $2 AND prefix = $3"
_OWNERS: Final = "SELECT id FROM storage.owners WHERE teams = $1::text[]"
_NEW_OWNERS: Final = "INSERT INTO storage.owners (teams) VALUES ($1::text[]) ON CONFLICT (teams) DO NOTHING"
_CLASSES: Final = "SELECT class, id FROM storage.classes"
_NEW_CLASSES: Final = """
    INSERT INTO storage.classes (class) SELECT class FROM unnest($1::text[]) AS class
    WHERE class NOT IN (SELECT class FROM storage.classes) ORDER BY class
    ON CONFLICT (class) DO NOTHING
"""
"""Those that are there are left out first: a conflict, too, uses up one of 32,767 numbers."""

Numbered = tuple[int, int]
"""Numbers of a home backend and of owners."""


class Numbers:
    """Of one connection. Ask outside of transactions: what is rolled back must not be remembered."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._places: dict[str, int] = {}
        self._assignments: dict[tuple[int, Assignment], Numbered] = {}
        self.classes: dict[str, int] = {"": 0}
        """Storage classes, as far as they were asked for."""

    async def place(self, place: str) -> int:
        """Return a known place's number."""
        if place not in self._places:
            self._places[place] = int(await self._connection.fetchval(_PLACE, place))
        return self._places[place]

    async def assignments(self, place: int, attribution: Attribution) -> dict[Assignment, Numbered]:
        """Return the numbers of every answer that a place's attribution can give."""
        wanted = set(attribution.assignments.values())
        for each in wanted:
            if (place, each) not in self._assignments:
                home = await self._connection.fetchval(_HOME, place, each.backend, each.prefix)
                self._assignments[place, each] = (int(home), await self._owners(each.owners))
        return {each: self._assignments[place, each] for each in wanted}

    async def learn_classes(self, classes: Collection[str]) -> None:
        """Let `classes` know these."""
        if all(each in self.classes for each in classes):
            return
        await self._connection.execute(_NEW_CLASSES, sorted(classes))
        self.classes = {row["class"]: row["id"] for row in await self._connection.fetch(_CLASSES)}

    async def _owners(self, teams: tuple[str, ...]) -> int:
        found = await self._connection.fetchval(_OWNERS, list(teams))
        if found is None:
            await self._connection.execute(_NEW_OWNERS, list(teams))
            found = await self._connection.fetchval(_OWNERS, list(teams))
        return int(found)
