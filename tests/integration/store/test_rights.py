"""Who may do what: refused by right, and what the owner might do by mistake refused by trigger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.support.appends import an_append, everything
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.event_store import open_event_reader, open_event_store

CHANGES = (
    "UPDATE warpdrive_events SET actor = 'mallory'",
    "DELETE FROM warpdrive_events",
    "TRUNCATE warpdrive_events",
    "UPDATE commands SET version = 0",
    "DELETE FROM commands",
    "TRUNCATE commands",
)

INSERTS = (
    "INSERT INTO warpdrive_events (originator_id, originator_version) VALUES (gen_random_uuid(), 1)",
    "INSERT INTO commands VALUES (gen_random_uuid(), '', gen_random_uuid(), 1, 1)",
    "INSERT INTO names VALUES ('team', 'x', 'y', 1)",
    "DELETE FROM names",
    "LOCK TABLE warpdrive_events IN EXCLUSIVE MODE",
    "ALTER TABLE warpdrive_events DISABLE TRIGGER chain",
    "SELECT setval('warpdrive_events_notification_id_seq', 1)",
    "CREATE TABLE public.mine (x int)",
)


@asynccontextmanager
async def _as(place: DatabasePlace, role: Role) -> AsyncIterator[Any]:
    async with open_event_store(place) as store:
        await store.append(an_append(2))
    connection = await connect(place, role, application_name="tests")
    try:
        if role is Role.AUDIT:
            # The bolt of the embedded server's role is not what is tested here.
            await connection.execute("SET default_transaction_read_only = off")
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("role", [Role.APP, Role.AUDIT])
async def test_what_was_recorded_cannot_be_changed_by_right(event_database: DatabasePlace, role: Role) -> None:
    """Neither the application nor the audit may update, delete or truncate events and commands."""
    async with _as(event_database, role) as connection:
        for change in CHANGES:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)


async def test_what_was_recorded_cannot_be_changed_by_its_owner(event_database: DatabasePlace) -> None:
    """A trigger refuses what the owner's rights would allow."""
    async with _as(event_database, Role.OWNER) as connection:
        for change in CHANGES:
            with pytest.raises(asyncpg.RestrictViolationError, match="what was recorded stays as it is"):
                await connection.execute(change)


@pytest.mark.parametrize("role", [Role.APP, Role.AUDIT])
async def test_there_is_no_way_in_past_the_function(event_database: DatabasePlace, role: Role) -> None:
    """Nobody but the owner inserts, locks, or moves the sequence."""
    async with _as(event_database, role) as connection:
        for attempt in INSERTS:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(attempt)


async def test_the_audit_cannot_append(event_database: DatabasePlace) -> None:
    """The function is the application's alone."""
    async with _as(event_database, Role.AUDIT) as connection:
        arguments = ", ".join(["'{}'"] * 17)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="warpdrive_append"):
            await connection.execute(f"SELECT public.warpdrive_append(1, {arguments})")


async def test_the_audit_reads_and_follows(event_database: DatabasePlace) -> None:
    """A reader that may not write sees everything, and hears of what is new."""
    async with open_event_store(event_database) as store, open_event_reader(event_database) as reader:
        append = an_append(3)
        await store.append(append)
        assert await everything(reader) == await everything(store)
        async with reader.subscribe(0) as batches:
            assert len(await anext(aiter(batches))) == 3


async def test_a_search_path_cannot_be_turned_against_the_function(event_database: DatabasePlace) -> None:
    """Temporary tables named like ours do not catch what the function reads and writes."""
    async with open_event_store(event_database) as store:
        connection = await connect(event_database, Role.APP, application_name="tests")
        try:
            await connection.execute("CREATE TEMPORARY TABLE names (kind text, name text, owner text, uses bigint)")
            await connection.execute("CREATE TEMPORARY TABLE warpdrive_events (hash bytea)")
            append = an_append()
            row = await connection.fetchrow(
                "SELECT * FROM public.warpdrive_append(1000, $1, $2, '{a}', '{c}', '{c}', $3, '{1}', '{1}', '{0}',"
                " $3, '{1}', '{t}', $4, '{}', '{}', '{}', '{}')",
                [append.facts.command_id],
                [append.facts.request_hash],
                [append.stream],
                [b"state"],
            )
        finally:
            await connection.close()
        assert row is not None
        assert row["outcome"] == "recorded"
        assert [event.state for event in await store.stream(append.stream)] == [b"state"]
