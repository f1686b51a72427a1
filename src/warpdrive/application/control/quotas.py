"""Quotas: how much a team may hold in a backend, and how it stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from warpdrive.application.control.calls import Call, Done, Page
from warpdrive.application.control.commands import Commands, Decision
from warpdrive.application.control.errors import NotFound
from warpdrive.application.control.paging import page_of, page_size, page_start
from warpdrive.application.control.teams import Teams
from warpdrive.application.control.views import QuotaView
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.values import QuotaLimits, standing_of

_ORDER: Final = ("team_id", "backend")


class Quotas:
    """Use cases of quotas. Commands raise what the aggregate does, NotFound (team, quota), the store's errors."""

    def __init__(self, commands: Commands, teams: Teams, models: ReadModels) -> None:
        self._commands = commands
        self._teams = teams
        self._models = models

    async def set(self, call: Call, team: str, backend: str, limits: QuotaLimits) -> Done[QuotaView]:
        """Give a team limits for a backend ("*": for all); also brings a removed quota back."""
        found: list[UUID] = []

        async def locate() -> UUID:
            found[:] = [await self._teams.find(team)]
            return Quota.id_of(found[0], backend)

        def decide(quota: Quota | None) -> Decision[Quota]:
            if quota is None:
                return Decision(Quota.define(found[0], backend, limits, at=call.at))
            quota.set_limits(limits, at=call.at)
            return Decision(quota)

        return await self._commands.change(Quota, call, locate, decide, lambda quota: quota_view(quota, team, call.at))

    async def delete(self, call: Call, team: str, backend: str) -> Done[QuotaView]:
        """Limit the team there no longer."""

        def decide(quota: Quota | None) -> Decision[Quota]:
            if quota is None or quota.removed:
                raise NotFound("quota", f"{team}/{backend}")
            quota.remove(at=call.at)
            return Decision(quota)

        async def locate() -> UUID:
            return Quota.id_of(await self._teams.find(team), backend)

        return await self._commands.change(Quota, call, locate, decide, lambda quota: quota_view(quota, team, call.at))

    async def get(self, call: Call, team: str, backend: str) -> Done[QuotaView]:
        """Show one that is not removed, and how it stands."""
        position = await self._models.position()
        stream = Quota.id_of(await self._teams.find(team), backend)
        row = await self._models.row("quotas", {"id": str(stream)})
        if row is None or row["removed"]:
            raise NotFound("quota", f"{team}/{backend}")
        return Done(_row_view(row, team, call.at), position)

    async def page(self, call: Call, *, team: str, backend: str, size: int, token: str) -> Done[Page[QuotaView]]:
        """Show those in the caller's scope; of one team or backend, if given. Raises Malformed, NotFound."""
        limit = page_size(size)
        position = await self._models.position()
        where: dict[str, Any] = {"removed": False}
        if backend:
            where["backend"] = backend
        if team:
            where["team_id"] = str(await self._teams.find(team))
        if call.principal.teams:
            mine = await self._models.rows("teams", where={"name": list(call.principal.teams)}, order=("name", "id"))
            ids = [row["id"] for row in mine]
            where["team_id"] = [each for each in ids if not team or each == where["team_id"]]
        rows = await self._models.rows(
            "quotas", where=where, order=_ORDER, after=page_start(token, len(_ORDER)), limit=limit + 1
        )
        names = await self._team_names(rows)
        page = page_of(rows, limit, _ORDER, lambda row: _row_view(row, names[row["team_id"]], call.at))
        return Done(page, position)

    async def changed_since(self, after: int, teams: Sequence[str], at: datetime) -> list[QuotaView]:
        """Show those, removed ones included, that changed after a position; of the named teams, empty meaning all."""
        rows = [row for row in await self._models.rows("quotas", order=_ORDER) if row["position"] > after]
        names = await self._team_names(rows)
        views = (_row_view(row, names[row["team_id"]], at) for row in sorted(rows, key=_position))
        return [view for view in views if not teams or view.team in teams]

    async def _team_names(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        ids = sorted({row["team_id"] for row in rows})
        if not ids:
            return {}
        teams = await self._models.rows("teams", where={"id": ids}, order=("id",))
        # A quota of a team that is not there (yet) in the read model is still worth showing.
        return dict.fromkeys(ids, "") | {row["id"]: row["name"] for row in teams}


def quota_view(quota: Quota, team: str, at: datetime) -> QuotaView:
    """Show an aggregate as it stands at a moment."""
    return QuotaView(
        team=team,
        team_id=str(quota.team_id),
        backend=quota.backend,
        soft=quota.limits.soft,
        hard=quota.limits.hard,
        grace_seconds=quota.limits.grace_seconds,
        usage=quota.usage,
        standing=quota.standing(at).value,
        grace_until=quota.grace_until,
        version=quota.version,
        updated_at=quota.modified_on,
    )


def _row_view(row: Mapping[str, Any], team: str, at: datetime) -> QuotaView:
    standing = standing_of(
        at, removed=row["removed"], usage=row["usage"], hard=row["hard"], grace_until=row["grace_until"]
    )
    return QuotaView(
        team=team,
        team_id=row["team_id"],
        backend=row["backend"],
        soft=row["soft"],
        hard=row["hard"],
        grace_seconds=row["grace_seconds"],
        usage=row["usage"],
        standing=standing.value,
        grace_until=row["grace_until"],
        version=row["version"],
        updated_at=row["updated_at"],
    )


def _position(row: Mapping[str, Any]) -> int:
    return int(row["position"])
