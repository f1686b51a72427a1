"""Names in questions and answers about storage: facts know teams by ids, and backends that are no more."""

from collections.abc import Collection, Mapping

from warpdrive.application.control.errors import NotFound
from warpdrive.application.control.teams import Teams
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.ports.usage_facts import UsageFacts


class AnswerNames:
    """Looks names up. Every method raises the store's errors."""

    def __init__(self, models: ReadModels, teams: Teams, facts: UsageFacts) -> None:
        self._models = models
        self._teams = teams
        self._facts = facts

    async def team_id(self, name: str) -> str:
        """Return the id of a team that is not disbanded; "" for "", which means all. Raises NotFound."""
        return str(await self._teams.find(name)) if name else ""

    async def check_backend(self, name: str) -> None:
        """Let "" and every backend through that a namespace has or had. Raises NotFound."""
        if not name or name in await self._facts.backend_names():
            return
        # One that was only just added is not numbered yet.
        if not await self._models.rows(
            "mount_entries", where={"backend": name}, order=("namespace_id", "path"), limit=1
        ):
            raise NotFound("backend", name)

    async def teams(self, ids: Collection[str]) -> Mapping[str, str]:
        """Return what to call each team: its name, or its id when it is disbanded or unknown."""
        wanted = sorted(set(ids) - {""})
        if not wanted:
            return {}
        rows = await self._models.rows("teams", where={"id": wanted, "disbanded": False}, order=("id",))
        return {each: each for each in wanted} | {row["id"]: row["name"] for row in rows}

    async def teams_of_user(self, user: str) -> list[str]:
        """Return the names of a user's teams, in order."""
        rows = await self._models.rows("team_members", where={"principal": user}, order=("team_id", "principal"))
        return sorted((await self._living([row["team_id"] for row in rows])).values())

    async def members(self, team_id: str) -> set[str]:
        """Return the users in a team."""
        rows = await self._models.rows("team_members", where={"team_id": team_id}, order=("team_id", "principal"))
        return {row["principal"] for row in rows}

    async def _living(self, ids: list[str]) -> Mapping[str, str]:
        if not ids:
            return {}
        rows = await self._models.rows("teams", where={"id": ids, "disbanded": False}, order=("id",))
        return {row["id"]: row["name"] for row in rows}
