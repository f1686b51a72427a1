"""Backends of namespaces become numbered rows: what is there, what went, what came back."""

import anyio

from tests.support.postgres import FreshDatabase
from tests.support.postgres_plane import PostgresPlane, postgres_plane
from warpdrive.adapters.store.backend_registry import RegisteredBackend, register_backends
from warpdrive.adapters.store.connecting import Role, connect
from warpdrive.adapters.store.index.numbers import Numbers
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def _entry(path: str, name: str, *, bucket: str = "b", prefix: str = "") -> MountEntry:
    options = {"endpoint": "http://s3", "bucket": bucket}
    return MountEntry(path, BackendDefinition(name=name, type="s3", options=options, prefix=prefix))


async def test_backends_come_and_go_with_their_entries(migrated_database: FreshDatabase) -> None:
    """Each name is there once however many entries show it; one that goes keeps its row and gets it back."""
    place = await migrated_database()
    async with postgres_plane(place) as plane:
        connection = await connect(place, Role.APP, application_name="tests")
        try:
            assert await register_backends(connection) == {}
            await _apply(plane, "one", _entry("/a", "inner", prefix="t/"), _entry("/b", "outer"))
            await _apply(plane, "two", _entry("/a", "inner", prefix="t/"), _entry("/c", "other", bucket="c"))
            first = await register_backends(connection)
            assert list(first) == ["inner", "other", "outer"]
            inner, outer = first["inner"], first["outer"]
            assert (inner.place, inner.prefix, inner.type) == ("s3|endpoint=http://s3|bucket=b", "t/", "s3")
            assert inner.place_id == outer.place_id != first["other"].place_id
            assert await register_backends(connection) == first

            await _apply(plane, "one", _entry("/b", "outer"))
            await _apply(plane, "two")
            assert list(await register_backends(connection)) == ["outer"]
            await _apply(plane, "one", _entry("/b", "outer"), _entry("/a", "inner", prefix="t/"))
            assert (await register_backends(connection))["inner"] == inner

            # The name is free once nobody has it; the former place keeps the former row.
            await _apply(plane, "one")
            await _apply(plane, "one", _entry("/a", "inner", bucket="c"))
            moved = await register_backends(connection)
            assert list(moved) == ["inner"]
            assert moved["inner"] == RegisteredBackend(
                moved["inner"].id, "inner", first["other"].place_id, first["other"].place, "", "s3"
            )
            assert moved["inner"].id != inner.id

            await plane.plane.namespaces.retire(plane.call(), "one")
            await plane.project()
            assert await register_backends(connection) == {}
        finally:
            await connection.close()


async def _apply(plane: PostgresPlane, namespace: str, *entries: MountEntry) -> None:
    await plane.plane.namespaces.apply(plane.call(), namespace, entries, dry_run=False, expected_version=0)
    await plane.project()


async def test_what_was_read_before_another_wrote_does_not_win(migrated_database: FreshDatabase) -> None:
    """Who has to wait for the other looks again: a backend that is there is not put away as gone."""
    place = await migrated_database()
    async with postgres_plane(place) as plane:
        await _apply(plane, "one", _entry("/a", "first"))
        slow = await connect(place, Role.APP, application_name="tests")
        holder = await connect(place, Role.APP, application_name="tests")
        try:
            transaction = holder.transaction()
            await transaction.start()
            await holder.execute("SELECT pg_advisory_xact_lock(hashtext('storage.backends'))")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(register_backends, slow)
                with anyio.fail_after(20):
                    while not await holder.fetchval(_WAITING):  # noqa: ASYNC110 - the server does not tell
                        await anyio.sleep(0.01)
                await _apply(plane, "one", _entry("/a", "first"), _entry("/b", "second"))
                await register_backends(holder)
                await transaction.commit()
            there = await holder.fetch("SELECT name FROM storage.backends WHERE present ORDER BY name")
            assert [row["name"] for row in there] == ["first", "second"]
        finally:
            await slow.close()
            await holder.close()


async def test_storage_classes_that_are_known_use_up_no_numbers(migrated_database: FreshDatabase) -> None:
    """However often somebody begins anew: there are 32,767 of them."""
    place = await migrated_database()
    connection = await connect(place, Role.APP, application_name="tests")
    try:
        for classes in ({"STANDARD"}, {"", "STANDARD"}, {"GLACIER", "STANDARD"}):
            numbers = Numbers(connection)
            await numbers.learn_classes(classes)
        assert numbers.classes == {"": 0, "STANDARD": 1, "GLACIER": 2}
    finally:
        await connection.close()
