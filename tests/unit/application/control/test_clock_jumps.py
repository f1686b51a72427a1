"""A wall clock that is set back, or forth and back, while the control plane runs."""

import pytest

from tests.support.memory_plane import MemoryPlane
from warpdrive.application.control.doorkeeping import BELIEVED
from warpdrive.application.control.errors import Unauthenticated
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.token.values import Role

HOUR = 3600.0


def set_back(on: MemoryPlane, seconds: float) -> None:
    """Jump, as an operator or a time server does; what is measured goes on."""
    on.clock.set_wall(on.clock.wall() - seconds)


async def test_the_record_keeps_its_order() -> None:
    """What is decided after the jump comes after what was decided before it, in positions and in recorded times."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "training", [])
    set_back(on, HOUR)
    entry = MountEntry("/late", BackendDefinition("scratch", "memory"))
    done = await on.plane.namespaces.add_mount(on.call(), "training", entry)
    await on.plane.namespaces.seal(on.call(), "training")
    events = await on.events()
    assert [event.position for event in events] == sorted({event.position for event in events})
    assert [event.recorded_at for event in events] == sorted(event.recorded_at for event in events)
    assert done.value.entries[0].path == "/late"
    shown = (await on.plane.namespaces.get(on.call(), "training")).value
    assert (shown.sealed, shown.version) == (True, 3)


async def test_a_question_as_of_a_moment_before_the_jump_sees_nothing_of_after_it() -> None:
    """Time is an index to a position: the moment of the last event before the jump names that event or later ones."""
    on = MemoryPlane()
    created = await on.plane.namespaces.create(on.call(), "training", [])
    at = on.now()
    on.clock.advance(60.0)
    later = await on.plane.namespaces.seal(on.call(), "training")
    set_back(on, 2 * HOUR)
    last = await on.plane.namespaces.unseal(on.call(), "training")
    assert await on.store.position_at(at) == created.position
    assert created.position < later.position < last.position


async def test_a_token_is_not_ended_by_a_clock_that_was_set_back() -> None:
    """Its time is over when the clock says so, which is later by the jump and not earlier; made afterwards it works."""
    on = MemoryPlane()
    before = await on.plane.tokens.create(on.call(), role=Role.VIEWER, expires_in=60.0)
    set_back(on, HOUR)
    after = await on.plane.tokens.create(on.call(), role=Role.VIEWER, expires_in=60.0)
    for issued in (before, after):
        await on.plane.doorkeeper.principal(issued.value.secret)
    on.clock.advance(60.0)
    await on.plane.doorkeeper.principal(before.value.secret)
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(after.value.secret)
    on.clock.advance(HOUR)
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(before.value.secret)


async def test_a_clock_set_forth_ends_a_token_at_once() -> None:
    """Also one that was believed a moment ago."""
    on = MemoryPlane()
    issued = await on.plane.tokens.create(on.call(), role=Role.VIEWER, expires_in=HOUR)
    await on.plane.doorkeeper.principal(issued.value.secret)
    set_back(on, -2 * HOUR)
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(issued.value.secret)


async def test_a_revoked_token_stays_revoked_and_is_noticed_as_soon_as_ever() -> None:
    """How long another process believes is measured, not read off the wall."""
    on = MemoryPlane()
    other = MemoryPlane.beside(on)
    issued = await on.plane.tokens.create(on.call(), role=Role.VIEWER)
    await other.plane.doorkeeper.principal(issued.value.secret)
    await on.plane.tokens.revoke(on.call(), issued.value.token.id, "lost")
    on.clock.advance(BELIEVED + 0.01)
    set_back(on, HOUR)
    for plane in (on, other):
        with pytest.raises(Unauthenticated):
            await plane.plane.doorkeeper.principal(issued.value.secret)


async def test_an_agent_last_heard_in_the_future_counts_as_missing_until_it_speaks() -> None:
    """Otherwise a dead one would look alive for as long as the jump."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "training", [])
    await on.plane.agents.register(on.call(), "node-1", namespace="training", version="1", mount_point="/mnt")
    set_back(on, HOUR)
    assert (await on.plane.agents.page(on.call(), size=0, token="")).value.items[0].missing
    word = await on.plane.agents.heartbeat(on.call(), "node-1", health="ok", detail="", position=0)
    assert not word.value.missing
