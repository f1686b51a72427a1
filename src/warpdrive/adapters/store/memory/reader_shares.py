"""`ReaderShares` and the counting of them in memory: every object split by the domain's own rule."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.ports.reader_shares import (
    WINDOWS,
    Basis,
    CountedShares,
    Kind,
    ReaderCounter,
    ReaderShare,
)
from warpdrive.domain.governance.splitting import split

_REFRESH = "reader_shares"


class MemoryReaderShares:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def shares(self, days: int, basis: Basis) -> CountedShares:
        """See the port."""
        rows = [
            ReaderShare(subject, kind, backend, objects, size)  # type: ignore[arg-type]  # a table's column is text
            for (window, by, subject, kind, backend), (objects, size) in self._warehouse.reader_shares.items()
            if (window, by) == (days, basis)
        ]
        rows.sort(key=lambda row: (row.backend, row.kind, row.subject))
        return CountedShares(self._warehouse.refreshes.get(_REFRESH), tuple(rows))

    async def of_user(self, user: str, days: int) -> int:
        """See the port."""
        shares = await self.shares(days, "user")
        return sum(row.bytes for row in shares.rows if (row.subject, row.kind) == (user, "user"))


class MemoryReaderCounter:
    """See the port."""

    def __init__(self, warehouse: Warehouse, models: ReadModels) -> None:
        self._warehouse = warehouse
        self._models = models

    async def state(self) -> str:
        """See the port."""
        return repr((self._warehouse.rollups, self._warehouse.objects, await self._teams()))

    async def count(self, at: datetime) -> None:
        """See the port."""
        teams = await self._teams()
        self._warehouse.reader_shares.clear()
        for days in WINDOWS:
            first = at.astimezone(UTC).date() - timedelta(days=days)
            users: dict[tuple[str, str], set[str]] = {}
            for user, day, place, key in self._warehouse.rollups:
                if day >= first:
                    users.setdefault((place, key), set()).add(user)
            for where, row in self._warehouse.objects.items():
                if row.deleted_at is None:
                    readers = users.get(where, set())
                    members = {team for user in readers for team in teams.get(user, {""})}
                    self._share(days, "team", members, row.backend, row.size)
                    self._share(days, "user", readers, row.backend, row.size)
        self._warehouse.refreshes[_REFRESH] = at

    def _share(self, days: int, basis: Basis, sharers: set[str], backend: str, size: int) -> None:
        if not sharers:
            self._add(days, basis, "", "unread", backend, 1, size)
            return
        objects = split(1, sorted(sharers))
        for sharer, part in split(size, sorted(sharers)).items():
            self._add(days, basis, sharer, basis if sharer else "unattributed", backend, objects[sharer], part)

    def _add(self, days: int, basis: Basis, subject: str, kind: Kind, backend: str, objects: int, size: int) -> None:
        key = (days, basis, subject, kind, backend)
        before = self._warehouse.reader_shares.get(key, (0, 0))
        self._warehouse.reader_shares[key] = (before[0] + objects, before[1] + size)

    async def _teams(self) -> dict[str, set[str]]:
        """Return the ids of each user's teams that are not disbanded."""
        there = await self._models.rows("teams", where={"disbanded": False}, order=("id",))
        ids = {row["id"] for row in there}
        found: dict[str, set[str]] = {}
        for row in await self._models.rows("team_members", order=("team_id", "principal")):
            if row["team_id"] in ids:
                found.setdefault(row["principal"], set()).add(row["team_id"])
        return found


class MemoryReaderCounting:
    """See the port."""

    def __init__(self, warehouse: Warehouse, models: ReadModels) -> None:
        self._counter = MemoryReaderCounter(warehouse, models)
        self._running = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ReaderCounter | None]:
        """See the port."""
        if self._running:
            yield None
            return
        self._running = True
        try:
            yield self._counter
        finally:
            self._running = False
