"""What no honest client sends: raw HTTP/2 frames, made with h2 and hyperframe, and bytes that are none."""

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import anyio
import anyio.to_thread
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, Event, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.settings import SettingCodes
from hyperframe.frame import Frame, HeadersFrame, PingFrame, SettingsFrame

from tests.support.ports import LOOPBACK, wait_until_async
from tests.support.rpc_door import Asked, Door, Said, ScriptedDispatcher, open_door

GET = "/warpdrive.v1.ControlService/GetNamespace"
HEADERS = {
    ":method": "POST",
    ":scheme": "http",
    ":path": GET,
    ":authority": "x",
    "te": "trailers",
    "content-type": "application/grpc",
}
PATIENCE = 5.0


class Wire:
    """A blocking HTTP/2 client that checks nothing."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.h2 = H2Connection(
            H2Configuration(
                client_side=True,
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=False,
            )
        )
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        """Send what h2 has prepared."""
        self.link.sendall(self.h2.data_to_send())

    def request(self, headers: dict[str, str], body: bytes = b"", *, end: bool = True) -> int:
        """Begin a call; returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, list(headers.items()), end_stream=end and not body)
        if body:
            self.h2.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def events(self) -> Iterator[Event]:
        """Yield what comes until the server hangs up."""
        while data := self.link.recv(65536):
            yield from self.h2.receive_data(data)
            self.flush()

    def answer(self) -> dict[str, str]:
        """Return all headers and trailers of the next answer that ends."""
        found: dict[str, str] = {}
        for event in self.events():
            if isinstance(event, ResponseReceived | TrailersReceived):
                found.update({str(name): str(value) for name, value in event.headers})
            if isinstance(event, StreamEnded):
                return found
            if isinstance(event, StreamReset | ConnectionTerminated):
                break
        raise AssertionError("the server ended the call without an answer")

    def ending(self) -> int | None:
        """Return the code of the GOAWAY with which the server hangs up, None when it says nothing."""
        code: int | None = None
        try:
            for event in self.events():
                if isinstance(event, ConnectionTerminated):
                    code = int(event.error_code or 0)
        except TimeoutError:
            raise AssertionError("the server does not hang up") from None
        except OSError:
            return code
        return code


@contextmanager
def wire_to(door: Door) -> Iterator[Wire]:
    """Connect, with a time-out on every read."""
    with closing(socket.create_connection((LOOPBACK, door.port), timeout=PATIENCE)) as link:
        yield Wire(link)


def frame(message: bytes, *, flag: int = 0, length: int | None = None) -> bytes:
    """Return a message with its prefix, or with a false one."""
    return bytes([flag]) + (len(message) if length is None else length).to_bytes(4) + message


def status_of(door: Door, headers: dict[str, str], body: bytes, *, end: bool = True) -> str:
    """Make one call and return its grpc-status."""
    with wire_to(door) as wire:
        wire.request(headers, body, end=end)
        return wire.answer()["grpc-status"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", "3"),
        (b"\0\0", "3"),
        (frame(b"abc", length=10), "3"),
        (frame(b"", length=10), "3"),
        (frame(b"abc", flag=1), "13"),
        (frame(b"abc", flag=7), "13"),
        (frame(b"abc", length=2**32 - 1), "8"),
    ],
    ids=["nothing", "half a prefix", "cut off", "no message", "compressed", "odd flag", "4 GiB"],
)
async def test_a_malformed_message_is_answered_and_never_dispatched(body: bytes, status: str) -> None:
    """Each has its code: INVALID_ARGUMENT, INTERNAL for compression, RESOURCE_EXHAUSTED for size."""
    dispatcher = ScriptedDispatcher()
    async with open_door(dispatcher) as door:
        assert await anyio.to_thread.run_sync(lambda: status_of(door, HEADERS, body)) == status
        await wait_until_async(lambda: door.server.house.running == 0, what="the call's end")
    assert dispatcher.asked == []


async def test_an_oversized_prefix_is_answered_before_the_message_ends() -> None:
    """The length alone decides; the client has neither sent the rest nor ended the request."""
    async with open_door(ScriptedDispatcher()) as door:
        body = frame(b"a" * 1000, length=128 * 1024 * 1024)
        assert await anyio.to_thread.run_sync(lambda: status_of(door, HEADERS, body, end=False)) == "8"


async def test_a_request_that_never_ends_is_ended() -> None:
    """Headers and half a message, then nothing: DEADLINE_EXCEEDED, and the bytes set aside are free again."""
    async with open_door(ScriptedDispatcher(), receive_s=0.2) as door:
        body = frame(b"abc", length=1000)
        assert await anyio.to_thread.run_sync(lambda: status_of(door, HEADERS, body, end=False)) == "4"
        assert door.server.budget.free == 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({":method": "GET"}, {":status": "405"}),
        ({"content-type": "application/json"}, {":status": "415"}),
        ({"te": ""}, {"grpc-status": "3"}),
        ({"grpc-timeout": "9" * 400 + "H"}, {"grpc-status": "3"}),
        ({"grpc-timeout": "-1S"}, {"grpc-status": "3"}),
        ({"grpc-encoding": "gzip"}, {"grpc-status": "12", "grpc-accept-encoding": "identity"}),
        ({":path": "/nothing"}, {"grpc-status": "12"}),
        ({"token-bin": "a"}, {"grpc-status": "0"}),
        ({"grpc-timeout": "99999999H"}, {"grpc-status": "0"}),
    ],
)
async def test_odd_headers_are_answered(changes: dict[str, str], expected: dict[str, str]) -> None:
    """Nobody is left waiting for an answer that an exception swallowed."""

    def ask() -> dict[str, str]:
        with wire_to(door) as wire:
            wire.request({name: value for name, value in {**HEADERS, **changes}.items() if value}, frame(b"x"))
            return wire.answer()

    async with open_door(ScriptedDispatcher()) as door:
        answer = await anyio.to_thread.run_sync(ask)
    assert expected.items() <= answer.items()


@pytest.mark.parametrize("missing", [":method", ":path"])
async def test_headers_without_a_request_end_the_connection(missing: str) -> None:
    """HTTP/2 calls it a protocol error (1)."""

    def ask() -> int | None:
        with wire_to(door) as wire:
            wire.request({name: value for name, value in HEADERS.items() if name != missing}, frame(b"x"))
            return wire.ending()

    async with open_door(ScriptedDispatcher()) as door:
        assert await anyio.to_thread.run_sync(ask) == 1


async def test_headers_that_are_no_ascii_end_the_connection() -> None:
    """h2 answers them with an exception that is no protocol error of its own; the server survives it."""

    def ask() -> int | None:
        with wire_to(door) as wire:
            wire.request({**HEADERS, "x-name": "müller"}, frame(b"x"))
            return wire.ending()

    async with open_door(ScriptedDispatcher()) as door:
        await anyio.to_thread.run_sync(ask)
        assert await anyio.to_thread.run_sync(lambda: status_of(door, HEADERS, frame(b"x"))) == "0"


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 8, b"\x16\x03\x01\x02\x00"])
async def test_bytes_that_are_no_http2_end_the_connection(noise: bytes) -> None:
    """Nothing else happens."""

    def ask() -> None:
        with closing(socket.create_connection((LOOPBACK, door.port), timeout=PATIENCE)) as link:
            link.sendall(noise)
            link.shutdown(socket.SHUT_WR)
            try:
                while link.recv(65536):
                    pass
            except ConnectionResetError:
                return

    async with open_door(ScriptedDispatcher()) as door:
        await anyio.to_thread.run_sync(ask)
        await wait_until_async(lambda: door.server.connections == 0, what="the peer's end")


async def test_a_message_may_come_in_pieces_and_with_empty_frames_between() -> None:
    """How bytes are cut into frames means nothing."""

    def ask() -> str:
        with wire_to(door) as wire:
            stream = wire.request(HEADERS, end=False)
            for piece in (b"\0\0\0", b"", b"\0\x04a", b"", b"bc", b"", b"d"):
                wire.h2.send_data(stream, piece)
                wire.flush()
            wire.h2.end_stream(stream)
            wire.flush()
            return wire.answer()["grpc-status"]

    dispatcher = ScriptedDispatcher()
    async with open_door(dispatcher) as door:
        assert await anyio.to_thread.run_sync(ask) == "0"
    assert [asked.request for asked in dispatcher.asked] == [b"abcd"]


@pytest.mark.parametrize("greeting", [b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize()])
async def test_a_peer_that_answers_nothing_is_hung_up_on(greeting: bytes) -> None:
    """Whether it has said hello or not: it does not hold its place among the connections."""

    def wait() -> bytes:
        with closing(socket.create_connection((LOOPBACK, door.port), timeout=PATIENCE)) as link:
            link.sendall(greeting)
            received = b""
            while data := link.recv(65536):
                received += data
            return received

    async with open_door(ScriptedDispatcher(), keepalive_s=0.1, keepalive_answer_s=0.1) as door:
        assert await anyio.to_thread.run_sync(wait)
        await wait_until_async(lambda: door.server.connections == 0, what="the peer's end")


async def test_a_peer_that_asks_on_and_never_reads_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """What waits for it is bounded: with answers for megabytes unread, its next frame is its last."""

    def ask() -> None:
        with wire_to(door) as wire:
            wire.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**26})
            wire.h2.increment_flow_control_window(2**26)
            for _ in range(4):
                wire.request(HEADERS, frame(b"x"))
            with contextlib.suppress(OSError):
                for number in range(2**16):
                    wire.link.sendall(PingFrame(0, number.to_bytes(8)).serialize())
                raise AssertionError("65,536 questions were taken")

    async def generous(_asked: Asked) -> Said:
        return Said(bytes(8 * 1024 * 1024))

    dispatcher = ScriptedDispatcher(generous)
    async with open_door(dispatcher, unsent=16_384, frames_burst=2**17) as door:
        with caplog.at_level(logging.WARNING):
            await anyio.to_thread.run_sync(ask)
        await wait_until_async(lambda: door.server.connections == 0, what="the peer's end")
    assert "does not read" in caplog.text


async def test_calls_beyond_the_bound_of_all_connections_are_refused() -> None:
    """Requests that never finish hold a place each, wherever they come from; the next one has its answer at once."""

    def begin(wire: Wire) -> None:
        wire.request(HEADERS, end=False)
        wire.request(HEADERS, end=False)

    async with open_door(ScriptedDispatcher(), calls=3) as door:
        with wire_to(door) as first, wire_to(door) as second:
            await anyio.to_thread.run_sync(begin, first)
            await wait_until_async(lambda: door.server.house.running == 2, what="the first two calls")
            await anyio.to_thread.run_sync(begin, second)
            answer = await anyio.to_thread.run_sync(second.answer)
    assert answer["grpc-status"] == "8"


async def test_an_unknown_kind_of_frame_is_ignored() -> None:
    """HTTP/2 wants it so; the call beside it is answered."""

    def ask() -> str:
        with wire_to(door) as wire:
            wire.link.sendall(b"\x00\x00\x04" + b"\xee" + b"\x00" + b"\x00\x00\x00\x00" + b"abcd")
            wire.request(HEADERS, frame(b"x"))
            return wire.answer()["grpc-status"]

    async with open_door(ScriptedDispatcher()) as door:
        assert await anyio.to_thread.run_sync(ask) == "0"


def _pings(_stream: int) -> list[Frame]:
    return [PingFrame(0, b"12345678")]


def _settings(_stream: int) -> list[Frame]:
    return [SettingsFrame(0, {SettingsFrame.HEADER_TABLE_SIZE: 4096 + _stream % 2})]


@pytest.mark.parametrize("flood", [_pings, _settings], ids=["pings", "settings"])
async def test_a_flood_of_frames_that_want_answers_is_cut_off(flood: Callable[[int], list[Frame]]) -> None:
    """GOAWAY says ENHANCE_YOUR_CALM (11) where the peer still reads; others are served on."""

    def ask() -> int | None:
        with wire_to(door) as wire:
            try:
                for number in range(400):
                    wire.link.sendall(b"".join(each.serialize() for each in flood(number)))
            except OSError:
                return None  # cut off while still sending
            return wire.ending()

    async with open_door(ScriptedDispatcher(), frames_burst=100, frames_per_s=1.0) as door:
        assert await anyio.to_thread.run_sync(ask) in {11, None}
        await wait_until_async(lambda: door.server.connections == 0, what="the peer's end")
        assert await anyio.to_thread.run_sync(lambda: status_of(door, HEADERS, frame(b"x"))) == "0"


async def test_calls_that_are_reset_as_soon_as_they_begin_are_cut_off_and_leave_nothing() -> None:
    """Rapid reset: beyond the allowance the connection ends, and no call remains."""

    def ask() -> None:
        with wire_to(door) as wire:
            try:
                for _ in range(400):
                    wire.h2.reset_stream(wire.request(HEADERS, end=False))
                    wire.flush()
            except OSError:
                return
            wire.ending()

    async with open_door(ScriptedDispatcher(), frames_burst=100, frames_per_s=1.0) as door:
        await anyio.to_thread.run_sync(ask)
        await wait_until_async(lambda: door.server.connections == 0, what="the peer's end")
        await wait_until_async(lambda: door.server.house.running == 0, what="the calls' end")


async def test_more_calls_at_once_than_announced_end_the_connection() -> None:
    """The peer was told the bound in SETTINGS."""

    def ask() -> int | None:
        with wire_to(door) as wire:
            wire.h2.remote_settings.max_concurrent_streams = 1000
            try:
                for _ in range(30):
                    wire.request(HEADERS, end=False)
            except OSError:
                return None  # cut off while still sending
            return wire.ending()

    async with open_door(ScriptedDispatcher(), streams=20) as door:
        await anyio.to_thread.run_sync(ask)
        await wait_until_async(lambda: door.server.house.running == 0, what="the calls' end")


async def test_headers_without_end_are_cut_off() -> None:
    """CONTINUATION after CONTINUATION: h2's bound on a header block holds."""

    def ask() -> int | None:
        with wire_to(door) as wire:
            head = HeadersFrame(1, b"\x00\x01a\x01b")
            block = head.serialize()
            more = b"\x00\x00\x05" + b"\x09" + b"\x00" + b"\x00\x00\x00\x01" + b"\x00\x01a\x01b"
            try:
                wire.link.sendall(block + more * 5000)
            except OSError:
                return 1
            return wire.ending()

    async with open_door(ScriptedDispatcher()) as door:
        await anyio.to_thread.run_sync(ask)
        await wait_until_async(lambda: door.server.connections == 0, what="the peer's end")
