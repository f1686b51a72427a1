"""A move that dies at any step, as often as one likes, loses nothing and ends right."""

from collections.abc import Mapping
from dataclasses import replace

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.breaking_store import BreakingJournal, BreakingStore, Killed, Life
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.application.transfer.checking import Verify
from warpdrive.application.transfer.faults import SourceMissing
from warpdrive.application.transfer.journal import MemoryJournal
from warpdrive.application.transfer.mover import Mover
from warpdrive.application.transfer.moving import Rules, Side
from warpdrive.application.transfer.naming import Route
from warpdrive.application.transfer.tally import Tally

ROUTE = Route(ObjectKey("from/"), ObjectKey("to/"), prefix=True)
NAMES = st.sampled_from(["a", "b", "c/d", "c/e", "\udc80"])
BYTES = st.binary(max_size=40)


def bucket_of(objects: Mapping[str, bytes], since: int = 0) -> MemoryBucket:
    """Make a bucket with objects of different ages."""
    bucket = MemoryBucket()
    for age, (key, data) in enumerate(objects.items(), since):
        bucket.put(key, data, age, {})
    return bucket


class Story:
    """Two backends (or one, twice), a journal, and what has to be kept."""

    def __init__(
        self, objects: Mapping[str, bytes], taken: Mapping[str, bytes], rules: Rules, *, workers: int = 2
    ) -> None:
        there = {f"to/{name}": data for name, data in taken.items()}
        self.objects = objects
        self.rules = rules
        self.workers = workers
        here = {f"from/{name}": data for name, data in objects.items()}
        self.source = bucket_of({**here, "beside": b"stays", **(there if rules.within else {})})
        self.target = self.source if rules.within else bucket_of(there, since=1000)
        self.journal = MemoryJournal()

    def run(self, steps: int | None = None, *, overwrite: bool | None = None) -> Tally | None:
        """Run once, to the end or for so many steps; None when it was killed."""
        life, tally = Life(steps, self.check), Tally()
        source = BreakingStore(MemoryStore(self.source), life)
        target = source if self.rules.within else BreakingStore(MemoryStore(self.target), life)
        rules = replace(self.rules, piece=16)
        if overwrite is not None:
            rules = replace(rules, overwrite=overwrite)
        mover = Mover(
            Side(source, source),
            Side(target, target),
            BreakingJournal(self.journal, life),
            rules,
            tally=tally,
            workers=self.workers,
        )
        try:
            anyio.run(mover.run, ROUTE)
        except Killed:
            return None
        except SourceMissing:  # the run before died when all was done
            assert not self.left()
            return Tally(listed=True)
        except BaseExceptionGroup as group:
            if group.split(Killed)[1] is not None:
                raise
            return None
        return tally

    def check(self) -> None:
        """Every object is whole at one of both places, at every moment."""
        for name, data in self.objects.items():
            here, there = self.source.objects.get(f"from/{name}"), self.target.objects.get(f"to/{name}")
            assert (here is not None and here.data == data) or (there is not None and there.data == data), name
        assert self.source.objects["beside"].data == b"stays"

    def left(self) -> dict[str, bytes]:
        """What is still at the source."""
        return {key[5:]: stored.data for key, stored in self.source.objects.items() if key.startswith("from/")}

    def arrived(self) -> dict[str, bytes]:
        """What is at the destination."""
        return {key[3:]: stored.data for key, stored in self.target.objects.items() if key.startswith("to/")}


@settings(max_examples=300, deadline=None)
@given(
    objects=st.dictionaries(NAMES, BYTES, min_size=1, max_size=4),
    taken=st.dictionaries(NAMES, BYTES, max_size=2),
    deaths=st.lists(st.integers(0, 40), max_size=6),
    overwrite=st.booleans(),
    within=st.booleans(),
    verify=st.sampled_from(Verify),
    workers=st.integers(1, 3),
)
def test_whenever_it_dies_every_object_is_whole_somewhere_and_the_last_run_finishes(
    objects: dict[str, bytes],
    taken: dict[str, bytes],
    deaths: list[int],
    *,
    overwrite: bool,
    within: bool,
    verify: Verify,
    workers: int,
) -> None:
    """What was at the destination before is replaced only where it was allowed."""
    story = Story(objects, taken, Rules(overwrite=overwrite, verify=verify, within=within), workers=workers)
    ended = [tally for tally in (story.run(steps) for steps in deaths) if tally is not None]
    # After a whole run without a fault there is nothing left to be found.
    tally = ended[0] if ended else story.run()
    assert tally is not None
    refused = {} if overwrite else {name: objects[name] for name in objects.keys() & taken.keys()}
    assert story.left() == refused
    assert tally.failed == len(refused)
    assert tally.complete == (not refused)
    assert story.arrived() == {**objects, **taken, **{name: objects[name] for name in objects if name not in refused}}


def test_each_single_step_may_be_the_last() -> None:
    """One object of two pieces, killed before and behind everything that is done."""
    steps, died = 0, 0
    while True:
        story = Story({"a": b"x" * 20}, {}, Rules(), workers=1)
        if story.run(steps) is not None:
            break
        died += 1
        tally = story.run()
        if story.source.objects.keys() == {"beside"} and tally is not None:
            assert story.arrived() == {"a": b"x" * 20}
        steps += 1
    assert died > 15


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_run_that_goes_on_copies_nothing_twice(*, overwrite: bool) -> None:
    """What was verified is only deleted; nobody has to say --overwrite for that."""
    story = Story({"a": b"x" * 20}, {}, Rules(overwrite=overwrite), workers=1)
    steps = 0
    while story.journal.entries.get(ObjectKey("from/a")) is None or not story.journal.entries[ObjectKey("from/a")].copy:
        story = Story({"a": b"x" * 20}, {}, Rules(overwrite=overwrite), workers=1)
        assert story.run(steps) is None
        steps += 1
    tally = story.run(overwrite=False)
    assert tally is not None
    assert (tally.resumed, tally.copied_bytes, tally.complete) == (1, 0, True)
