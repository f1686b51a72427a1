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
from warpdrive.domain.quota.values import LeasePolicy, QuotaLimits, Standing, standing_of

_ORDER: Final = ("team_id", "backend")
_UNKNOWN_TEAM: Final[Mapping[str, Any]] = {"name": "", "disbanded": False, "position": 0}


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

    async def set_lease_policy(self, call: Call, team: str, backend: str, policy: LeasePolicy) -> Done[QuotaView]:
        """Decide how much is promised to a node at once, and for how long. Raises InvalidLeasePolicy."""

        def decide(quota: Quota | None) -> Decision[Quota]:
            if quota is None or quota.removed:
                raise NotFound("quota", f"{team}/{backend}")
            quota.set_lease_policy(policy, at=call.at)
            return Decision(quota)

        async def locate() -> UUID:
            return Quota.id_of(await self._teams.find(team), backend)

        return await self._commands.change(Quota, call, locate, decide, lambda quota: quota_view(quota, team, call.at))

    async def team_id(self, team: str) -> UUID:
        """Find a team by name. Raises NotFound."""
        return await self._teams.find(team)

    async def get(self, call: Call, team: str, backend: str) -> Done[QuotaView]:
        """Show one that is not removed, and how it stands."""
        position = await self._models.position()
        stream = Quota.id_of(await self._teams.find(team), backend)
        row = await self._models.row("quotas", {"id": str(stream)})
        if row is None or row["removed"]:
            raise NotFound("quota", f"{team}/{backend}")
        return Done(_row_view(row, {"name": team, "disbanded": False}, call.at), position)

    async def page(self, call: Call, *, team: str, backend: str, size: int, token: str) -> Done[Page[QuotaView]]:
        """Show those in the caller's scope; of one team or backend, if given. Raises Malformed, NotFound."""
        limit = page_size(size)
        scope = call.principal.teams
        position = await self._models.position()
        if team and scope and team not in scope:
            # Before the name is looked up: nobody learns here whether there is such a team.
            return Done(Page(()), position)
        where: dict[str, Any] = {"removed": False}
        if backend:
            where["backend"] = backend
        if team:
            where["team_id"] = str(await self._teams.find(team))
        elif scope:
            mine = await self._models.rows(
                "teams", where={"name": list(scope), "disbanded": False}, order=("name", "id")
            )
            where["team_id"] = [row["id"] for row in mine]
        rows = await self._models.rows(
            "quotas", where=where, order=_ORDER, after=page_start(token, len(_ORDER)), limit=limit + 1
        )
        teams = await self._teams_of(rows)
        page = page_of(rows, limit, _ORDER, lambda row: row)
        # A page may hold fewer than asked for: quotas of teams that are no more limit nobody.
        lasting = (row for row in page.items if not teams[row["team_id"]]["disbanded"])
        views = tuple(_row_view(row, teams[row["team_id"]], call.at) for row in lasting)
        return Done(Page(views, page.next_token), position)

    async def changed_since(self, after: int, teams: Sequence[str], at: datetime) -> list[QuotaView]:
        """Show those, removed ones included, that changed after a position; of the named teams, empty meaning all.

        A team's change counts as one of its quotas: it may be its name, or its end.
        """
        rows = await self._models.rows("quotas", order=_ORDER)
        owners = await self._teams_of(rows)
        changed = ((max(row["position"], owners[row["team_id"]]["position"]), row) for row in rows)
        ordered = sorted((each for each in changed if each[0] > after), key=lambda each: each[0])
        views = (_row_view(row, owners[row["team_id"]], at) for _, row in ordered)
        return [view for view in views if not teams or view.team in teams]

    async def of_team(self, team: UUID) -> list[UUID]:
        """Find the streams of a team's quotas that are not removed."""
        rows = await self._models.rows("quotas", where={"team_id": str(team), "removed": False}, order=_ORDER)
        return [UUID(row["id"]) for row in rows]

    async def _teams_of(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        ids = sorted({row["team_id"] for row in rows})
        if not ids:
            return {}
        teams = await self._models.rows("teams", where={"id": ids}, order=("id",))
        # A quota of a team that is not there (yet) in the read model is still worth showing.
        return dict.fromkeys(ids, _UNKNOWN_TEAM) | {row["id"]: row for row in teams}


def quota_view(quota: Quota, team: str, at: datetime, *, disbanded: bool = False) -> QuotaView:
    """Show an aggregate as it stands at a moment; that of a disbanded team limits nobody any more."""
    return QuotaView(
        team=team,
        team_id=str(quota.team_id),
        backend=quota.backend,
        soft=quota.limits.soft,
        hard=quota.limits.hard,
        grace_seconds=quota.limits.grace_seconds,
        usage=quota.usage,
        standing=(Standing.REMOVED if disbanded else quota.standing(at)).value,
        grace_until=quota.grace_until,
        version=quota.version,
        updated_at=quota.modified_on,
    )


def _row_view(row: Mapping[str, Any], team: Mapping[str, Any], at: datetime) -> QuotaView:
    removed = row["removed"] or team["disbanded"]
    standing = standing_of(at, removed=removed, usage=row["usage"], hard=row["hard"], grace_until=row["grace_until"])
    return QuotaView(
        team=team["name"],
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
