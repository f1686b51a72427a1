"""What both registers of names promise to an auditor: every name that is taken, with its owner and uses."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.support.appends import an_append
from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.auditing import open_record
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.adapters.store.migrating import migrate
from warpdrive.application.ports.event_store import EventWriter, NameUse
from warpdrive.application.ports.name_register import NameRegister, RegisteredName


@dataclass(frozen=True)
class Kept:
    """Who writes names, and who lists them."""

    writer: EventWriter
    register: NameRegister


OpenKept = Callable[[], AbstractAsyncContextManager[Kept]]


@pytest.fixture(params=["memory", "postgres"])
def open_kept(request: pytest.FixtureRequest) -> OpenKept:
    """Open an empty one of each kind for a block."""

    @asynccontextmanager
    async def memory() -> AsyncIterator[Kept]:
        store = MemoryEventStore()
        yield Kept(store, store)

    if request.param == "memory":
        return memory

    fresh_database: FreshDatabase = request.getfixturevalue("fresh_database")

    @asynccontextmanager
    async def postgres() -> AsyncIterator[Kept]:
        place = await fresh_database()
        await migrate(place)
        async with open_event_store(place) as writer, open_record(place) as record:
            yield Kept(writer, record.register)

    return postgres


async def test_names_are_listed_while_they_are_taken(open_kept: OpenKept) -> None:
    """A name stands once, with the sum of its uses, and goes when it is given up."""
    async with open_kept() as kept:
        assert list(await kept.register.names()) == []
        await kept.writer.append(an_append(names=[NameUse("team", "vision", "a"), NameUse("backend", "s3", "here", 2)]))
        await kept.writer.append(an_append(names=[NameUse("backend", "s3", "here")]))
        assert set(await kept.register.names()) == {
            RegisteredName("team", "vision", "a", 1),
            RegisteredName("backend", "s3", "here", 3),
        }
        await kept.writer.append(an_append(names=[NameUse("backend", "s3", "here", -3)]))
        assert list(await kept.register.names()) == [RegisteredName("team", "vision", "a", 1)]
