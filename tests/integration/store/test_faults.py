"""Connections, backends and servers that go away: nothing acknowledged is lost, nothing is applied twice."""

import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import anyio
import pytest

from tests.support.appends import an_append, everything, first_break
from tests.support.backends import end_backends, held_lock, taken_away
from tests.support.embedded_owner import postmaster_pid
from tests.support.ports import wait_until_async
from tests.support.postgres import superuser
from warpdrive.adapters.store import append_call
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.embedded import embedded_postgres
from warpdrive.adapters.store.event_store import PostgresEventStore, open_event_store
from warpdrive.adapters.store.group_append import GroupLimits
from warpdrive.adapters.store.migrating import migrate
from warpdrive.application.ports.event_store import (
    Append,
    OutcomeUnknown,
    Receipt,
    RecordedEvent,
    StoreReadOnly,
    StoreUnavailable,
)

PATIENT = GroupLimits(patience_s=60)
WRITERS = 8


class Load:
    """Writers that append without pause, and a subscriber; `receipts` is what was acknowledged."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._store = store
        self.receipts: list[Receipt] = []
        self.seen: list[RecordedEvent] = []
        self._stop = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it up for the block, then wait until every command has been answered and every event seen."""
        async with anyio.create_task_group() as follower:
            follower.start_soon(self._follow)
            async with anyio.create_task_group() as writers:
                for _ in range(WRITERS):
                    writers.start_soon(self._write)
                try:
                    yield
                finally:
                    self._stop = True
            last = await self._store.head()
            await wait_until_async(lambda: bool(self.seen) and self.seen[-1].position == last, what="the last event")
            follower.cancel_scope.cancel()

    async def more(self) -> None:
        """Wait until some more commands have been acknowledged."""
        count = len(self.receipts)
        await wait_until_async(lambda: len(self.receipts) > count + WRITERS, within=60, what="more receipts")

    async def check(self) -> None:
        """Nothing acknowledged lost, nothing twice, nothing half, nothing missed by the subscriber."""
        events = await everything(self._store)
        assert first_break(events) is None
        by_command: dict[object, list[int]] = {}
        for event in events:
            by_command.setdefault(event.command_id, []).append(event.version)
        assert all(versions == [1, 2, 3] for versions in by_command.values())
        assert {receipt.command_id for receipt in self.receipts} == by_command.keys()
        last = {event.command_id: event.position for event in events}
        assert all(last[receipt.command_id] == receipt.position for receipt in self.receipts)
        assert self.seen == events

    async def _write(self) -> None:
        while not self._stop:
            self.receipts.append(await self._store.append(an_append(3)))

    async def _follow(self) -> None:
        async with self._store.subscribe(0) as batches:
            async for batch in batches:
                self.seen += batch


async def test_a_writer_killed_before_its_commit_leaves_nothing(event_database: DatabasePlace) -> None:
    """Between INSERT and COMMIT nothing is there yet; the positions it took stay unused, and the chain goes on."""
    lost, next_one = an_append(3), an_append(2)
    async with open_event_store(event_database) as store:
        await store.append(an_append())
        writer = await connect(event_database, Role.APP, application_name="doomed")
        try:
            await writer.execute("BEGIN")
            row = await writer.fetchrow(append_call.SQL, 1000, *append_call.arguments([lost]))
            assert row["outcome"] == "recorded"
            assert await end_backends(event_database, "doomed") == 1
        finally:
            writer.terminate()
        assert await store.receipt(lost.facts) is None
        receipt = await store.append(next_one)
        assert receipt.position > row["position"]
        events = await everything(store)
        assert {event.stream for event in events}.isdisjoint({lost.stream})
        assert first_break(events) is None
        assert not (await store.append(lost)).repeated


async def test_an_append_whose_backend_dies_is_written_once(event_database: DatabasePlace) -> None:
    """The call is ambiguous, so the same command is sent again on a new connection; the caller sees its receipt."""
    append = an_append(3)
    async with open_event_store(event_database, limits=PATIENT) as store:
        receipts: list[Receipt] = []
        async with held_lock(event_database) as lock, anyio.create_task_group() as tasks:

            async def write() -> None:
                receipts.append(await store.append(append))

            tasks.start_soon(write)
            await lock.waited_for()
            assert await end_backends(event_database, "warpdrive append") == 1
            await lock.waited_for()
            await lock.let_go()
        assert receipts[0].version == 3
        assert len(await everything(store)) == 3


async def test_an_answer_lost_after_the_commit_is_found_again(event_database: DatabasePlace) -> None:
    """A command that was written although its answer never came is answered with its receipt, not written again."""
    append = an_append(3)
    writer = await connect(event_database, Role.APP, application_name="unheard")
    try:
        await writer.fetchrow(append_call.SQL, 1000, *append_call.arguments([append]))
    finally:
        writer.terminate()
    async with open_event_store(event_database) as store:
        receipt = await store.append(append)
        assert receipt.repeated
        assert len(await everything(store)) == 3


async def test_backends_that_die_under_load_lose_nothing(event_database: DatabasePlace) -> None:
    """Every connection of the store is ended again and again while writers write and a subscriber follows."""
    async with open_event_store(event_database, limits=PATIENT) as store:
        load = Load(store)
        async with load.running():
            for _ in range(5):
                await load.more()
                await end_backends(event_database, "warpdrive%")
            await load.more()
        await load.check()


async def test_a_listener_that_dies_is_replaced(event_database: DatabasePlace) -> None:
    """The subscriber misses nothing meanwhile, and afterwards hears at once again."""
    async with open_event_store(event_database) as store:
        with anyio.fail_after(30):
            async with store.subscribe(0) as batches:
                for _ in range(3):
                    append = an_append(2)
                    await store.append(append)
                    batch = await anext(aiter(batches))
                    assert [event.stream for event in batch] == [append.stream] * 2
                    assert await end_backends(event_database, "warpdrive listen") == 1
                    await _listening(event_database)
                await store.append(an_append())
                began = anyio.current_time()
                await anext(aiter(batches))
                assert anyio.current_time() - began < 0.9


async def _listening(place: DatabasePlace) -> None:
    async with superuser(place) as root:
        while not await root.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1"
            " AND application_name = 'warpdrive listen' AND query LIKE 'LISTEN%')",
            place.name,
        ):
            pass


async def test_a_database_that_is_away_is_unavailable_until_it_is_back(event_database: DatabasePlace) -> None:
    """Answers come within the patience, and the same store works again afterwards, subscriptions included."""
    limits = GroupLimits(patience_s=0.5)
    async with open_event_store(event_database, limits=limits) as store, store.subscribe(0) as batches:
        first, refused = an_append(), an_append()
        await store.append(first)
        assert len(await anext(aiter(batches))) == 1
        async with taken_away(event_database), anyio.create_task_group() as tasks:

            async def unavailable(ask: Awaitable[object]) -> None:
                began = anyio.current_time()
                with pytest.raises(StoreUnavailable):
                    await ask
                assert anyio.current_time() - began < 5.0

            for ask in (store.append(refused), store.head(), store.receipt(refused.facts), store.read(0, 1)):
                tasks.start_soon(unavailable, ask)
        with anyio.fail_after(20):
            receipt = await _append_when_possible(store, refused)
            assert [event.stream for event in await anext(aiter(batches))] == [refused.stream]
        assert receipt.version == 1
        assert len(await everything(store)) == 2


async def _append_when_possible(store: PostgresEventStore, append: Append) -> Receipt:
    while True:
        try:
            return await store.append(append)
        except StoreUnavailable:
            continue


async def test_a_server_lost_in_mid_append_for_too_long_leaves_the_outcome_unknown(
    event_database: DatabasePlace,
) -> None:
    """Not "nothing was written": that cannot be known. Repeating the command tells."""
    append = an_append()
    answered = anyio.Event()
    async with open_event_store(event_database, limits=GroupLimits(patience_s=1.0)) as store:

        async def write() -> None:
            with pytest.raises(OutcomeUnknown):
                await store.append(append)
            answered.set()

        async with anyio.create_task_group() as tasks, held_lock(event_database) as lock:
            tasks.start_soon(write)
            await lock.waited_for()
            async with taken_away(event_database):
                await answered.wait()
        receipt = await _append_when_possible(store, append)
        assert receipt.version == 1
        assert len(await everything(store)) == 1


async def test_a_read_only_database_is_told_as_such_and_recovers(event_database: DatabasePlace) -> None:
    """Writing is refused at once, reading goes on; when writes are allowed again the same store writes."""
    append = an_append()
    async with open_event_store(event_database) as store:
        await store.append(an_append())
        async with superuser(event_database) as root:
            await root.execute(f'ALTER DATABASE "{event_database.name}" SET default_transaction_read_only = on')
            await end_backends(event_database)
            with pytest.raises(StoreReadOnly):
                await store.append(append)
            assert len(await everything(store)) == 1
            await root.execute(f'ALTER DATABASE "{event_database.name}" RESET default_transaction_read_only')
        assert not (await store.append(append)).repeated


@pytest.fixture
def small_disk(postgres_server: DatabasePlace) -> Iterator[Path]:
    """Mount a file system of 4 MiB that the server may use."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    folder = Path(tempfile.mkdtemp(prefix="warpdrive-small-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", str(folder)], check=True)
    try:
        socket_owner = Path(postgres_server.host).stat()
        os.chown(folder, socket_owner.st_uid, socket_owner.st_gid)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


async def test_a_full_disk_refuses_writes_until_there_is_room(event_database: DatabasePlace, small_disk: Path) -> None:
    """A command that finds no room is refused and leaves nothing; reading goes on; with room the same store writes."""
    random = Random(7)

    def a_big_append() -> Append:
        append = an_append()
        events = [replace(append.events[0], state=random.randbytes(300_000))]
        return replace(append, events=events)

    async with superuser(event_database, inside=True) as root, open_event_store(event_database) as store:
        await root.execute(f"CREATE TABLESPACE {event_database.name}_small LOCATION '{small_disk}'")
        await root.execute(f"ALTER TABLE warpdrive_events SET TABLESPACE {event_database.name}_small")
        receipts: list[Receipt] = []

        async def fill() -> None:
            while True:
                receipts.append(await store.append(a_big_append()))

        with pytest.raises(StoreReadOnly, match="No space left on device"):
            await fill()
        written = len(receipts)
        assert len(await everything(store)) == written > 3
        await root.execute("ALTER TABLE warpdrive_events SET TABLESPACE pg_default")
        await store.append(a_big_append())
        events = await everything(store)
        assert len(events) == written + 1
        assert first_break(events) is None
        await root.execute(f"DROP TABLESPACE {event_database.name}_small")


async def test_kill_9_of_the_server_under_load_loses_nothing(open_folder: Path) -> None:
    """The postmaster is killed while writers write: what was acknowledged is there, once, and so is the rest."""
    async with embedded_postgres(open_folder / "control") as place:
        await migrate(place)
        async with open_event_store(place, limits=PATIENT) as store:
            load = Load(store)
            async with load.running():
                await load.more()
                pid = postmaster_pid(open_folder / "control")
                os.kill(pid, signal.SIGKILL)
                await load.more()
            assert postmaster_pid(open_folder / "control") != pid
            await load.check()
