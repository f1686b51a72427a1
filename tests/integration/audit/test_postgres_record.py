"""The record on a real database: read in a role that cannot write, tampered with by one that can do anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest

from tests.support.audit_story import Story, play
from tests.support.postgres import FreshDatabase, superuser
from tests.support.postgres_plane import postgres_plane
from warpdrive.adapters.store.auditing import PostgresRecord, open_record
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.migrating import migrate
from warpdrive.application.audit.explanation import explain
from warpdrive.application.audit.findings import Check, Report
from warpdrive.application.audit.trail import Trail, TrailFilter
from warpdrive.application.audit.verification import Verifier
from warpdrive.application.projections.codec import EventCodec


@dataclass(frozen=True)
class Written:
    """A database with the story in it, projected; nobody has it open."""

    place: DatabasePlace
    story: Story


@pytest.fixture
async def written(fresh_database: FreshDatabase) -> Written:
    """Play the story on a fresh database."""
    place = await fresh_database()
    await migrate(place)
    async with postgres_plane(place) as on:
        story = await play(on.plane, on.call, on.clock.advance)
        await on.project()
    return Written(place, story)


async def verified(record: PostgresRecord) -> Report:
    """Verify everything."""
    return await Verifier(record.events, EventCodec(), record.models, record.register, record.snapshots).verify()


@asynccontextmanager
async def intruder(place: DatabasePlace) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Enter as whoever can switch the triggers off, which is who an auditor must be able to find out."""
    async with superuser(place, inside=True) as connection:
        await connection.execute("SET session_replication_role = replica")
        yield connection


async def test_an_honest_database_is_sound(written: Written) -> None:
    """Hashes that the database made are those that we compute; names and read models fit."""
    async with open_record(written.place, one_moment=True) as record:
        report = await verified(record)
    assert report.findings == ()
    assert report.events > 20
    assert report.names > 0
    assert report.rows > 0


TAMPERING = {
    "state": "state = set_byte(state, length(state) / 2, get_byte(state, length(state) / 2) # 1)",
    "topic": "topic = replace(topic, 'Added', 'Removed')",
    "actor": "actor = 'token:somebody-else'",
    "command": "command_id = NULL",
    "moment": "recorded_at = recorded_at + interval '1 microsecond'",
    "hash": "hash = set_byte(hash, 31, get_byte(hash, 31) # 1)",
}


@pytest.mark.parametrize("what", sorted(TAMPERING))
async def test_one_tampered_byte_is_located(written: Written, what: str) -> None:
    """Whatever column it is in, the finding names the event."""
    async with intruder(written.place) as connection:
        done = await connection.execute(
            f"UPDATE public.warpdrive_events SET {TAMPERING[what]} WHERE notification_id = $1", written.story.mounted
        )
    assert done == "UPDATE 1"
    async with open_record(written.place, one_moment=True) as record:
        report = await verified(record)
    chain = [finding.position for finding in report.findings if finding.check is Check.CHAIN]
    assert chain == [written.story.mounted]


async def test_what_was_deleted_or_changed_beside_the_events_is_found(written: Written) -> None:
    """An event, a name and a row of a read model: each is missed where it was."""
    async with intruder(written.place) as connection:
        await connection.execute(
            "DELETE FROM public.warpdrive_events WHERE notification_id = $1", written.story.unmounted
        )
        await connection.execute("DELETE FROM public.names WHERE kind = 'team' AND name = 'sight'")
        await connection.execute("UPDATE read_model.quotas SET hard = hard + 1")
    async with open_record(written.place, one_moment=True) as record:
        report = await verified(record)
    assert {Check.CHAIN, Check.VERSIONS, Check.NAMES, Check.ROWS} == {finding.check for finding in report.findings}
    assert any("'sight'" in finding.words for finding in report.findings)
    assert any("hard differs" in finding.words for finding in report.findings)


async def test_snapshots_are_compared_page_by_page(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """Honest ones are sound, and one that lies is found wherever it stands in the order."""
    monkeypatch.setattr("warpdrive.application.audit.snapshot_check.PAGE", 2)
    codec = EventCodec()
    async with postgres_plane(written.place) as on:
        for stream in {event.stream for event in await on.store.read(0, 1000)}:
            aggregate = codec.fold(await on.store.stream(stream))
            assert aggregate is not None
            await on.store.keep(codec.snapshot(aggregate, at=aggregate.modified_on))
    async with open_record(written.place, one_moment=True) as record:
        report = await verified(record)
    assert report.findings == ()
    assert report.snapshots == report.streams
    async with superuser(written.place, inside=True) as connection:
        await connection.execute(
            "UPDATE public.warpdrive_snapshots SET state = convert_to(replace(convert_from(state, 'UTF8'), 'alice', "
            "'mallory'), 'UTF8') WHERE originator_id = $1",
            written.story.vision,
        )
    async with open_record(written.place, one_moment=True) as record:
        report = await verified(record)
    assert [finding.check for finding in report.findings] == [Check.SNAPSHOTS]
    assert "_members differs" in report.findings[0].words


async def test_a_moment_stays_one_moment_while_others_write(written: Written) -> None:
    """Events, names and rows are compared as of the same instant, so a busy plane is not a broken one."""
    async with open_record(written.place, one_moment=True) as record, postgres_plane(written.place) as on:
        before = await record.events.head()
        await on.plane.namespaces.create(on.call(), "another", [])
        await on.project()
        assert await record.events.head() == before
        assert (await verified(record)).findings == ()
    async with open_record(written.place, one_moment=True) as record:
        assert await record.events.head() > before
        assert (await verified(record)).findings == ()


WRITES = (
    "INSERT INTO public.names VALUES ('team', 'x', 'y', 1)",
    "UPDATE public.warpdrive_events SET actor = ''",
    "DELETE FROM read_model.teams",
    "CREATE TABLE public.evidence ()",
    "SELECT public.warpdrive_append(" + ", ".join(["1", *17 * ["'{}'"]]) + ")",
)


async def test_the_audit_role_writes_nothing(fresh_database: FreshDatabase) -> None:
    """Neither in a session as it begins, nor where somebody switches its bolt off: the role lacks the rights."""
    place = await fresh_database()
    await migrate(place)
    connection = await connect(place, Role.AUDIT, application_name="tests", default_transaction_read_only="on")
    try:
        for sql in WRITES:
            with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
                await connection.execute(sql)
        await connection.execute("SET default_transaction_read_only = off")
        for sql in WRITES:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)
    finally:
        await connection.close()


async def test_the_log_and_its_explanations_come_from_the_database(written: Written) -> None:
    """What was written there reads as it does in memory."""
    codec = EventCodec()
    async with open_record(written.place) as record:
        trail = Trail(record.events, codec)
        lines = [entry.line async for entry in trail.entries(TrailFilter(topic="MountEntryRemoved"))]
        head = await record.events.head()
        answer = await explain(record.events, codec, written.story.training, fact="/train", position=head)
    assert len(lines) == 1
    assert lines[0].endswith("token:admin (correlation test) unmounted /train from namespace training")
    assert [cause.entry.position for cause in answer.causes] == [written.story.mounted, written.story.unmounted]
