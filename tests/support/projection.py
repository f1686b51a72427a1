"""A whole projection on a migrated database: store, read models, projector; and a server's hand in it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import anyio
import anyio.abc

from tests.support.ports import DeadlinePassedError
from tests.support.postgres import superuser
from tests.support.random_lives import START
from tests.support.recording import append_of, pending, wrong_rows
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.event_store import PostgresEventStore, open_event_store
from warpdrive.adapters.store.read_model_writer import PostgresReadModelWriter
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.application.control.positions import Positions
from warpdrive.application.control.projector import Projector
from warpdrive.application.control.rebuilding import Rebuilding
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.expected import Difference
from warpdrive.application.projections.projecting import Projecting
from warpdrive.domain.team.aggregate import Team


@dataclass
class Projection:
    """One control plane's projecting half. The projector runs where `start` was called."""

    place: DatabasePlace
    store: PostgresEventStore
    models: PostgresReadModels
    writer: PostgresReadModelWriter
    tasks: anyio.abc.TaskGroup
    positions: Positions = field(init=False)
    rebuilding: Rebuilding = field(init=False)
    projector: Projector = field(init=False)
    _scopes: list[anyio.CancelScope] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put it together as a process does."""
        codec = EventCodec()
        self.positions = Positions(self.models)
        self.rebuilding = Rebuilding(self.store, self.writer, codec)
        self.projector = Projector(
            self.store, self.writer, self.positions, Projecting(codec), rebuild=self.rebuilding.run
        )

    def start(self) -> anyio.CancelScope:
        """Run the projector until the returned scope, or the projection, ends."""
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await self.projector.run()

        self.tasks.start_soon(run)
        return scope

    async def write_team(self, *, members: int = 0, name: str = "team") -> tuple[Team, int]:
        """Append a new team's events in one transaction; returns it and their last position."""
        team = Team.create(uuid4(), name, at=START)
        for number in range(members):
            team.add_member(f"m{number}", at=START)
        receipt = await self.store.append(append_of(pending(team)))
        team.collect_events()
        return team, receipt.position

    async def add_member(self, team: Team, principal: str) -> int:
        """Append one more event of a team; returns its position."""
        team.add_member(principal, at=START)
        receipt = await self.store.append(append_of(pending(team)))
        team.collect_events()
        return receipt.position

    async def members(self, stream: UUID) -> list[str]:
        """Read a team's members from the live rows."""
        rows = await self.models.rows("team_members", where={"team_id": str(stream)}, order=("principal",))
        return [row["principal"] for row in rows]

    async def differences(self) -> Sequence[Difference]:
        """Compare all live rows with all events; nobody writes meanwhile."""
        return await wrong_rows(self.store, self.models)


@asynccontextmanager
async def a_projection(place: DatabasePlace) -> AsyncIterator[Projection]:
    """Open one on a migrated database; two on the same one are two control planes."""
    async with (
        open_event_store(place) as store,
        open_pool(place, Role.APP, min_size=1, max_size=4, application_name="tests") as pool,
        anyio.create_task_group() as tasks,
    ):
        yield Projection(place, store, PostgresReadModels(Questions(pool)), PostgresReadModelWriter(place), tasks)
        tasks.cancel_scope.cancel()


async def terminate(place: DatabasePlace, application: str) -> int:
    """End the connections of that name from the server's side, as a crash of their backend would; says how many."""
    async with superuser(place, inside=True) as connection:
        ended = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE $2",
            place.name,
            application,
        )
    return len(ended)


async def until_waiting(place: DatabasePlace, application: str, *, within: float = 10.0) -> None:
    """Wait until a connection of that name waits for a lock."""
    deadline = anyio.current_time() + within
    async with superuser(place, inside=True) as connection:
        while not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name = $2"
            " AND wait_event_type = 'Lock')",
            place.name,
            application,
        ):
            if anyio.current_time() > deadline:
                raise DeadlinePassedError(f"{application} did not come to wait within {within} s")
            await anyio.sleep(0.02)
