"""The one retry place: what is tried again, how long, and how a read goes on."""

import pytest

from tests.contract.backends.objects import Arrival, Body, parts, pattern
from tests.contract.backends.patience import FakeTime
from tests.unit.adapters.blob.scripted import ScriptedStore, Step
from warpdrive.adapters.blob.retrying import RetryingStore
from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendError,
    BackendMisconfigured,
    Corrupted,
    DeadlineExceeded,
    ObjectNotFound,
    RangeNotSatisfiable,
    ShortBody,
    Stalled,
    Throttled,
    Unavailable,
    Unsupported,
    VersionChanged,
)
from warpdrive.application.ports.object_writer import Absent
from warpdrive.application.ports.objects import ObjectKey, ObjectVersion

KEY = ObjectKey("a/key")


def _retrying(
    *script: Step, pieces: int = 0, deadline_s: float = 30.0
) -> tuple[RetryingStore, ScriptedStore, FakeTime]:
    inner = ScriptedStore(*script, pieces=pieces)
    fake = FakeTime()
    return RetryingStore(inner, fake.patience(deadline_s=deadline_s)), inner, fake


class TestPatience:
    @pytest.mark.parametrize(
        "fault", [Unavailable("reset"), Throttled("slow down"), Stalled("silent"), ShortBody("cut", 0)]
    )
    async def test_transient_faults_are_tried_again(self, fault: BackendError) -> None:
        """A fault that may pass costs a wait, not an error."""
        store, inner, fake = _retrying()
        await store.write(KEY, Body(b"x"))
        inner.script = [fault, fault]
        assert (await store.stat(KEY)).size == 1
        assert len(fake.sleeps) == 2

    @pytest.mark.parametrize(
        "fault",
        [
            ObjectNotFound("x"),
            AccessDenied("x"),
            VersionChanged("x"),
            RangeNotSatisfiable("x"),
            BackendMisconfigured("x"),
            Unsupported("x"),
            Corrupted("x"),
            BackendError("x"),
        ],
    )
    async def test_permanent_faults_leave_at_once(self, fault: BackendError) -> None:
        """A fault that will not pass is raised as it came."""
        store, inner, fake = _retrying(fault)
        with pytest.raises(type(fault)) as caught:
            await store.stat(KEY)
        assert caught.value is fault
        assert (len(inner.calls), fake.sleeps) == (1, [])

    async def test_waits_grow_up_to_the_ceiling(self) -> None:
        """With chance in the middle: half of 0.1, 0.2, 0.4 ... and never more than half of 5 seconds."""
        store, _, fake = _retrying(*[Unavailable("down")] * 9, deadline_s=1000.0)
        with pytest.raises(ObjectNotFound):
            await store.stat(KEY)
        assert fake.sleeps == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.5, 2.5, 2.5])

    async def test_retry_after_is_the_least_wait(self) -> None:
        """A server's own wish is honoured, with jitter on top."""
        store, _, fake = _retrying(Throttled("429", retry_after=4.0))
        with pytest.raises(ObjectNotFound):
            await store.stat(KEY)
        assert fake.sleeps == pytest.approx([4.05])

    async def test_the_deadline_ends_it_with_the_last_faults_words(self) -> None:
        """No attempt begins past the deadline; the error says how often, how long and what came last."""
        store, inner, fake = _retrying(*[Unavailable("connection refused")] * 1000, deadline_s=10.0)
        with pytest.raises(DeadlineExceeded, match=r"stat 'a/key'.*attempts.*unavailable: connection refused"):
            await store.stat(KEY)
        assert fake.now - 100.0 <= 10.0
        assert 5 < len(inner.calls) < 20

    async def test_a_wait_beyond_the_deadline_is_not_begun(self) -> None:
        """Asked to come back after the deadline, it says so now."""
        store, _, fake = _retrying(Throttled("503", retry_after=60.0))
        with pytest.raises(DeadlineExceeded):
            await store.stat(KEY)
        assert fake.sleeps == []


class TestWeariness:
    async def test_a_backend_that_used_up_a_deadline_is_asked_once_for_a_while(self) -> None:
        """A dead backend costs its deadline once, not for every name that somebody looks at."""
        store, inner, fake = _retrying(*[Unavailable("refused")] * 400)
        with pytest.raises(DeadlineExceeded):
            await store.stat(KEY)
        began, sleeps = fake.now, len(fake.sleeps)
        asked = len(inner.script)
        with pytest.raises(DeadlineExceeded, match="1 attempts"):
            await store.stat(KEY)
        assert (fake.now, len(fake.sleeps), len(inner.script)) == (began, sleeps, asked - 1)

    async def test_weariness_ends_with_time(self) -> None:
        """Attempts that failed meanwhile do not prolong it: after a while an operation has its whole patience again."""
        store, inner, fake = _retrying(*[Unavailable("refused")] * 400)
        for _ in range(2):
            with pytest.raises(DeadlineExceeded):
                await store.stat(KEY)
        fake.now += 11
        sleeps = len(fake.sleeps)
        with pytest.raises(DeadlineExceeded):
            await store.stat(KEY)
        assert len(fake.sleeps) > sleeps
        assert inner.script

    async def test_weariness_ends_with_the_first_success(self) -> None:
        """One answer, and faults are borne again."""
        store, inner, fake = _retrying()
        await store.write(KEY, Body(b"x"))
        inner.script = [Unavailable("refused")] * 400
        with pytest.raises(DeadlineExceeded):
            await store.stat(KEY)
        inner.script = []
        await store.stat(KEY)
        inner.script = [Unavailable("refused")]
        assert (await store.stat(KEY)).size == 1
        assert fake.sleeps


class TestReading:
    async def test_goes_on_at_the_first_byte_not_there_yet(self) -> None:
        """Each attempt asks for the rest only, under the version that the first one saw."""
        data = pattern(1000)
        store, inner, _ = _retrying(pieces=300)
        info = await store.write(KEY, Body(data))
        inner.calls.clear()
        inner.script = [Unavailable("reset"), Unavailable("reset"), Unavailable("reset")]
        buffer = bytearray(1000)
        arrival = Arrival(buffer, data)
        await store.read_range(KEY, 0, memoryview(buffer), sink=arrival)
        assert bytes(buffer) == data
        assert inner.calls == [
            ("read", KEY, 0, 1000, None),
            ("read", KEY, 300, 700, info.version),
            ("read", KEY, 600, 400, info.version),
            ("read", KEY, 900, 100, info.version),
        ]
        assert arrival.fills == [300, 600, 900, 1000]
        assert arrival.wrong == 0

    async def test_a_fault_behind_the_last_byte_is_none(self) -> None:
        """All bytes came, then the connection broke: the read succeeded."""
        store, inner, fake = _retrying(pieces=10)
        info = await store.write(KEY, Body(b"0123456789"))
        inner.script = [Unavailable("reset")]
        buffer = bytearray(10)
        assert await store.read_range(KEY, 0, memoryview(buffer)) == info
        assert (bytes(buffer), fake.sleeps) == (b"0123456789", [])

    async def test_bytes_of_a_short_body_are_used(self) -> None:
        """What ShortBody says arrived is not asked for again, announced or not."""
        store, inner, _ = _retrying()
        await store.write(KEY, Body(b"0123456789"))
        inner.calls.clear()
        buffer = bytearray(b"0123------")
        inner.script = [ShortBody("cut", 4)]
        await store.read_range(KEY, 0, memoryview(buffer))
        assert bytes(buffer) == b"0123456789"
        assert [call[2:4] for call in inner.calls] == [(0, 10), (4, 6)]

    async def test_progress_starts_the_backing_off_anew(self) -> None:
        """A read that moves with every attempt waits briefly each time."""
        store, inner, fake = _retrying(pieces=10)
        await store.write(KEY, Body(pattern(100)))
        inner.script = [Unavailable("reset")] * 8
        await store.read_range(KEY, 0, memoryview(bytearray(100)))
        assert fake.sleeps == pytest.approx([0.05] * 8)

    async def test_a_pinned_version_stays_pinned(self) -> None:
        """The caller's version goes with every attempt."""
        store, inner, _ = _retrying()
        await store.write(KEY, Body(b"0123456789"))
        inner.script = [Unavailable("reset")]
        with pytest.raises(VersionChanged):
            await store.read_range(KEY, 0, memoryview(bytearray(3)), version=ObjectVersion("old"))
        assert {call[4] for call in inner.calls if call[0] == "read"} == {"old"}


class TestWriting:
    async def test_a_body_that_can_be_read_again_is_sent_again(self) -> None:
        """An unconditional write of a re-iterable body is retried."""
        store, inner, _ = _retrying(Unavailable("reset"))
        assert (await store.write(KEY, Body(b"abc"))).size == 3
        assert len(inner.calls) == 2

    async def test_a_generator_is_sent_once(self) -> None:
        """A body that can be read once is not sent again: half of it may be gone."""
        store, inner, _ = _retrying(Throttled("503"))
        with pytest.raises(Throttled):
            await store.write(KEY, parts(b"abc"))
        assert len(inner.calls) == 1

    async def test_a_conditional_write_with_a_lost_reply_is_ambiguous(self) -> None:
        """It may have happened: the fault is raised, its notes say so, and nothing is sent again."""
        store, inner, _ = _retrying(Unavailable("reset"))
        with pytest.raises(Unavailable) as caught:
            await store.write(KEY, Body(b"abc"), precondition=Absent())
        assert "outcome is unknown" in caught.value.__notes__[0]
        assert len(inner.calls) == 1

    async def test_a_throttled_conditional_write_did_nothing_and_is_repeated(self) -> None:
        """429 says that the server did not act."""
        store, inner, _ = _retrying(Throttled("429"))
        await store.write(KEY, Body(b"abc"), precondition=Absent())
        assert len(inner.calls) == 2

    async def test_a_delete_whose_reply_was_lost_succeeds(self) -> None:
        """The second attempt finds nothing: that was the wish."""
        store, inner, _ = _retrying()
        await store.write(KEY, Body(b"abc"))

        async def done_but_unheard() -> None:
            inner._bucket.remove(KEY)
            raise Unavailable("reset after the deed")

        inner.script = [done_but_unheard]
        await store.delete(KEY)
        with pytest.raises(ObjectNotFound):
            await store.delete(KEY)

    async def test_a_conditional_delete_with_a_lost_reply_is_ambiguous(self) -> None:
        """It is not repeated."""
        store, inner, _ = _retrying()
        info = await store.write(KEY, Body(b"abc"))
        inner.script = [Unavailable("reset")]
        with pytest.raises(Unavailable):
            await store.delete(KEY, version=info.version)
        assert len(inner.calls) == 2
