"""How far the read models are behind."""

from datetime import UTC, datetime

import anyio
import pytest

from tests.golden.lives import LIVES
from tests.support.manual_clock import ManualClock
from tests.support.ports import wait_until_async
from tests.support.recording import append_of, pending
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.adapters.store.memory.read_models import MemoryReadModels
from warpdrive.application.control.lag import Lag
from warpdrive.application.control.rebuilding import Rebuilding
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.application.projections.codec import EventCodec


async def test_lag_is_counted_in_positions_and_in_seconds() -> None:
    """Seconds since the oldest event that waits was recorded; nothing when none waits."""
    clock, models = ManualClock(), MemoryReadModels()
    store = MemoryEventStore(lambda: datetime.fromtimestamp(clock.wall(), UTC))
    lag = Lag(store, models, clock)
    await lag.measure()
    assert (lag.positions, lag.seconds, lag.known) == (0, 0, True)
    receipt = await store.append(append_of(pending(LIVES["team"]())))
    clock.advance(7)
    await lag.measure()
    assert (lag.positions, lag.seconds) == (receipt.position, 7)
    await Rebuilding(store, models, EventCodec()).run()
    await lag.measure()
    assert (lag.positions, lag.seconds, lag.head, lag.position) == (0, 0, receipt.position, receipt.position)


async def test_a_clock_that_went_back_makes_no_negative_lag() -> None:
    """The event is then from the future, and waits for no time yet."""
    clock = ManualClock()
    store = MemoryEventStore(lambda: datetime.fromtimestamp(clock.wall() + 60, UTC))
    await store.append(append_of(pending(LIVES["team"]())))
    lag = Lag(store, MemoryReadModels(), clock)
    await lag.measure()
    assert lag.seconds == 0


async def test_figures_of_a_store_that_is_away_are_known_to_be_old(caplog: pytest.LogCaptureFixture) -> None:
    """The last ones stay, the log says so once, and it goes on when the store is back."""
    store = MemoryEventStore()
    lag = Lag(store, MemoryReadModels(), ManualClock())
    await lag.measure()
    store.fault = StoreUnavailable("it is away")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lag.run)
        await wait_until_async(lambda: not lag.known, what="the fault being noticed")
        store.fault = None
        await wait_until_async(lambda: lag.known, what="the store's return")
        tasks.cancel_scope.cancel()
    assert caplog.text.count("is not known") == 1
