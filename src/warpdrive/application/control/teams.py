"""Teams: who is in one, and what belongs to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeGuard
from uuid import UUID

from warpdrive.application.control.calls import Call, Done, Page
from warpdrive.application.control.commands import Commands, Decision
from warpdrive.application.control.errors import NotFound
from warpdrive.application.control.names import Names
from warpdrive.application.control.paging import page_of, page_size, page_start
from warpdrive.application.control.views import TeamView
from warpdrive.application.ports.event_store import NameUse
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.team.values import OwnershipRule

_ORDER: Final = ("name", "id")


class Teams:
    """Use cases of teams. Commands raise what the aggregate does, NotFound, AlreadyThere and the store's errors."""

    def __init__(self, commands: Commands, names: Names, models: ReadModels, new_id: Callable[[], UUID]) -> None:
        self._commands = commands
        self._names = names
        self._models = models
        self._new_id = new_id

    async def ensure(
        self, call: Call, name: str, members: Sequence[str], rules: Sequence[OwnershipRule]
    ) -> Done[TeamView]:
        """Make sure that the team exists and has these members and rules; others stay."""

        def decide(team: Team | None) -> Decision[Team]:
            found = team if _is(team, name) else Team.create(self._new_id(), name, at=call.at)
            present, owned = set(found.members), set(found.rules)
            for principal in dict.fromkeys(members):
                if principal not in present:
                    found.add_member(principal, at=call.at)
            for rule in dict.fromkeys(rules):
                if rule not in owned:
                    found.add_ownership_rule(rule, at=call.at)
            return Decision(found, () if found is team else (_use(found.name, found, 1),))

        return await self._commands.change(Team, call, lambda: self._find_or_make(name), decide, team_view)

    async def rename(self, call: Call, name: str, new_name: str) -> Done[TeamView]:
        """Give it another name; the old one is free."""

        def decide(team: Team | None) -> Decision[Team]:
            found = _there(team, name)
            before = found.name
            found.rename(new_name, at=call.at)
            uses = () if found.name == before else (_use(before, found, -1), _use(found.name, found, 1))
            return Decision(found, uses)

        return await self._commands.change(Team, call, lambda: self.find(name), decide, team_view)

    async def remove_member(self, call: Call, name: str, principal: str) -> Done[TeamView]:
        """Let somebody leave."""
        return await self._change(call, name, lambda team: team.remove_member(principal, at=call.at))

    async def remove_rule(self, call: Call, name: str, rule: OwnershipRule) -> Done[TeamView]:
        """Let what has the rule's prefix belong to the team no longer."""
        return await self._change(call, name, lambda team: team.remove_ownership_rule(rule, at=call.at))

    async def disband(self, call: Call, name: str) -> Done[TeamView]:
        """End it; its name is free."""

        def decide(team: Team | None) -> Decision[Team]:
            found = _there(team, name)
            found.disband(at=call.at)
            return Decision(found, (_use(found.name, found, -1),))

        return await self._commands.change(Team, call, lambda: self.find(name), decide, team_view)

    async def get(self, call: Call, name: str) -> Done[TeamView]:
        """Show one, by name; a disbanded one by its id."""
        position = await self._models.position()
        found = await self._models.rows("teams", where={"name": name, "disbanded": False}, order=_ORDER, limit=1)
        if not found and not call.principal.teams:
            by_id = await self._models.row("teams", {"id": name})
            found = [] if by_id is None else [by_id]
        if not found:
            raise NotFound("team", name)
        return Done((await self._whole(found))[0], position)

    async def page(self, call: Call, *, size: int, token: str, disbanded: bool) -> Done[Page[TeamView]]:
        """Show those in the caller's scope, by name. Raises Malformed."""
        limit = page_size(size)
        where: dict[str, Any] = {} if disbanded else {"disbanded": False}
        if call.principal.teams:
            where["name"] = list(call.principal.teams)
        position = await self._models.position()
        rows = await self._models.rows(
            "teams", where=where, order=_ORDER, after=page_start(token, len(_ORDER)), limit=limit + 1
        )
        views = {view.id: view for view in await self._whole(rows[:limit])}
        return Done(page_of(rows, limit, _ORDER, lambda row: views[row["id"]]), position)

    async def find(self, name: str) -> UUID:
        """Find the stream of a team that is not disbanded. Raises NotFound."""
        return await self._names.find("team", name)

    async def _change(self, call: Call, name: str, command: Callable[[Team], None]) -> Done[TeamView]:
        def decide(team: Team | None) -> Decision[Team]:
            found = _there(team, name)
            command(found)
            return Decision(found)

        return await self._commands.change(Team, call, lambda: self.find(name), decide, team_view)

    async def _find_or_make(self, name: str) -> UUID | None:
        try:
            return await self.find(name)
        except NotFound:
            return None

    async def _whole(self, rows: Sequence[Mapping[str, Any]]) -> list[TeamView]:
        if not rows:
            return []
        ids = [row["id"] for row in rows]
        members: dict[str, list[str]] = {each: [] for each in ids}
        rules: dict[str, list[OwnershipRule]] = {each: [] for each in ids}
        for row in await self._models.rows("team_members", where={"team_id": ids}, order=("team_id", "principal")):
            members[row["team_id"]].append(row["principal"])
        for row in await self._models.rows(
            "ownership_rules", where={"team_id": ids}, order=("team_id", "backend", "prefix")
        ):
            rules[row["team_id"]].append(OwnershipRule(row["backend"], row["prefix"]))
        return [
            TeamView(
                id=row["id"],
                name=row["name"],
                members=tuple(sorted(members[row["id"]])),
                rules=tuple(sorted(rules[row["id"]], key=_rule_order)),
                disbanded=row["disbanded"],
                version=row["version"],
                created_at=row["created_at"],
                updated_at=row["updated_at"],
            )
            for row in rows
        ]


def team_view(team: Team) -> TeamView:
    """Show an aggregate as it is."""
    return TeamView(
        id=str(team.id),
        name=team.name,
        members=tuple(sorted(team.members)),
        rules=tuple(sorted(team.rules, key=_rule_order)),
        disbanded=team.disbanded,
        version=team.version,
        created_at=team.created_on,
        updated_at=team.modified_on,
    )


def _rule_order(rule: OwnershipRule) -> tuple[str, str]:
    return rule.backend, rule.prefix


def _is(team: Team | None, name: str) -> TypeGuard[Team]:
    """Tell whether what the name led to still has it: it may have been renamed since the name was looked up."""
    return team is not None and team.name == name and not team.disbanded


def _there(team: Team | None, name: str) -> Team:
    if not _is(team, name):
        raise NotFound("team", name)
    return team


def _use(name: str, team: Team, uses: int) -> NameUse:
    return NameUse("team", name, str(team.id), uses)
