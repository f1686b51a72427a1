"""Connections and their pool, against a server that plays any part."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.certificates import self_signed
from tests.support.ports import LOOPBACK, Address, free_port, wait_until_async
from tests.support.scripted_server import Answer, ScriptedServer, whole
from warpdrive.adapters.blob.s3.http.head import MalformedResponse, ResponseHead
from warpdrive.adapters.blob.s3.http.pool import ConnectionPool, Origin
from warpdrive.application.ports.errors import BackendMisconfigured, ShortBody, Unavailable

_GET = b"GET /k HTTP/1.1\r\nhost:h\r\n\r\n"
_HEAD = b"HEAD /k HTTP/1.1\r\nhost:h\r\n\r\n"


class _Placed:
    """An exchange whose body goes into a buffer, surrounded by bytes that nobody may touch."""

    def __init__(self, length: int, *, refuse: Exception | None = None) -> None:
        self.method = "GET"
        self._around = bytearray(b"#" * (length + 2))
        self._refuse = refuse
        self.progress: list[int] = []

    def head_arrived(self, head: ResponseHead) -> memoryview | None:
        assert head.status == 200
        if self._refuse is not None:
            raise self._refuse
        return memoryview(self._around)[1:-1]

    def body_advanced(self, filled: int) -> None:
        self.progress.append(filled)

    @property
    def body(self) -> bytes:
        assert self._around[:1] == self._around[-1:] == b"#"
        return bytes(self._around[1:-1])


class _Gathered:
    """An exchange whose body is collected."""

    def __init__(self, method: str = "GET") -> None:
        self.method = method

    def head_arrived(self, head: ResponseHead) -> memoryview | None:
        """Collect."""

    def body_advanced(self, filled: int) -> None:
        raise AssertionError(f"nobody gave a place for {filled} bytes")


@contextlib.asynccontextmanager
async def _pool(
    address: Address, tls: ssl.SSLContext | None = None, *, limit: int = 8
) -> AsyncIterator[ConnectionPool]:
    host = "localhost" if tls else address[0]
    async with contextlib.aclosing(ConnectionPool(Origin(host, address[1], tls), limit=limit)) as pool:
        yield pool


class TestBodies:
    @pytest.mark.parametrize("size", [1, 100, 65_536, 300_000])
    async def test_a_body_lands_in_its_place(self, size: int) -> None:
        """Whole, in order, with progress that only grows, and nothing around it is touched."""
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        async with ScriptedServer(whole(200, body)) as server, _pool(server.address) as pool:
            exchange = _Placed(size)
            head, collected = await pool.ask(_GET, exchange)
            assert (head.status, collected, exchange.body) == (200, b"", body)
            assert exchange.progress == sorted(exchange.progress)
            assert exchange.progress[-1] == size

    async def test_a_head_in_single_bytes_is_a_head(self) -> None:
        """However the network cuts it."""
        wire = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
        answer = Answer([wire[at : at + 1] for at in range(len(wire))])
        async with ScriptedServer(answer) as server, _pool(server.address) as pool:
            exchange = _Placed(3)
            await pool.ask(_GET, exchange)
            assert exchange.body == b"abc"

    async def test_interim_answers_are_passed_over(self) -> None:
        """103 Early Hints and the like are not the answer."""
        wire = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
        async with ScriptedServer(Answer([wire])) as server, _pool(server.address) as pool:
            assert (await pool.ask(_GET, _Gathered()))[1] == b"abc"

    async def test_a_chunked_body_lands_in_its_place(self) -> None:
        """Chunks are put together, and the connection is kept."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = Answer([head + b"2\r\nab\r", b"\n1\r\nc\r\n0\r\n", b"\r\n"])
        async with ScriptedServer(answer, answer) as server, _pool(server.address) as pool:
            exchange = _Placed(3)
            await pool.ask(_GET, exchange)
            assert exchange.body == b"abc"
            assert (await pool.ask(_GET, _Gathered()))[1] == b"abc"
            assert server.connections == 1

    @pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
    async def test_without_a_length_the_body_ends_with_the_connection(self, version: bytes) -> None:
        """As in HTTP/1.0; the next request takes a new connection."""
        answer = Answer([version + b" 200 OK\r\n\r\n", b"ab", b"c"], "close")
        async with ScriptedServer(answer, answer) as server, _pool(server.address) as pool:
            exchange = _Placed(3)
            await pool.ask(_GET, exchange)
            assert exchange.body == b"abc"
            assert (await pool.ask(_GET, _Gathered()))[1] == b"abc"
            assert server.connections == 2

    async def test_an_answer_to_head_has_no_body(self) -> None:
        """Its Content-Length describes the object; the connection stays usable."""
        answer = Answer([b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"])
        async with ScriptedServer(answer, whole(200, b"x")) as server, _pool(server.address) as pool:
            head, body = await pool.ask(_HEAD, _Gathered("HEAD"))
            assert (head.content_length, body) == (12345, b"")
            assert (await pool.ask(_GET, _Gathered()))[1] == b"x"
            assert server.connections == 1


class TestBrokenAnswers:
    @pytest.mark.parametrize("end", ["close", "reset"])
    async def test_a_body_that_ends_early_is_short(self, end: str) -> None:
        """What arrived is counted and stays."""
        answer = Answer([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcd"], end)
        async with ScriptedServer(answer) as server, _pool(server.address) as pool:
            exchange = _Placed(10)
            with pytest.raises(ShortBody) as caught:
                await pool.ask(_GET, exchange)
            assert caught.value.received == exchange.progress[-1]
            assert exchange.body[: caught.value.received] == b"abcd"[: caught.value.received]

    async def test_a_chunked_body_that_ends_early_is_short(self) -> None:
        """No last chunk, no whole body; and a whole one may still be less than its place."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        cut, less = Answer([head + b"4\r\nabcd\r\n"], "close"), Answer([head + b"4\r\nabcd\r\n0\r\n\r\n"])
        async with ScriptedServer(cut, less) as server, _pool(server.address) as pool:
            for _ in range(2):
                with pytest.raises(ShortBody) as caught:
                    await pool.ask(_GET, _Placed(10))
                assert caught.value.received == 4

    @pytest.mark.parametrize(
        "wire",
        [
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcdef",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabcdefghi\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
            b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 70_000,
        ],
    )
    async def test_what_does_not_fit_is_refused(self, wire: bytes) -> None:
        """Too much, too long, or no HTTP at all: an error that may be tried again, on another connection."""
        async with ScriptedServer(Answer([wire]), whole(200, b"abcd")) as server, _pool(server.address) as pool:
            with pytest.raises(MalformedResponse) as caught:
                await pool.ask(_GET, _Placed(4))
            assert caught.value.transient
            assert (await pool.ask(_GET, _Gathered()))[1] == b"abcd"
            assert server.connections == 2

    async def test_a_refusal_by_the_asker_is_raised_as_it_is(self) -> None:
        """And the body that nobody wants ends with the connection."""
        async with ScriptedServer(whole(200, b"abcd")) as server, _pool(server.address) as pool:
            refusal = BackendMisconfigured("not what was asked")
            with pytest.raises(BackendMisconfigured) as caught:
                await pool.ask(_GET, _Placed(4, refuse=refusal))
            assert caught.value is refusal
            await asyncio.wait_for(server.closed_by_client.wait(), 5)


class TestConnections:
    async def test_requests_one_after_the_other_share_a_connection(self) -> None:
        """Keep-alive."""
        async with ScriptedServer(*[whole(200, b"x")] * 5) as server, _pool(server.address) as pool:
            for _ in range(5):
                await pool.ask(_GET, _Gathered())
            assert server.connections == 1

    async def test_no_more_connections_than_the_limit(self) -> None:
        """Further requests wait for their turn."""
        async with ScriptedServer(*[whole(200, b"x")] * 9) as server, _pool(server.address, limit=3) as pool:
            await asyncio.gather(*(pool.ask(_GET, _Gathered()) for _ in range(9)))
            assert len(server.requests) == 9
            assert server.connections <= 3

    @pytest.mark.parametrize("end", ["close", "reset"])
    async def test_a_stale_connection_is_replaced_without_a_word(self, end: str) -> None:
        """A kept connection that dies before any byte of the answer costs one new connection, no error."""
        script = [whole(200, b"1"), Answer([], end), whole(200, b"2")]
        async with ScriptedServer(*script) as server, _pool(server.address) as pool:
            assert (await pool.ask(_GET, _Gathered()))[1] == b"1"
            assert (await pool.ask(_GET, _Gathered()))[1] == b"2"
            assert (server.connections, len(server.requests)) == (2, 3)

    async def test_a_new_connection_that_dies_is_an_error(self) -> None:
        """Only once: the request is not sent over and over."""
        script = [whole(200, b"1"), Answer([], "reset"), Answer([], "reset")]
        async with ScriptedServer(*script) as server, _pool(server.address) as pool:
            await pool.ask(_GET, _Gathered())
            with pytest.raises(Unavailable):
                await pool.ask(_GET, _Gathered())
            assert len(server.requests) == 3

    async def test_an_answer_that_breaks_off_in_its_head_is_not_asked_again(self) -> None:
        """Bytes of an answer mean that the server took the request."""
        script = [whole(200, b"1"), Answer([b"HTTP/1.1 2"], "close")]
        async with ScriptedServer(*script) as server, _pool(server.address) as pool:
            await pool.ask(_GET, _Gathered())
            with pytest.raises(Unavailable):
                await pool.ask(_GET, _Gathered())
            assert len(server.requests) == 2

    async def test_cancelling_closes_the_connection_and_frees_the_memory(self) -> None:
        """No byte is written after the cancellation, and the next request is not disturbed."""
        hang = Answer([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"], "hang")
        async with ScriptedServer(hang, whole(200, b"x")) as server, _pool(server.address) as pool:
            exchange = _Placed(10)
            task = asyncio.create_task(pool.ask(_GET, exchange))
            await wait_until_async(lambda: bool(exchange.progress), what="the first bytes")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.closed_by_client.wait(), 5)
            assert exchange.body == b"abc#######"
            assert (await pool.ask(_GET, _Gathered()))[1] == b"x"
            assert server.connections == 2

    async def test_nobody_listening_is_unavailable(self) -> None:
        """Refused at once, and worth another try later."""
        async with _pool((LOOPBACK, free_port())) as pool:
            with pytest.raises(Unavailable):
                await pool.ask(_GET, _Gathered())

    async def test_a_name_that_does_not_resolve_is_unavailable(self) -> None:
        """The words say which name."""
        async with _pool(("no-such-host.invalid", 80)) as pool:
            with pytest.raises(Unavailable, match=r"no-such-host\.invalid"):
                await pool.ask(_GET, _Gathered())

    async def test_a_connection_that_the_server_closes_is_forgotten(self) -> None:
        """While it is idle, not only when it would be used."""
        async with ScriptedServer(whole(200, b"x", end="close")) as server, _pool(server.address) as pool:
            await pool.ask(_GET, _Gathered())
            await wait_until_async(lambda: not pool._idle and not pool._all, what="the pool forgetting")

    async def test_a_closed_pool_takes_no_requests(self) -> None:
        """And closing twice is safe."""
        async with ScriptedServer(whole(200, b"x")) as server, _pool(server.address) as pool:
            await pool.ask(_GET, _Gathered())
            await pool.aclose()
            with pytest.raises(Unavailable):
                await pool.ask(_GET, _Gathered())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For localhost."""
    return self_signed(tmp_path_factory.mktemp("tls"))


class TestTls:
    async def test_a_body_lands_in_its_place_through_tls(self, certificate: Path) -> None:
        """Large bodies, and kept connections, as without it."""
        serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serving.load_cert_chain(certificate)
        trusting = ssl.create_default_context(cafile=str(certificate))
        body = bytes(range(256)) * 4096
        script = [whole(200, body)] * 2
        async with ScriptedServer(*script, tls=serving) as server, _pool(server.address, trusting) as pool:
            for _ in range(2):
                exchange = _Placed(len(body))
                await pool.ask(_GET, exchange)
                assert exchange.body == body
            assert server.connections == 1

    async def test_an_unknown_certificate_is_a_misconfiguration(self, certificate: Path) -> None:
        """Trying again would not help."""
        serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serving.load_cert_chain(certificate)
        async with (
            ScriptedServer(tls=serving) as server,
            _pool(server.address, ssl.create_default_context()) as pool,
        ):
            with pytest.raises(BackendMisconfigured, match="not trusted"):
                await pool.ask(_GET, _Gathered())
