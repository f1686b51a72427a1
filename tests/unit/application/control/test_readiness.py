"""Whether a process says that it can do its work."""

from uuid import uuid4

import anyio
import pytest

from tests.support.memory_plane import MemoryPlane
from tests.support.ports import wait_until_async
from warpdrive.application.control.lag import Lag
from warpdrive.application.control.readiness import Readiness
from warpdrive.application.ports.event_store import Append, CommandFacts, EventStoreError, StoreReadOnly


def append() -> Append:
    """Make a command without events."""
    return Append(CommandFacts(uuid4(), b"x" * 32, "test"), uuid4(), 0, ())


async def judged(on: MemoryPlane) -> tuple[Readiness, Lag]:
    """Judge a plane that was measured once."""
    lag = Lag(on.store, on.models, on.clock)
    await lag.measure()
    return Readiness(on.store, on.register, lag, on.clock), lag


def failed(readiness: Readiness) -> list[str]:
    """Name what is wrong."""
    return [check.name for check in readiness.checks() if not check.ok]


async def test_a_plane_that_has_caught_up_is_ready() -> None:
    """Nothing is wrong."""
    readiness, _ = await judged(MemoryPlane())
    assert readiness.ready


async def test_nobody_is_served_before_the_read_models_have_caught_up_once() -> None:
    """A fresh start would show an old state; later a short lag is no reason to leave."""
    on = MemoryPlane()
    fresh, lag = await judged(on)
    lag.seconds = 5.0
    assert failed(fresh) == ["read models"]
    lag.seconds = 0.0
    assert fresh.ready
    lag.seconds = 5.0
    assert fresh.ready
    lag.seconds = 31.0
    assert failed(fresh) == ["read models"]


async def test_a_database_that_does_not_answer_is_no_database() -> None:
    """The measurement of the lag is the question."""
    readiness, lag = await judged(MemoryPlane())
    assert readiness.ready
    lag.known = False
    assert failed(readiness) == ["database"]


async def test_refused_writes_count_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk shows in writes only, and writes come back only when somebody says ready."""
    on = MemoryPlane()
    readiness, _ = await judged(on)

    async def full(_: Append) -> None:
        raise StoreReadOnly("no space left")

    monkeypatch.setattr(on.store, "append", full)
    with pytest.raises(StoreReadOnly):
        await readiness.append(append())
    assert failed(readiness) == ["writes"]
    on.clock.advance(10.1)
    assert readiness.ready


async def test_refused_writes_count_until_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that went through is better evidence than the memory of one that did not."""
    on = MemoryPlane()
    readiness, _ = await judged(on)
    taken = on.store.append

    async def full(_: Append) -> None:
        raise StoreReadOnly("no space left")

    monkeypatch.setattr(on.store, "append", full)
    with pytest.raises(StoreReadOnly):
        await readiness.append(append())
    assert failed(readiness) == ["writes"]
    monkeypatch.setattr(on.store, "append", taken)
    await readiness.append(append())
    assert readiness.ready


async def test_a_probe_that_is_refused_for_good_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right that was taken away, for one: the operator mends it while questions are still answered."""
    on = MemoryPlane()
    readiness, _ = await judged(on)

    async def refused(*_: object, **__: object) -> None:
        raise EventStoreError("permission denied for table agents (42501)")

    monkeypatch.setattr(on.register, "touch", refused)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(readiness.run)
        with anyio.fail_after(5):
            await wait_until_async(lambda: failed(readiness) == ["writes"])
        tasks.cancel_scope.cancel()
    assert "42501" in next(check.detail for check in readiness.checks() if not check.ok)
