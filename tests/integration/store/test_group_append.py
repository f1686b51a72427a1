"""Appending in groups: who shares a call with whom, and what becomes of callers that leave."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.support.appends import an_append, everything, first_break
from tests.support.backends import held_lock
from tests.support.ports import wait_until_async
from tests.support.postgres import superuser
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.event_store import PostgresEventStore, open_event_store
from warpdrive.adapters.store.group_append import GroupLimits
from warpdrive.adapters.store.weighing import weight
from warpdrive.application.ports.event_store import (
    Append,
    EventStoreError,
    OutcomeUnknown,
    Receipt,
    StoreUnavailable,
)


async def _transactions(place: DatabasePlace) -> int:
    """Count the transactions that wrote events: those of one have one time."""
    async with superuser(place, inside=True) as root:
        return int(await root.fetchval("SELECT count(DISTINCT recorded_at) FROM warpdrive_events"))


@asynccontextmanager
async def _appending(store: PostgresEventStore, appends: Sequence[Append]) -> AsyncIterator[list[Receipt]]:
    """Append all of them side by side during the block, which ends when they have been answered."""
    receipts: list[Receipt] = []

    async def append(each: Append) -> None:
        receipts.append(await store.append(each))

    async with anyio.create_task_group() as tasks:
        for each in appends:
            tasks.start_soon(append, each)
        yield receipts


async def test_commands_that_wait_together_share_a_transaction(event_database: DatabasePlace) -> None:
    """While one call waits for the lock, whoever comes goes with the next one, all together."""
    async with open_event_store(event_database) as store, held_lock(event_database) as lock:
        async with _appending(store, [an_append(2)]) as first:
            await lock.waited_for()
            async with _appending(store, [an_append(2) for _ in range(40)]) as others:
                await wait_until_async(lambda: len(store._appender._queue) == 40)
                await lock.let_go()
        assert (len(first), len(others)) == (1, 40)
        assert first_break(await everything(store)) is None
    assert await _transactions(event_database) == 2


@pytest.mark.parametrize(
    ("limits", "transactions"),
    [(GroupLimits(commands=10), 4), (GroupLimits(payload=3 * weight(an_append(8))), 14)],
    ids=["commands", "bytes"],
)
async def test_a_group_has_limits(event_database: DatabasePlace, limits: GroupLimits, transactions: int) -> None:
    """A group has at most so many commands (10), and at most so many bytes (those of 3 of these commands)."""
    appends = [an_append(8) for _ in range(40)]
    async with open_event_store(event_database, limits=limits) as store, held_lock(event_database) as lock:
        async with _appending(store, appends) as receipts:
            await lock.waited_for()
            await lock.let_go()
        assert len(receipts) == 40
    assert await _transactions(event_database) == transactions


async def test_a_caller_that_leaves_the_queue_takes_its_command_along(event_database: DatabasePlace) -> None:
    """Cancelled before its turn, a command is not written; those around it are."""
    first, leaving, last = an_append(), an_append(), an_append()
    async with open_event_store(event_database) as store, held_lock(event_database) as lock:
        async with _appending(store, [first]):
            await lock.waited_for()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(store.append, leaving)
                await wait_until_async(lambda: len(store._appender._queue) == 1)
                tasks.cancel_scope.cancel()
            async with _appending(store, [last]):
                await lock.let_go()
        assert await store.receipt(leaving.facts) is None
        assert {event.stream for event in await everything(store)} == {first.stream, last.stream}


async def test_a_caller_that_leaves_in_mid_flight_disturbs_nobody(event_database: DatabasePlace) -> None:
    """Its command is written whole, as its id tells; the next ones are answered."""
    leaving, last = an_append(2), an_append()
    async with open_event_store(event_database) as store, held_lock(event_database) as lock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.append, leaving)
            await lock.waited_for()
            tasks.cancel_scope.cancel()
        async with _appending(store, [last]) as receipts:
            await lock.let_go()
        assert len(receipts) == 1
        receipt = await store.receipt(leaving.facts)
        assert receipt is not None
        assert receipt.version == 2
        assert len(await store.stream(leaving.stream)) == 2


async def test_a_lock_that_is_not_had_in_time_is_unavailable(event_database: DatabasePlace) -> None:
    """The answer comes within the patience, and says that nothing was written: that is known, not unknown."""
    limits = GroupLimits(patience_s=0.6, lock_patience_s=0.1)
    append, queued = an_append(), an_append()
    faults: list[EventStoreError] = []

    async def refused(each: Append) -> None:
        try:
            await store.append(each)
        except StoreUnavailable as fault:
            faults.append(fault)

    async with open_event_store(event_database, limits=limits) as store:
        async with held_lock(event_database):
            began = anyio.current_time()
            async with anyio.create_task_group() as tasks:
                for each in (append, queued):
                    tasks.start_soon(refused, each)
            assert anyio.current_time() - began < 2.0
        assert [type(fault) for fault in faults] == [StoreUnavailable] * 2
        assert await everything(store) == []
        assert not (await store.append(append)).repeated


async def test_a_lock_that_comes_late_is_waited_for(event_database: DatabasePlace) -> None:
    """Time-outs of the lock are tried again inside until the patience ends."""
    limits = GroupLimits(patience_s=10, lock_patience_s=0.05)
    async with open_event_store(event_database, limits=limits) as store, held_lock(event_database) as lock:
        async with _appending(store, [an_append()]) as receipts:
            for _ in range(3):
                await lock.waited_for()
            await lock.let_go()
        assert len(receipts) == 1


async def test_the_queue_is_bounded(event_database: DatabasePlace) -> None:
    """Whoever comes when too many wait is refused at once."""
    limits = GroupLimits(queue=2)
    async with open_event_store(event_database, limits=limits) as store, held_lock(event_database) as lock:
        async with _appending(store, [an_append()]) as first:
            await lock.waited_for()
            async with _appending(store, [an_append(), an_append()]) as queued:
                await wait_until_async(lambda: len(store._appender._queue) == 2)
                with pytest.raises(StoreUnavailable, match="2 commands are waiting already"):
                    await store.append(an_append())
                await lock.let_go()
        assert (len(first), len(queued)) == (1, 2)


async def test_a_command_that_cannot_be_written_fails_alone(event_database: DatabasePlace) -> None:
    """A fault that aborts the group's transaction hits only the command that has it."""
    owner = await connect(event_database, Role.OWNER, application_name="tests")
    try:
        await owner.execute("ALTER TABLE warpdrive_events ADD CHECK (actor <> 'mallory')")
    finally:
        await owner.close()
    good = [an_append(2) for _ in range(6)]
    async with open_event_store(event_database) as store, held_lock(event_database) as lock:
        async with _appending(store, [an_append()]), _appending(store, good[:3]), anyio.create_task_group() as tasks:

            async def refused() -> None:
                with pytest.raises(EventStoreError, match="violates check constraint"):
                    await store.append(an_append(actor="mallory"))

            tasks.start_soon(refused)
            await lock.waited_for()
            async with _appending(store, good[3:]) as receipts:
                await lock.let_go()
        assert len(receipts) == 3
        assert len(await everything(store)) == 13


async def test_what_waits_when_the_store_closes_is_written(event_database: DatabasePlace) -> None:
    """Closing takes no more commands and answers those that are there."""
    append = an_append()
    async with held_lock(event_database) as lock:
        async with anyio.create_task_group() as tasks:
            receipts: list[Receipt] = []

            async def write() -> None:
                receipts.append(await store.append(append))

            async with open_event_store(event_database) as store:
                tasks.start_soon(write)
                await lock.waited_for()
                await lock.let_go()
        assert len(receipts) == 1
        with pytest.raises(StoreUnavailable, match="closing"):
            await store.append(an_append())


async def test_what_is_under_way_when_the_store_is_torn_down_is_unknown(event_database: DatabasePlace) -> None:
    """A caller in mid-flight learns that its outcome is not known, not that nothing was written."""
    limits = GroupLimits(patience_s=60, lock_patience_s=60, close_patience_s=0.1)
    faults: list[EventStoreError] = []

    async with held_lock(event_database) as lock, anyio.create_task_group() as callers:

        async def write() -> None:
            try:
                await store.append(an_append())
            except StoreUnavailable as fault:
                faults.append(fault)

        async with open_event_store(event_database, limits=limits) as store:
            callers.start_soon(write)
            await lock.waited_for()
            callers.start_soon(write)
            await wait_until_async(lambda: len(store._appender._queue) == 1)
    assert {type(fault) for fault in faults} == {OutcomeUnknown, StoreUnavailable}


async def test_a_store_that_is_cancelled_does_not_wait_for_what_has_ended(event_database: DatabasePlace) -> None:
    """The writer is cancelled with it, so there is nothing to drain."""
    limits = GroupLimits(close_patience_s=6)
    with anyio.fail_after(5), anyio.CancelScope() as scope:
        async with open_event_store(event_database, limits=limits) as store:
            await store.append(an_append())
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
