"""Nodes' agents as the control plane knows them."""

import pytest

from tests.support.memory_plane import MemoryPlane
from warpdrive.application.control.agents import HEARTBEAT
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.domain.token.values import Role


async def plane_with(*namespaces: str) -> MemoryPlane:
    """Make a plane with namespaces."""
    on = MemoryPlane()
    for name in namespaces:
        await on.plane.namespaces.create(on.call(), name, [])
    return on


async def register(on: MemoryPlane, node: str, namespace: str = "training") -> None:
    """Register an agent."""
    await on.plane.agents.register(on.call(), node, namespace=namespace, version="1", mount_point="/data")


async def test_an_agent_is_missing_after_three_silent_intervals() -> None:
    """And there again with its next word."""
    on = await plane_with("training")
    await register(on, "n1")
    on.clock.advance(3 * HEARTBEAT)
    page = await on.plane.agents.page(on.call(), size=0, token="")
    assert not page.value.items[0].missing
    on.clock.advance(0.1)
    page = await on.plane.agents.page(on.call(), size=0, token="")
    assert page.value.items[0].missing
    beat = await on.plane.agents.heartbeat(on.call(), "n1", health="degraded", detail="s3: denied", position=7)
    assert (beat.value.missing, beat.value.health, beat.value.position) == (False, "degraded", 7)


async def test_an_agent_of_no_namespace_is_refused() -> None:
    """A typo in the node's configuration is told at once."""
    on = await plane_with("training")
    with pytest.raises(NotFound, match="namespace"):
        await register(on, "n1", "trainign")


async def test_a_heartbeat_of_a_stranger_asks_it_to_register() -> None:
    """A restored database may have forgotten nodes."""
    on = await plane_with("training")
    with pytest.raises(NotFound, match="agent"):
        await on.plane.agents.heartbeat(on.call(), "n1", health="ok", detail="", position=0)
    with pytest.raises(Malformed):
        await on.plane.agents.heartbeat(on.call(), "n1", health="fine", detail="", position=0)


async def test_agents_are_paged_by_node_and_shown_within_the_scope() -> None:
    """A caller of one namespace sees the nodes that serve it."""
    on = await plane_with("training", "other")
    for number in range(5):
        await register(on, f"n{number}", "other" if number % 2 else "training")
    first = (await on.plane.agents.page(on.call(), size=3, token="")).value
    rest = (await on.plane.agents.page(on.call(), size=3, token=first.next_token)).value
    assert [agent.node for agent in (*first.items, *rest.items)] == ["n0", "n1", "n2", "n3", "n4"]
    assert rest.next_token == ""
    scoped = Principal("token:s", Role.VIEWER, namespaces=("other",))
    shown = (await on.plane.agents.page(on.call(scoped), size=0, token="")).value
    assert [agent.node for agent in shown.items] == ["n1", "n3"]
