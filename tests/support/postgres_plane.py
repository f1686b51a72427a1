"""The control plane's use cases on a real database: commands are projected when asked to, the clock turns by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from uuid import uuid4

from tests.support.manual_clock import ManualClock
from tests.support.memory_plane import ADMIN
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.event_store import PostgresEventStore, open_event_store
from warpdrive.adapters.store.facts import postgres_facts
from warpdrive.adapters.store.memory.agents import MemoryAgentRegister
from warpdrive.adapters.store.read_model_writer import PostgresReadModelWriter
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.application.control.calls import Call
from warpdrive.application.control.plane import ControlPlane, build_plane
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.projecting import Projecting


@dataclass(frozen=True)
class PostgresPlane:
    """A plane, and what it stands on."""

    plane: ControlPlane
    store: PostgresEventStore
    clock: ManualClock
    writer: PostgresReadModelWriter

    def call(self) -> Call:
        """Make a call of an admin's."""
        command = uuid4()
        at = datetime.fromtimestamp(self.clock.wall(), UTC)
        return Call(ADMIN, command, sha256(command.bytes).digest(), "test", at)

    async def project(self) -> None:
        """Bring the read models up to date."""
        projecting = Projecting(EventCodec())
        async with self.writer.running() as target:
            assert target is not None, "nobody else projects"
            events = await self.store.read(await target.position(), 10_000)
            changes = [change for event in events for change in projecting.changes(event)]
            if events:
                await target.apply(changes, position=events[-1].position)


@asynccontextmanager
async def postgres_plane(place: DatabasePlace) -> AsyncIterator[PostgresPlane]:
    """Open a plane on a migrated database for the block."""

    async def wait(position: int, seconds: float) -> None:
        raise AssertionError(f"nobody waits for {position} for {seconds} s here")

    async with (
        open_event_store(place) as store,
        open_pool(place, Role.APP, min_size=1, max_size=2, application_name="tests") as pool,
    ):
        clock = ManualClock()
        questions = Questions(pool)
        plane = build_plane(
            writer=store,
            reader=store,
            shelf=store,
            models=PostgresReadModels(questions),
            register=MemoryAgentRegister(),
            facts=postgres_facts(questions),
            wait=wait,
            clock=clock,
            new_id=uuid4,
            random=token_bytes,
        )
        yield PostgresPlane(plane, store, clock, PostgresReadModelWriter(place))
