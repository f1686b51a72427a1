"""Facts about storage and its use, asked of PostgreSQL: every answer is what its twin computes from plain tables."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

import pytest

from tests.support.filled_warehouse import DAY, MOMENT, PlainObject, empty_postgres, fill_memory, fill_postgres
from tests.support.postgres import FreshDatabase
from tests.support.random_facts import KEYS, TEAMS, USERS, random_facts, team_rows
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.facts import postgres_facts
from warpdrive.adapters.store.memory.facts import memory_facts
from warpdrive.adapters.store.memory.read_models import MemoryReadModels
from warpdrive.adapters.store.memory.reader_shares import MemoryReaderCounting
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.adapters.store.read_model_writer import PostgresReadModelWriter
from warpdrive.adapters.store.reader_counting import PostgresReaderCounting
from warpdrive.application.ports.facts import Facts
from warpdrive.application.ports.object_facts import IdleQuestion
from warpdrive.application.ports.read_models import ReadModelWriter
from warpdrive.application.ports.reader_shares import WINDOWS, ReaderCounting
from warpdrive.domain.governance.coverage import covered

NOW = datetime.combine(DAY, time(5), UTC)
EXAMPLES = 12


@dataclass(frozen=True)
class Both:
    """The same facts twice."""

    real: Facts
    twin: Facts


@pytest.fixture
async def place(migrated_database: FreshDatabase) -> DatabasePlace:
    """Make a database with the teams in its read models, in a time zone that is not UTC."""
    place = await migrated_database()
    await _tell_teams(PostgresReadModelWriter(place))
    return place


@pytest.fixture
async def questions(place: DatabasePlace) -> AsyncIterator[Questions]:
    """Ask it."""
    async with open_pool(
        place, Role.APP, min_size=1, max_size=1, application_name="tests", timezone="Pacific/Kiritimati"
    ) as pool:
        yield Questions(pool)


async def _tell_teams(writer: ReadModelWriter) -> None:
    async with writer.running() as target:
        assert target is not None
        await target.position()
        await target.apply(team_rows(), position=1)


async def _count(counting: ReaderCounting, at: datetime = NOW) -> None:
    async with counting.running() as counter:
        assert counter is not None
        await counter.count(at)


async def test_every_answer_is_the_twins(place: DatabasePlace, questions: Questions) -> None:
    """Whatever is there and whatever was done to it: sums, history, idle objects, prefixes, users, readers."""
    real = postgres_facts(questions)
    connection = await connect(place, Role.APP, application_name="tests")
    try:
        for seed in range(EXAMPLES):
            random = Random(seed)
            facts = random_facts(random)
            await empty_postgres(connection)
            await fill_postgres(connection, facts)
            warehouse = Warehouse()
            fill_memory(warehouse, facts)
            models = MemoryReadModels()
            await _tell_teams(models)
            await _count(PostgresReaderCounting(place))
            await _count(MemoryReaderCounting(warehouse, models))
            await _compare(Both(real, memory_facts(warehouse)), random)
    finally:
        await connection.close()


async def _compare(both: Both, random: Random) -> None:
    for verb, asked in (
        ("marks", ()),
        ("capacity", ()),
        ("ledger", (DAY - timedelta(days=50),)),
        ("backend_names", ()),
    ):
        assert await _told(both.real.usage, verb, *asked) == await _told(both.twin.usage, verb, *asked), verb
    window = (DAY - timedelta(days=30), DAY)
    coverage = [covered(await each.usage.coverage(*window), *window) for each in (both.real, both.twin)]
    assert coverage[0] == coverage[1]
    assert await _told(both.real.usage, "activity", *window) == await _told(both.twin.usage, "activity", *window)
    backend, team = random.choice(("", "lake", "below", "gone", "empty")), random.choice(("", *TEAMS))
    for names in ({"backend": "", "team": ""}, {"backend": backend, "team": team}):
        history = [await each.usage.history(window[0], **names) for each in (both.real, both.twin)]
        assert history[0] == history[1], names
    for question in (
        IdleQuestion(DAY - timedelta(days=30)),
        IdleQuestion(DAY, there_by=MOMENT),
        IdleQuestion(DAY - timedelta(days=90), backend, team, random.choice((0, 1, 11))),
    ):
        assert await both.real.objects.idle_sums(question) == await both.twin.objects.idle_sums(question)
        assert await _idle(both.real, question) == await _idle(both.twin, question)
    for prefix in ("", "raw", "raw/", "\u00e9", "none", "raw/\n"):
        for parts in (0, 1, 2):
            below = [
                list(await each.objects.below(prefix, backend=backend, parts=parts, limit=1000))
                for each in (both.real, both.twin)
            ]
            assert below[0] == below[1], (prefix, parts)
            assert len(await both.real.objects.below(prefix, backend=backend, parts=parts, limit=1)) <= 1
    for user in USERS:
        assert await _user(both.real, user) == await _user(both.twin, user), user
    for days in WINDOWS:
        for basis in ("team", "user"):
            shares = [await each.readers.shares(days, basis) for each in (both.real, both.twin)]
            assert shares[0] == shares[1], (days, basis)


async def _told(facts: Any, verb: str, *asked: Any) -> Any:
    answer = await getattr(facts, verb)(*asked)
    return answer if verb == "marks" else list(answer)


async def _idle(facts: Facts, question: IdleQuestion) -> list[Any]:
    """Read all pages; numbers differ from store to store, their order does not."""
    found: list[Any] = []
    after: tuple[int, int] | None = None
    while page := await facts.objects.largest_idle(question, after=after, limit=3):
        found += [replace(each, number=0) for each in page]
        after = (page[-1].bytes, page[-1].number)
    return found


async def _user(facts: Facts, user: str) -> Any:
    window = (DAY - timedelta(days=30), DAY)
    return (
        await facts.users.known(user),
        list(await facts.users.backends(user, *window)),
        list(await facts.users.objects(user, *window, limit=100)),
        list(await facts.users.jobs(user, *window, limit=2)),
        await facts.readers.of_user(user, 30),
    )


async def test_readers_are_counted_by_one_process_at_a_time(place: DatabasePlace) -> None:
    """A second one is told so, and is the one when the first has gone."""
    counting = PostgresReaderCounting(place)
    async with counting.running() as first:
        assert first is not None
        async with PostgresReaderCounting(place).running() as second:
            assert second is None
    async with PostgresReaderCounting(place).running() as second:
        assert second is not None


async def test_what_readers_depend_on_shows_in_the_state(place: DatabasePlace) -> None:
    """A batch, an object and a team are news; looking twice is none."""
    connection = await connect(place, Role.APP, application_name="tests")
    facts = random_facts(Random(1))
    try:
        async with PostgresReaderCounting(place).running() as counter:
            assert counter is not None
            states = [await counter.state()]
            assert await counter.state() == states[0]
            await connection.execute("INSERT INTO telemetry.batches VALUES (gen_random_uuid(), now(), 1)")
            states.append(await counter.state())
            facts.objects = [PlainObject("lake", KEYS[0], 1)]
            await fill_postgres(connection, facts)
            states.append(await counter.state())
            await connection.execute("UPDATE read_model.teams SET position = 9")
            states.append(await counter.state())
    finally:
        await connection.close()
    assert len(set(states)) == len(states)
