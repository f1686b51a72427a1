"""The read models and the agents' register of both kinds, each empty, behind the same factory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pytest

from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.agents import PostgresAgentRegister
from warpdrive.adapters.store.connecting import Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.memory.agents import MemoryAgentRegister
from warpdrive.adapters.store.memory.read_models import MemoryReadModels
from warpdrive.adapters.store.migrating import migrate
from warpdrive.adapters.store.read_model_writer import PostgresReadModelWriter
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.application.ports.agents import AgentRegister
from warpdrive.application.ports.read_models import ReadModels, ReadModelWriter


@dataclass(frozen=True)
class Kept:
    """What is kept beside the events: asked, written, and the agents."""

    models: ReadModels
    writer: ReadModelWriter
    agents: AgentRegister
    presence: Callable[[], Awaitable[Mapping[tuple[str, date], int]]]
    """Milliseconds by node and day."""


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> AsyncIterator[Kept]:
    """Open an empty one of each kind."""
    if request.param == "memory":
        models = MemoryReadModels()
        agents = MemoryAgentRegister()

        async def remembered() -> Mapping[tuple[str, date], int]:
            return agents.presence

        yield Kept(models, models, agents, remembered)
        return
    place = await fresh_database()
    await migrate(place)
    async with open_pool(place, Role.APP, min_size=1, max_size=3, application_name="tests") as pool:
        questions = Questions(pool)

        async def stored() -> Mapping[tuple[str, date], int]:
            rows = await questions.rows("SELECT node, day, present_ms FROM telemetry.presence")
            return {(node, day): ms for node, day, ms in rows}

        register = PostgresAgentRegister(questions)
        yield Kept(PostgresReadModels(questions), PostgresReadModelWriter(place), register, stored)
