"""The trail: which events, in which words, as of when."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from tests.unit.application.audit.conftest import Past
from warpdrive.application.audit import folding
from warpdrive.application.audit.errors import Unfoldable
from warpdrive.application.audit.subjects import Subjects
from warpdrive.application.audit.trail import Trail, TrailEntry, TrailFilter


async def told(past: Past, which: TrailFilter) -> list[TrailEntry]:
    """Collect the trail."""
    return [entry async for entry in Trail(past.on.store, past.codec).entries(which)]


async def test_the_whole_trail_is_every_event(past: Past) -> None:
    """Nothing is left out and nothing said twice."""
    entries = await told(past, TrailFilter())
    assert [entry.position for entry in entries] == [event.position for event in await past.on.events()]


async def test_a_sentence_says_what_was_mounted_where(past: Past) -> None:
    """Place, policy and namespace stand in one sentence."""
    (entry,) = await told(past, TrailFilter(since=past.story.mounted, until=past.story.mounted))
    assert entry.sentence == (
        "mounted backend imagenet (s3, bucket imagenet, endpoint https://s3.example, auth data, write off, "
        "durability close, conflict keep-both, delete deny) at /train in namespace training"
    )


async def test_a_team_is_called_as_it_was_called_then(past: Past) -> None:
    """The quota's first limits were the team vision's, its second ones the team sight's: it was renamed between."""
    stream = (await told(past, TrailFilter(topic="Defined")))[0].stream
    first, second = await told(past, TrailFilter(stream=stream))
    assert first.sentence == ("set the quota of team vision for backend s3 to soft 500 TiB, hard 600 TiB, grace 7 days")
    assert second.sentence.startswith("set the quota of team sight for backend s3 to soft 700 TiB")


@pytest.mark.parametrize(
    ("topic", "count"),
    [("Sealed", 0), ("MountEntryRemoved", 1), ("MountEntryRemoved.v1", 1), ("warpdrive.quota:*", 2), ("quota", 2)],
)
async def test_topics_are_chosen_by_name_room_or_pattern(past: Past, topic: str, count: int) -> None:
    """A whole topic is not needed, and nothing else matches by accident."""
    assert len(await told(past, TrailFilter(topic=topic))) == count


async def test_filters_join_up(past: Past) -> None:
    """Actor, command, correlation and moment each narrow the trail."""
    everything = await told(past, TrailFilter())
    some = everything[5]
    assert await told(past, TrailFilter(command=some.command_id)) == [
        e for e in everything if e.command_id == some.command_id
    ]
    assert await told(past, TrailFilter(correlation="test")) == everything
    assert await told(past, TrailFilter(correlation="another")) == []
    assert await told(past, TrailFilter(actor="token:admin")) == everything
    assert await told(past, TrailFilter(actor="token:nobody")) == []
    assert await told(past, TrailFilter(stream=UUID(int=0))) == []
    since = [e for e in everything if e.recorded_at >= some.recorded_at]
    assert await told(past, TrailFilter(since=some.recorded_at)) == since
    assert await told(past, TrailFilter(since=some.recorded_at + timedelta.resolution)) == [
        e for e in since if e.recorded_at > some.recorded_at
    ]
    assert await told(past, TrailFilter(until=some.position)) == everything[:6]


async def test_a_trail_of_many_pages_is_read_a_page_at_a_time(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """No question asks for more than a page, and the pages join without gap or repetition."""
    monkeypatch.setattr(folding, "PAGE", 3)
    asked: list[int] = []
    read = past.on.store.read

    async def counted(after: int, limit: int, *, to: int | None = None) -> object:
        asked.append(limit)
        return await read(after, limit, to=to)

    monkeypatch.setattr(past.on.store, "read", counted)
    entries = await told(past, TrailFilter())
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert set(asked) == {3}


async def test_a_topic_that_nobody_knows_cannot_steer_a_terminal(past: Past) -> None:
    """Whoever may append may write any topic; an auditor's line stays one line."""
    trail = Trail(past.on.store, past.codec)
    last = (await past.on.events())[-1]
    odd = replace(last, topic="\x1b[2Jelsewhere:Thing.v1\n")
    entry = await trail.entry(odd, Subjects(past.on.store, past.codec, to=last.position))
    assert not entry.readable
    assert entry.line.isprintable()


def test_a_fault_about_a_topic_cannot_steer_a_terminal_either() -> None:
    """Its words are shown as they are."""
    assert str(Unfoldable(3, "\x1b[2Jx", "a\x9bb")).isprintable()
