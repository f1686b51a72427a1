"""Batches between cut and arrival against a plain model: nothing lost uncounted, nothing changed, nothing unbounded."""

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import anyio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from warpdrive.adapters.sinks.backlog import OLDEST_MS, Backlog
from warpdrive.adapters.sinks.batch import DAY_MS, Batch, BatchMark, Span
from warpdrive.adapters.sinks.losses import Losses
from warpdrive.adapters.sinks.spool import Spool

LIMIT = 2000
IN_MEMORY = 600
Answer = TypeVar("Answer")


def run(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run one step in a loop of its own, as a process that lives for it."""
    return anyio.run(ask)


class BacklogModel(RuleBasedStateMachine):
    """Counts what goes in and comes out, and asks the disk itself."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="warpdrive-test-spool-")
        self.place = Path(self.folder.name)
        self.now = 20_000 * DAY_MS
        self.sequence = 0
        self.put_records = self.sent = self.lost_before = self.vanished = 0
        self.attempts: dict[UUID, bytes] = {}
        self.begin()

    def begin(self) -> None:
        """Start a process on what there is."""
        self.under_way: Batch | None = None
        self.losses = Losses()
        self.spool = Spool(self.place, limit=LIMIT)
        self.backlog = Backlog(self.spool, self.losses, lambda: self.now, in_memory=IN_MEMORY)
        last = run(self.backlog.open)
        assert last <= self.sequence

    @rule(records=st.integers(0, 50), lost=st.integers(0, 3), size=st.integers(1, 200), claims=st.booleans())
    def put(self, records: int, lost: int, size: int, *, claims: bool) -> None:
        """Cut a batch."""
        self.sequence += 1
        covers = Span(self.now - 1000, self.now) if claims else Span()
        mark = BatchMark(self.sequence, UUID(int=self.sequence), self.now, records, lost, covers)
        self.put_records += records
        run(lambda: self.backlog.put(Batch(mark, self.sequence.to_bytes(4, "big") * size)))

    def held(self) -> list[int]:
        """Sequences that are there."""
        return [*self.spool._entries, *(batch.mark.sequence for batch in self.backlog._young)]

    @precondition(lambda self: self.under_way is None)
    @rule()
    def is_sent(self) -> None:
        """Begin to send the oldest; the same batch always has the same bytes, and none comes before an older one."""
        batch = run(self.backlog.first)
        if batch is not None:
            assert self.attempts.setdefault(batch.mark.id, batch.body) == batch.body
            assert batch.mark.sequence == min(self.held())
            assert batch.mark.cut_ms >= self.now - OLDEST_MS or batch.mark.sequence not in self.spool._entries
        self.under_way = batch

    def decided(self) -> Batch:
        """Return what was under way, which no lack of room has taken away meanwhile."""
        batch, self.under_way = self.under_way, None
        assert batch is not None
        assert batch.mark.sequence in self.held()
        return batch

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def arrives(self) -> None:
        """It is over there, once."""
        batch = self.decided()
        self.sent += batch.mark.records
        run(lambda: self.backlog.done(batch))
        assert batch.mark.sequence not in self.held()

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def fails(self) -> None:
        """It, or only its answer, was lost."""
        self.decided()
        run(self.backlog.back)

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def is_refused(self) -> None:
        """Nobody will ever take it."""
        batch = self.decided()
        run(lambda: self.backlog.refused(batch))
        assert batch.mark.sequence not in self.held()

    @rule(days=st.sampled_from([0, 1, 8]))
    def time_passes(self, days: int) -> None:
        """Batches grow old."""
        self.now += days * DAY_MS + 1

    @rule(half=st.booleans())
    def is_killed(self, *, half: bool) -> None:
        """End without a word, perhaps in the middle of writing; what was in memory is gone, what was noted is not."""
        self.vanished += sum(batch.mark.records for batch in self.backlog._young)
        self.lost_before += self.losses.total
        if half:
            (self.place / f"{self.sequence + 1:016d}-1-1-0-0-0-{0:032x}.tmp").write_bytes(b"WDBATCH1 half a")
        untold = self.losses.untold
        self.spool.close()
        self.begin()
        assert self.losses.untold == untold

    @rule()
    def ends(self) -> None:
        """End in order: everything is on disk."""
        waiting = self.backlog.waiting
        run(self.backlog.aclose)
        self.lost_before += self.losses.total
        gone, untold = self.losses.total, self.losses.untold
        self.begin()
        assert self.backlog.waiting >= waiting - gone
        assert self.losses.untold == untold

    @precondition(lambda self: len(self.spool) > 0)
    @rule(data=st.data())
    def a_disk_spoils_a_file(self, data: st.DataObject) -> None:
        """Change, cut or empty it."""
        path = data.draw(st.sampled_from(sorted(self.place.glob("*.batch"))))
        whole = path.read_bytes()
        if not whole:  # spoilt already
            return
        place = data.draw(st.integers(0, len(whole) - 1))
        spoilt = data.draw(st.sampled_from(["changed", "cut"]))
        path.write_bytes(
            whole[:place] + (bytes([whole[place] ^ 1]) + whole[place + 1 :] if spoilt == "changed" else b"")
        )

    @invariant()
    def every_record_is_somewhere(self) -> None:
        """Sent, lost and counted, here, or gone with a killed process's memory."""
        lost = self.lost_before + self.losses.total
        assert self.put_records == self.sent + lost + self.backlog.waiting + self.vanished

    @invariant()
    def the_disk_is_bounded(self) -> None:
        """Whole files only, and no more of them than there is room for."""
        files = list(self.place.glob("*.batch"))
        assert sum(path.stat().st_size for path in files) <= LIMIT
        assert len(list(self.place.glob("*.tmp"))) == 0
        assert len(list(self.place.glob("*.spoilt"))) <= 8
        assert len(files) == len(self.spool)

    @invariant()
    def memory_is_bounded(self) -> None:
        """What is too much is on disk."""
        assert sum(len(batch.body) for batch in self.backlog._young) <= IN_MEMORY

    def teardown(self) -> None:
        """Give the disk back."""
        self.spool.close()
        self.folder.cleanup()


TestBacklog = BacklogModel.TestCase
TestBacklog.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
