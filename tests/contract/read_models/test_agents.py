"""The agents' register: the last word of each node."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.contract.read_models.conftest import Kept
from warpdrive.application.ports.agents import AgentRecord

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
AGENT = AgentRecord("gpu-1", "vision", "0.1.0", "/data", "ok", "", 0, AT, AT)


async def test_an_agent_is_put_in_place_of_a_former_one(kept: Kept) -> None:
    """A node has one agent, the one that registered last."""
    await kept.agents.put(AGENT)
    later = replace(AGENT, version="0.2.0", namespace="speech", position=7, registered_at=AT + timedelta(hours=1))
    await kept.agents.put(later)
    assert list(await kept.agents.page(after="", limit=10)) == [later]


async def test_a_touch_changes_the_last_word_only(kept: Kept) -> None:
    """What the agent said when it registered stays."""
    await kept.agents.put(AGENT)
    at = AT + timedelta(minutes=1)
    touched = await kept.agents.touch("gpu-1", health="degraded", detail="s3 is away", position=12, at=at)
    assert touched == replace(AGENT, health="degraded", detail="s3 is away", position=12, last_seen_at=at)
    assert list(await kept.agents.page(after="", limit=10)) == [touched]


async def test_nobody_unknown_is_touched(kept: Kept) -> None:
    """A node registers first."""
    assert await kept.agents.touch("gpu-9", health="ok", detail="", position=1, at=AT) is None
    assert list(await kept.agents.page(after="", limit=10)) == []


async def test_pages_follow_each_other_in_the_order_of_nodes(kept: Kept) -> None:
    """By code points, so that both stores agree: capitals first, umlauts last."""
    for node in ("b", "ä", "a", "B", "a-1"):
        await kept.agents.put(replace(AGENT, node=node))
    seen: list[str] = []
    while page := await kept.agents.page(after=seen[-1] if seen else "", limit=2):
        assert len(page) <= 2
        seen += [agent.node for agent in page]
    assert seen == ["B", "a", "a-1", "b", "ä"]


async def test_a_page_may_be_of_some_namespaces(kept: Kept) -> None:
    """Others' agents do not show, and do not count."""
    for node, namespace in (("a", "vision"), ("b", "speech"), ("c", "vision"), ("d", "x'; DROP TABLE agents; --")):
        await kept.agents.put(replace(AGENT, node=node, namespace=namespace))
    page = await kept.agents.page(after="", limit=2, namespaces=("vision", "x'; DROP TABLE agents; --"))
    assert [agent.node for agent in page] == ["a", "c"]
    rest = await kept.agents.page(after="c", limit=2, namespaces=("vision", "x'; DROP TABLE agents; --"))
    assert [agent.node for agent in rest] == ["d"]


async def test_words_say_how_long_a_node_was_there(kept: Kept) -> None:
    """From one word to the next, a minute at most: after a silence nobody knows. Midnight in UTC parts the days."""
    day, next_day = AT.date(), AT.date() + timedelta(days=1)
    await kept.agents.put(AGENT)
    assert await kept.presence() == {("gpu-1", day): 0}
    for seconds in (10, 20, 200):
        await kept.agents.touch("gpu-1", health="ok", detail="", position=0, at=AT + timedelta(seconds=seconds))
    assert await kept.presence() == {("gpu-1", day): 80_000}
    late = datetime(2026, 1, 2, 23, 59, 55, tzinfo=UTC)
    await kept.agents.put(replace(AGENT, last_seen_at=late))
    assert await kept.presence() == {("gpu-1", day): 140_000}
    await kept.agents.touch("gpu-1", health="ok", detail="", position=0, at=late + timedelta(seconds=10))
    assert await kept.presence() == {("gpu-1", day): 145_000, ("gpu-1", next_day): 5_000}


async def test_the_same_word_twice_and_a_clock_set_back_count_nothing(kept: Kept) -> None:
    """A word that came again over a new connection is no longer presence, nor is one of the past."""
    await kept.agents.put(AGENT)
    for at in (AT, AT, AT - timedelta(seconds=30)):
        await kept.agents.touch("gpu-1", health="ok", detail="", position=0, at=at)
    await kept.agents.touch("gpu-9", health="ok", detail="", position=0, at=AT)
    assert await kept.presence() == {("gpu-1", AT.date()): 0}
