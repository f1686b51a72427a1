"""Rebuild beside and swap, on a real server, while everybody goes on."""

import anyio
import asyncpg
import pytest

from tests.support.ports import wait_until_async
from tests.support.postgres import superuser
from tests.support.projection import a_projection, terminate, until_waiting
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.application.control.rebuilding import Rebuilt
from warpdrive.application.ports.event_store import StoreUnavailable

SHAPE = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation,
        col_description(c.oid, a.attnum), obj_description(c.oid), c.relacl::text, n.nspacl::text,
        obj_description(n.oid),
        (SELECT array_agg(substring(pg_get_indexdef(i.indexrelid) FROM ' ON .*') ORDER BY i.indkey::text)
            FROM pg_index i WHERE i.indrelid = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE n.nspname = 'read_model' AND c.relkind = 'r' AND a.attnum > 0 ORDER BY c.relname, a.attnum
"""


async def schemas(place: DatabasePlace) -> set[str]:
    """Name the schemas of read models that there are."""
    async with superuser(place, inside=True) as server:
        found = await server.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read_model%'")
    return {record["nspname"] for record in found}


async def test_a_rebuild_while_everybody_writes_and_reads(place: DatabasePlace) -> None:
    """No question fails or sees half, the live rows go on meanwhile, and in the end rows are what events make."""
    async with a_projection(place) as one:
        one.start()
        team, position = await one.write_team(members=400)
        await one.positions.wait(position, 10)
        rebuilt: list[Rebuilt] = []
        asked = 0

        async def rebuild() -> None:
            while len(rebuilt) < 3:
                rebuilt.append(await one.rebuilding.run())

        async def ask() -> None:
            nonlocal asked
            least = 400
            while len(rebuilt) < 3:
                found = len(await one.members(team.id))
                assert found >= least, "what was there once stays there"
                least = found
                asked += 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(rebuild)
            tasks.start_soon(ask)
            tasks.start_soon(ask)
            number = 0
            while len(rebuilt) < 3:
                position = await one.add_member(team, f"later {number:04}")
                number += 1
        await one.positions.wait(position, 10)
        assert asked > 10
        assert await one.differences() == []
        assert [each.unknown + each.unreadable for each in rebuilt] == [0, 0, 0]
        assert rebuilt[-1].position >= rebuilt[0].position
    assert await schemas(place) == {"read_model"}


async def test_rebuilt_tables_are_like_the_ones_before(place: DatabasePlace) -> None:
    """Columns, indexes, comments, rights: a swap changes nothing but rows."""
    async with superuser(place, inside=True) as server:
        before = await server.fetch(SHAPE)
        async with a_projection(place) as one:
            await one.write_team()
            await one.rebuilding.run()
        assert len(before) > 70
        assert await server.fetch(SHAPE) == before


async def test_the_audit_reads_after_a_swap_and_nobody_changes_tables(place: DatabasePlace) -> None:
    """Rights go with the tables; neither role can make, change or drop one."""
    async with a_projection(place) as one:
        _, position = await one.write_team()
        await one.rebuilding.run()
    audit = await connect(place, Role.AUDIT, application_name="tests")
    try:
        assert await audit.fetchval("SELECT count(*) FROM read_model.teams") == 1
        await audit.execute("SET default_transaction_read_only = off")
        for statement in (
            "DELETE FROM read_model.teams",
            "SELECT public.warpdrive_begin_rebuild()",
            "SELECT public.warpdrive_swap_rebuilt()",
            "SELECT public.warpdrive_clear_rebuild()",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await audit.execute(statement)
    finally:
        await audit.close()
    app = await connect(place, Role.APP, application_name="tests")
    try:
        for statement in ("DROP TABLE read_model.teams", "CREATE TABLE read_model.mine ()", "CREATE SCHEMA mine"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
        tracked = "SELECT notification_id FROM warpdrive_tracking WHERE application_name = 'read_model'"
        assert await app.fetchval(tracked) == position
    finally:
        await app.close()


async def test_a_rebuild_that_is_killed_leaves_the_live_tables_alone(place: DatabasePlace) -> None:
    """The live ones go on; what it left is dropped by the next one, which succeeds."""
    async with a_projection(place) as one, superuser(place, inside=True) as server:
        one.start()
        team, position = await one.write_team(members=2)
        await one.positions.wait(position, 5)
        failed: list[BaseException] = []

        async def rebuild() -> None:
            try:
                await one.rebuilding.run()
            except StoreUnavailable as fault:
                failed.append(fault)

        async with anyio.create_task_group() as tasks, server.transaction():
            # What a rebuild writes to is not there yet; its last step waits for this row.
            await server.execute("SELECT 1 FROM warpdrive_tracking WHERE application_name = 'read_model' FOR UPDATE")
            tasks.start_soon(rebuild)
            await until_waiting(place, "warpdrive rebuild")
            assert await terminate(place, "warpdrive rebuild") == 1
            await wait_until_async(lambda: bool(failed), what="the rebuild's failure")
        assert await schemas(place) == {"read_model", "read_model_next"}
        position = await one.add_member(team, "ann")
        await one.positions.wait(position, 5)
        assert await one.differences() == []
        assert (await one.rebuilding.run()).position == position
        assert await schemas(place) == {"read_model"}
        assert await one.differences() == []


async def test_a_reader_of_the_former_tables_is_not_disturbed(place: DatabasePlace) -> None:
    """A long question sees the rows that it began with; the swap does not wait for it."""
    async with a_projection(place) as one:
        await one.write_team(members=2)
        await one.rebuilding.run()
        reader = await connect(place, Role.APP, application_name="tests")
        try:
            async with reader.transaction(isolation="repeatable_read"):
                assert await reader.fetchval("SELECT count(*) FROM read_model.team_members") == 2
                await one.write_team(members=3)
                with anyio.fail_after(5):
                    await one.rebuilding.run()
                assert len(await one.models.rows("team_members", order=("team_id", "principal"))) == 5
                assert await schemas(place) >= {"read_model", "read_model_former"}
            assert await reader.fetchval("SELECT count(*) FROM read_model.team_members") == 5
        finally:
            await reader.close()
        await one.rebuilding.run()
    assert await schemas(place) == {"read_model"}


async def test_prepared_questions_survive_a_swap(place: DatabasePlace) -> None:
    """The same connection asks the same prepared statement before and after, and sees the new rows."""
    async with a_projection(place) as one:
        reader = await connect(place, Role.APP, application_name="tests")
        try:
            asked = await reader.prepare("SELECT count(*) FROM read_model.teams WHERE name = $1")
            for number in range(12):  # the server keeps a plan of its own from the sixth time on
                assert await asked.fetchval("team") == number // 3
                if number % 3 == 2:
                    await one.write_team()
                    await one.rebuilding.run()
        finally:
            await reader.close()
