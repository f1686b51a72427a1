"""What both stores promise to whoever writes."""

from uuid import uuid4

import anyio
import pytest

from tests.contract.event_store.conftest import OpenStore
from tests.support.appends import OTHER_REQUEST, Store, an_append, everything, first_break
from warpdrive.application.ports.event_store import (
    Append,
    CommandIdReused,
    ConcurrentWrite,
    NameNotHeld,
    NameTaken,
    NameUse,
    NewEvent,
    Receipt,
)


async def test_an_append_is_answered_with_its_receipt(open_store: OpenStore) -> None:
    """The receipt names the command, the stream, its version and the position of the last event."""
    async with open_store() as store:
        append = an_append(3)
        receipt = await store.append(append)
        events = await store.stream(append.stream)
        assert receipt == Receipt(append.facts.command_id, append.stream, 3, events[-1].position)
        assert [(event.version, event.topic, event.state) for event in events] == [
            (1, "topic 1", b"state 1"),
            (2, "topic 2", b"state 2"),
            (3, "topic 3", b"state 3"),
        ]


async def test_every_event_carries_who_caused_it(open_store: OpenStore) -> None:
    """Actor, command, correlation and causation are stored with each event."""
    async with open_store() as store:
        append = an_append(2)
        await store.append(append)
        for event in await store.stream(append.stream):
            assert event.actor == "alice"
            assert event.command_id == append.facts.command_id
            assert (event.correlation_id, event.causation_id) == ("correlation", "causation")
            assert event.recorded_at.tzinfo is not None


async def test_the_events_of_one_command_have_one_time(open_store: OpenStore) -> None:
    """No moment lies between the events of one command, so that a state as of a time is never half a decision."""
    async with open_store() as store:
        append = an_append(20)
        await store.append(append)
        assert len({event.recorded_at for event in await store.stream(append.stream)}) == 1


async def test_a_stream_that_moved_on_refuses(open_store: OpenStore) -> None:
    """An event with a version that is taken raises ConcurrentWrite, and nothing of the command is written."""
    async with open_store() as store:
        first = an_append(2)
        await store.append(first)
        late = an_append(2, stream=first.stream, after=1, names=[NameUse("team", "late", "late")])
        with pytest.raises(ConcurrentWrite):
            await store.append(late)
        assert len(await store.stream(first.stream)) == 2
        assert await store.receipt(late.facts) is None
        assert await store.owner_of("team", "late") is None


async def test_a_command_with_the_same_version_twice_is_refused(open_store: OpenStore) -> None:
    """A command cannot race with itself either."""
    async with open_store() as store:
        stream = uuid4()
        twice = Append(an_append(0).facts, stream, 1, [NewEvent(stream, 1, "t", b""), NewEvent(stream, 1, "t", b"")])
        with pytest.raises(ConcurrentWrite):
            await store.append(twice)
        assert await everything(store) == []


async def test_one_command_may_write_several_streams(open_store: OpenStore) -> None:
    """The events of several streams are written together, in the order given."""
    async with open_store() as store:
        one, two = uuid4(), uuid4()
        events = [NewEvent(one, 1, "a", b"1"), NewEvent(two, 1, "b", b"2"), NewEvent(one, 2, "c", b"3")]
        receipt = await store.append(Append(an_append(0).facts, one, 2, events))
        recorded = await everything(store)
        assert [(event.stream, event.version) for event in recorded] == [(one, 1), (two, 1), (one, 2)]
        assert receipt.position == recorded[-1].position


async def test_positions_grow_and_may_have_gaps(open_store: OpenStore) -> None:
    """Later events have greater positions, also after a command that lost a race."""
    async with open_store() as store:
        first = an_append(3)
        await store.append(first)
        with pytest.raises(ConcurrentWrite):
            await store.append(an_append(3, stream=first.stream))
        await store.append(an_append(2))
        positions = [event.position for event in await everything(store)]
        assert len(positions) == 5
        assert positions == sorted(set(positions))


async def test_the_chain_of_hashes_holds(open_store: OpenStore) -> None:
    """Each event's hash follows from its fields and the hash before, over all streams."""
    async with open_store() as store:
        for count in (1, 5, 2):
            await store.append(an_append(count, actor=f"actor {count}"))
        events = await everything(store)
        assert len({event.hash for event in events}) == 8
        assert first_break(events) is None


async def test_a_repeated_command_has_its_first_receipt(open_store: OpenStore) -> None:
    """The same command id with the same request is answered from what was stored, and nothing is written."""
    async with open_store() as store:
        append = an_append(2)
        first = await store.append(append)
        await store.append(an_append(3))
        again = await store.append(append)
        assert (again.repeated, first.repeated) == (True, False)
        assert (again.stream, again.version, again.position) == (first.stream, first.version, first.position)
        assert len(await everything(store)) == 5


async def test_a_repetition_may_have_decided_otherwise(open_store: OpenStore) -> None:
    """A repetition whose events differ, because the world has changed since, still has the first receipt."""
    async with open_store() as store:
        first = an_append(2)
        receipt = await store.append(first)
        other = an_append(1, command_id=first.facts.command_id, names=[NameUse("team", "x", "y")])
        assert (await store.append(other)).position == receipt.position
        assert await store.stream(other.stream) == []
        assert await store.owner_of("team", "x") is None


async def test_a_command_id_with_another_request_is_refused(open_store: OpenStore) -> None:
    """An id cannot be used for two requests, by append or by look-up."""
    async with open_store() as store:
        first = an_append()
        await store.append(first)
        other = an_append(command_id=first.facts.command_id, request=OTHER_REQUEST)
        with pytest.raises(CommandIdReused):
            await store.append(other)
        with pytest.raises(CommandIdReused):
            await store.receipt(other.facts)
        assert await store.stream(other.stream) == []


async def test_a_receipt_can_be_looked_up(open_store: OpenStore) -> None:
    """None before the command, its receipt afterwards."""
    async with open_store() as store:
        append = an_append(2)
        assert await store.receipt(append.facts) is None
        written = await store.append(append)
        found = await store.receipt(append.facts)
        assert found is not None
        assert (found.stream, found.version, found.position) == (written.stream, 2, written.position)
        assert found.repeated


async def test_a_command_that_changes_nothing_has_a_receipt_too(open_store: OpenStore) -> None:
    """Without events the position is the head; the command is recorded and recognised."""
    async with open_store() as store:
        nothing = an_append(0)
        assert (await store.append(nothing)).position == 0
        head = (await store.append(an_append(3))).position
        other = an_append(0)
        assert (await store.append(other)).position == head
        again = await store.append(nothing)
        assert again.repeated
        assert again.position == 0


async def test_a_name_has_one_owner(open_store: OpenStore) -> None:
    """A name taken by one owner is refused to others, with the owner's name, and nothing of the command is written."""
    async with open_store() as store:
        await store.append(an_append(names=[NameUse("team", "vision", "one")]))
        late = an_append(names=[NameUse("team", "speech", "two"), NameUse("team", "vision", "two")])
        with pytest.raises(NameTaken) as refusal:
            await store.append(late)
        assert (refusal.value.kind, refusal.value.name, refusal.value.owner) == ("team", "vision", "one")
        assert await store.stream(late.stream) == []
        assert await store.owner_of("team", "speech") is None
        assert await store.owner_of("team", "vision") == "one"


async def test_a_name_is_unique_within_its_kind_only(open_store: OpenStore) -> None:
    """A team and a backend may have the same name."""
    async with open_store() as store:
        await store.append(an_append(names=[NameUse("team", "x", "one"), NameUse("backend", "x", "two")]))
        assert await store.owner_of("team", "x") == "one"
        assert await store.owner_of("backend", "x") == "two"


async def test_a_name_is_free_when_its_uses_are_given_up(open_store: OpenStore) -> None:
    """Uses are counted; after the last is given up another owner may have the name."""
    async with open_store() as store:
        for uses in (2, 1, -2):
            await store.append(an_append(names=[NameUse("backend", "lake", "one", uses)]))
        assert await store.owner_of("backend", "lake") == "one"
        await store.append(an_append(0, names=[NameUse("backend", "lake", "one", -1)]))
        assert await store.owner_of("backend", "lake") is None
        await store.append(an_append(names=[NameUse("backend", "lake", "two")]))
        assert await store.owner_of("backend", "lake") == "two"


async def test_a_name_can_change_hands_within_a_command(open_store: OpenStore) -> None:
    """Names are used in the order given: given up by one and taken by another at once."""
    async with open_store() as store:
        await store.append(an_append(names=[NameUse("team", "x", "one")]))
        await store.append(an_append(names=[NameUse("team", "x", "one", -1), NameUse("team", "x", "two")]))
        assert await store.owner_of("team", "x") == "two"


@pytest.mark.parametrize("held", [0, 1])
async def test_a_name_not_held_cannot_be_given_up(open_store: OpenStore, held: int) -> None:
    """Giving up more uses than there are is a fault, and nothing is written."""
    async with open_store() as store:
        if held:
            await store.append(an_append(names=[NameUse("team", "x", "one", held)]))
        with pytest.raises(NameNotHeld, match="gives up the team name 'x' more than it holds it"):
            await store.append(an_append(names=[NameUse("team", "x", "one", -held - 1)]))
        assert await store.owner_of("team", "x") == ("one" if held else None)
        assert len(await everything(store)) == held


async def test_what_cannot_be_stored_is_refused_before_others_wait_with_it(open_store: OpenStore) -> None:
    """Texts that are no UTF-8 or hold a NUL, and versions beyond 64 bits, raise ValueError."""
    async with open_store() as store:
        stream = uuid4()
        facts = an_append().facts
        for bad in (
            an_append(actor="a\0b"),
            an_append(actor="\ud800"),
            an_append(names=[NameUse("team", "x", "y", 0)]),
            Append(facts, stream, 1, [NewEvent(stream, 2**63, "t", b"")]),
            Append(facts, stream, 1, [NewEvent(stream, 1, "\0", b"")]),
        ):
            with pytest.raises(ValueError, match=r"NUL|surrogate|taken nor|64 bits"):
                await store.append(bad)
        assert await everything(store) == []


async def test_nobody_owns_a_name_that_cannot_be_stored(open_store: OpenStore) -> None:
    """Asking for one is answered, not a fault."""
    async with open_store() as store:
        for name in ("a\0b", "\ud800", "'; --", "x" * 100_000):
            assert await store.owner_of("team", name) is None


async def test_any_bytes_and_texts_come_back_as_they_were(open_store: OpenStore) -> None:
    """States are bytes, texts are Unicode; nothing is normalised or trimmed."""
    async with open_store() as store:
        stream = uuid4()
        states = [b"", b"\0\xff" * 1000, "naïve".encode()]
        topics = ["", " ' \"; DROP TABLE names; -- ", "e\u0301 \U0001f680"]
        events = [NewEvent(stream, n + 1, topics[n], states[n]) for n in range(3)]
        await store.append(Append(an_append(actor=" ").facts, stream, 3, events))
        recorded = await store.stream(stream)
        assert [event.state for event in recorded] == states
        assert [event.topic for event in recorded] == topics
        assert first_break(recorded) is None


async def _one_of_many(store: Store, append: Append, won: list[Append], lost: list[Append]) -> None:
    try:
        await store.append(append)
        won.append(append)
    except ConcurrentWrite:
        lost.append(append)


async def test_of_many_that_race_for_a_version_one_wins(open_store: OpenStore) -> None:
    """Those that lose in a group take nothing with them: each command stands on its own."""
    async with open_store() as store:
        contested = uuid4()
        racing = [an_append(2, stream=contested) for _ in range(20)]
        alone = [an_append(2) for _ in range(20)]
        won: list[Append] = []
        lost: list[Append] = []
        async with anyio.create_task_group() as tasks:
            for pair in zip(racing, alone, strict=True):
                for append in pair:
                    tasks.start_soon(_one_of_many, store, append, won, lost)
        assert len(won) == 21
        assert len(lost) == 19
        events = await everything(store)
        assert len(events) == 42
        assert first_break(events) is None
