"""What every backend on a network promises while it misbehaves: right bytes, or an error, in a bounded time (R3)."""

import asyncio
import time

import pytest

from tests.contract.backends.conftest import PATIENCE, Opener
from tests.contract.backends.objects import Arrival, pattern, put, read
from tests.contract.backends.patience import FakeTime
from tests.contract.backends.provider import Place, Provider
from tests.support.fault_proxy import FaultProxy
from tests.support.ports import LOOPBACK, free_port
from warpdrive.adapters.blob.factory import Backend, Patience
from warpdrive.application.ports.errors import (
    BackendError,
    DeadlineExceeded,
    ObjectNotFound,
    VersionChanged,
)
from warpdrive.application.ports.objects import ObjectKey

MIB = 1024 * 1024
KEY = ObjectKey("data/shard.tar")
SHORT = Patience(deadline_s=1.0, stall_s=0.3, backoff_initial_s=0.02, backoff_ceiling_s=0.1)
BOUND_S = 4.0
"""What SHORT must end within: its deadline, an attempt that stalls, and the machine's own slowness."""


def applies_to(provider: Provider) -> bool:
    """Only what is behind a network can lose it."""
    return provider.tcp or provider.http


@pytest.fixture
def data() -> bytes:
    """Three MiB, no two pages alike."""
    return pattern(3 * MIB)


class TestBrokenConnections:
    async def test_latency_changes_nothing_else(
        self, backend: Backend, proxied: Backend, proxy: FaultProxy, data: bytes
    ) -> None:
        """A slow answer is an answer."""
        await put(backend, KEY, data)
        await proxied.reader.stat(KEY)  # a login takes many answers, one after the other
        proxy.latency_s = 0.1
        began = time.monotonic()
        got, _ = await read(proxied, KEY, MIB, MIB)
        assert got == data[MIB : 2 * MIB]
        assert time.monotonic() - began >= 0.1

    @pytest.mark.parametrize("way", ["reset", "truncate"])
    async def test_a_body_cut_in_the_middle_is_resumed(
        self, backend: Backend, proxied: Backend, proxy: FaultProxy, data: bytes, way: str
    ) -> None:
        """Two attempts are cut in mid-body; the third goes on behind what arrived; progress never goes back."""
        info = await put(backend, KEY, data)
        await proxied.reader.stat(KEY)
        cut = proxy.reset_after if way == "reset" else proxy.truncate_after
        cut(700_000, times=2)
        buffer = bytearray(len(data))
        arrival = Arrival(buffer, data)
        await proxied.reader.read_range(KEY, 0, memoryview(buffer), version=info.version, sink=arrival)
        assert bytes(buffer) == data
        assert proxy.faults_met == 2
        assert arrival.fills == sorted(set(arrival.fills))
        assert arrival.fills[-1] == len(data)
        assert arrival.wrong == 0

    async def test_a_body_cut_before_its_first_byte_is_asked_for_again(
        self, backend: Backend, proxied: Backend, proxy: FaultProxy, data: bytes
    ) -> None:
        """A connection that ends without any answer is tried again, for every verb."""
        await put(backend, KEY, data)
        for verb in (
            lambda: proxied.reader.stat(KEY),
            lambda: proxied.reader.list_page(ObjectKey("data/")),
            lambda: read(proxied, KEY, 0, 1000),
        ):
            await proxied.reader.stat(KEY)
            met = proxy.faults_met
            proxy.reset_after(0)
            await verb()
            assert proxy.faults_met == met + 1

    async def test_versions_are_never_mixed_across_a_resume(
        self, place: Place, backend: Backend, proxy: FaultProxy, opener: Opener, data: bytes
    ) -> None:
        """The object changes between two attempts of a read without a version: VersionChanged, not a mix."""
        await put(backend, KEY, data)

        async def replaced(_seconds: float) -> None:
            await put(backend, KEY, bytes(3 * MIB + 1))

        assert place.through is not None
        reader = opener(place, definition=place.through(proxy.address), patience=Patience(sleep=replaced)).reader
        await reader.stat(KEY)
        proxy.reset_after(700_000)
        buffer = bytearray(len(data))
        arrival = Arrival(buffer, data)
        with pytest.raises(VersionChanged):
            await reader.read_range(KEY, 0, memoryview(buffer), sink=arrival)
        assert proxy.faults_met == 1
        assert arrival.wrong == 0

    async def test_pooled_connections_that_died_are_replaced(
        self, backend: Backend, proxied: Backend, proxy: FaultProxy, data: bytes
    ) -> None:
        """After the peer dropped every idle connection the next reads work."""
        await put(backend, KEY, data)
        await asyncio.gather(*(read(proxied, KEY, 0, 1000) for _ in range(4)))
        await proxy.drop_connections()
        answers = await asyncio.gather(*(read(proxied, KEY, 1000, 1000) for _ in range(8)))
        assert {got for got, _ in answers} == {data[1000:2000]}

    async def test_refused_connections_are_tried_again(
        self, backend: Backend, proxied: Backend, proxy: FaultProxy, data: bytes
    ) -> None:
        """Two connections fail at once; the third serves."""
        await put(backend, KEY, data)
        proxy.refuse(times=2)
        got, _ = await read(proxied, KEY, 5, 10)
        assert got == data[5:15]
        assert proxy.faults_met == 2

    async def test_nobody_there_ends_in_bounded_time(self, place: Place, opener: Opener) -> None:
        """Where nothing listens a read ends with the deadline, and names the fault."""
        assert place.through is not None
        lonely = opener(place, definition=place.through((LOOPBACK, free_port())), patience=SHORT)
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="unavailable"):
            await read(lonely, KEY, 0, 1)
        with pytest.raises(DeadlineExceeded):
            await lonely.reader.stat(KEY)
        assert time.monotonic() - began < 2 * BOUND_S


class TestSilence:
    async def test_one_silent_request_is_given_up_and_repeated(
        self, backend: Backend, proxied: Backend, proxy: FaultProxy, data: bytes
    ) -> None:
        """A request that gets no answer stalls; the next attempt, on another connection, is served."""
        await put(backend, KEY, data)
        await proxied.reader.stat(KEY)
        proxy.hang()
        got, _ = await read(proxied, KEY, 0, MIB)
        assert got == data[:MIB]
        assert proxy.faults_met == 1

    async def test_a_backend_that_stays_silent_costs_a_bounded_time(
        self, place: Place, backend: Backend, proxy: FaultProxy, opener: Opener, data: bytes
    ) -> None:
        """Every request hangs: stat, list and read end with DeadlineExceeded."""
        await put(backend, KEY, data)
        assert place.through is not None
        reader = opener(place, definition=place.through(proxy.address), patience=SHORT).reader
        await reader.stat(KEY)
        proxy.hang(times=10_000)
        began = time.monotonic()
        answers = await asyncio.gather(
            reader.stat(KEY),
            reader.list_page(ObjectKey("data/")),
            reader.read_range(KEY, 0, memoryview(bytearray(1000))),
            return_exceptions=True,
        )
        assert time.monotonic() - began < BOUND_S
        assert [type(answer) for answer in answers] == [DeadlineExceeded] * 3
        assert proxy.faults_met > 0
        proxy.heal()
        await proxy.drop_connections()
        assert (await reader.stat(KEY)).size == len(data)


class TestThrottling:
    @staticmethod
    def applies_to(provider: Provider) -> bool:
        """Status codes are HTTP's."""
        return provider.http

    @pytest.mark.parametrize(("status", "reason"), [(429, "Too Many Requests"), (503, "Slow Down")])
    async def test_retry_after_is_honoured(
        self, place: Place, backend: Backend, proxy: FaultProxy, opener: Opener, status: int, reason: str
    ) -> None:
        """The next attempt comes no sooner than the server asked, and succeeds."""
        await put(backend, KEY, b"0123456789")
        fake = FakeTime()
        assert place.through is not None
        reader = opener(place, definition=place.through(proxy.address), patience=fake.patience(deadline_s=60.0)).reader
        proxy.answer(status, reason, retry_after="7", times=2)
        buffer = bytearray(4)
        await reader.read_range(KEY, 2, memoryview(buffer))
        assert bytes(buffer) == b"2345"
        assert proxy.faults_met == 2
        assert len(fake.sleeps) == 2
        assert all(7.0 <= seconds < 13.0 for seconds in fake.sleeps)

    async def test_endless_throttling_ends_with_the_deadline(
        self, place: Place, backend: Backend, proxy: FaultProxy, opener: Opener
    ) -> None:
        """A server that always says 503 is given up at the deadline, with its words."""
        await put(backend, KEY, b"x")
        fake = FakeTime()
        assert place.through is not None
        reader = opener(place, definition=place.through(proxy.address), patience=fake.patience(deadline_s=30.0)).reader
        proxy.answer(503, "Slow Down", times=10_000)
        for verb in (lambda: reader.stat(KEY), lambda: reader.list_page(ObjectKey(""))):
            began = fake.now
            with pytest.raises(DeadlineExceeded):
                await verb()
            assert 0 < fake.now - began <= 30.0
            fake.now += 60.0  # long enough for the backend to be trusted with a whole deadline again

    async def test_server_errors_are_tried_again(self, backend: Backend, proxied: Backend, proxy: FaultProxy) -> None:
        """500, 502 and 504 pass with the next attempt."""
        await put(backend, KEY, b"x")
        for status, reason in ((500, "Internal Server Error"), (502, "Bad Gateway"), (504, "Gateway Timeout")):
            proxy.answer(status, reason)
            assert (await proxied.reader.stat(KEY)).size == 1
        assert proxy.faults_met == 3

    async def test_permanent_answers_are_not_tried_again(
        self, backend: Backend, proxied: Backend, proxy: FaultProxy
    ) -> None:
        """An absent object costs one request."""
        with pytest.raises(ObjectNotFound):
            await proxied.reader.stat(KEY)
        proxy.answer(403, "Forbidden")
        with pytest.raises(BackendError) as caught:
            await proxied.reader.stat(KEY)
        assert caught.value.kind == "denied"
        assert proxy.faults_met == 1
        assert backend.capabilities.max_parallel > 0


def test_the_contract_is_patient_enough() -> None:
    """The suite's own limits leave room for two stalls before the deadline."""
    assert PATIENCE.deadline_s > 3 * PATIENCE.stall_s
