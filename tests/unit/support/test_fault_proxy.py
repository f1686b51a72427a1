"""The fault proxy does what its tests rely on: it breaks what it is told to, and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.support.fault_proxy import FaultProxy
from tests.support.ports import LOOPBACK, Address

BODY = bytes(range(256)) * 4096
"""One MiB."""


@pytest.fixture
async def upstream() -> AsyncIterator[Address]:
    """A server that answers each line it gets with one MiB."""
    talking: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.add(writer)
        try:
            while await reader.readline():
                writer.write(BODY)
                await writer.drain()
        except ConnectionError:
            pass  # the proxy broke it, as told
        finally:
            talking.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    yield server.sockets[0].getsockname()[:2]
    server.close()
    for writer in tuple(talking):
        writer.close()
    await server.wait_closed()


@pytest.fixture
async def proxy(upstream: Address) -> AsyncIterator[FaultProxy]:
    """The proxy before it."""
    async with FaultProxy(upstream) as proxy:
        yield proxy


async def _ask(address: Address, request: bytes = b"more\n", want: int = len(BODY)) -> bytes:
    """Send one request and read until `want` bytes came or the other side ended."""
    reader, writer = await asyncio.open_connection(*address)
    got = b""
    try:
        writer.write(request)
        while len(got) < want:
            more = await reader.read(65536)
            if not more:
                break
            got += more
    finally:
        writer.close()
    return got


async def test_bytes_pass_unchanged(proxy: FaultProxy) -> None:
    """Without a fault it is a wire."""
    assert await _ask(proxy.address) == BODY
    assert (proxy.connections, proxy.faults_met) == (1, 0)


async def test_truncation_ends_in_order_after_the_count(proxy: FaultProxy) -> None:
    """FIN after exactly so many bytes, once; then it is a wire again."""
    proxy.truncate_after(300_001)
    assert await _ask(proxy.address) == BODY[:300_001]
    assert await _ask(proxy.address) == BODY
    assert proxy.faults_met == 1


async def test_reset_is_a_reset(proxy: FaultProxy) -> None:
    """RST, which a client sees as ECONNRESET, not as an end."""
    proxy.reset_after(300_001)
    with pytest.raises(ConnectionResetError):
        await _ask(proxy.address)
    assert proxy.faults_met == 1


async def test_refusal_resets_the_next_connection(proxy: FaultProxy) -> None:
    """The connection is there and gone."""
    proxy.refuse()
    with pytest.raises(ConnectionResetError):
        await _ask(proxy.address)
    assert await _ask(proxy.address) == BODY


async def test_silence_lasts(proxy: FaultProxy) -> None:
    """A hung request gets no byte; the next connection is served."""
    proxy.hang()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_ask(proxy.address), 0.1)
    assert await _ask(proxy.address) == BODY


async def test_latency_comes_before_the_answer(proxy: FaultProxy) -> None:
    """The first byte is late, and all are there."""
    proxy.latency_s = 0.1
    began = time.monotonic()
    assert await _ask(proxy.address) == BODY
    assert time.monotonic() - began >= 0.1


async def test_answers_are_its_own(proxy: FaultProxy) -> None:
    """An HTTP request is read whole, body too, and answered without the server."""
    proxy.answer(503, "Slow Down", retry_after="2", body=b"later")
    request = b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + bytes(100_000)
    got = await _ask(proxy.address, request)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Slow Down\r\n")
    assert b"Retry-After: 2" in head
    assert body == b"later"


async def test_healing_forgets_everything(proxy: FaultProxy) -> None:
    """What is armed and not met yet never happens."""
    proxy.truncate_after(1, times=5)
    proxy.hang(times=5)
    proxy.answer(500, "Broken", times=5)
    proxy.refuse(times=5)
    proxy.heal()
    assert await _ask(proxy.address) == BODY
    assert proxy.faults_met == 0
