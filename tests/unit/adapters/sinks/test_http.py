"""Batches as ProtoJSON: the same message as over gRPC, and what each status means."""

import json
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import anyio
import httpx
import pytest
from google.protobuf import json_format

from tests.support.access_records import access_record
from tests.support.manual_clock import ManualClock
from tests.support.ports import LOOPBACK, free_port
from tests.support.shipped import shipment
from warpdrive.adapters.sinks.batch import BatchMark, Span, cut, request_in, stamped
from warpdrive.adapters.sinks.http import HttpSender, as_json
from warpdrive.adapters.sinks.sender import Denied, NotTaken, Refused, Unreachable, Unwelcome
from warpdrive.domain.content.texts import escaped

NOW = round(ManualClock().wall() * 1000)


def a_request() -> bytes:
    """Return a batch of two records, one with a name of raw bytes."""
    mark = BatchMark(1, UUID(int=7), NOW, 2, 3, Span(NOW - 5000, NOW))
    records = [access_record(1), access_record(2**53 + 1, key="r\udce9sum\xe9")]
    return stamped(cut(mark, records, node="node-7", metadata_sample_rate=0.1), NOW)


def sender_over(answer: Callable[[httpx.Request], httpx.Response], secret: str = "wd_x") -> HttpSender:
    """Return a sender whose requests are answered here."""

    async def token() -> str:
        return secret

    return HttpSender(
        "https://control.example/", token, ssl.create_default_context, transport=httpx.MockTransport(answer)
    )


def test_it_is_the_same_message_as_over_grpc() -> None:
    """Every number keeps its digits, every text its escapes."""
    request = a_request()
    written = as_json(request)
    message = request_in(b"")
    json_format.Parse(written, message)
    assert message == request_in(request)
    columns = shipment(message.SerializeToString()).columns
    assert columns.strings[columns.key[1]] == escaped("r\udce9sum\xe9")
    assert columns.bytes_read == [1, 2**53 + 1]


async def test_it_is_posted_with_the_token() -> None:
    """To the route of the contract."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"accepted": "2"})

    sender = sender_over(answer)
    await sender.send(a_request())
    await sender.aclose()
    (request,) = asked
    assert (request.method, str(request.url)) == ("POST", "https://control.example/api/v1/ingest")
    assert request.headers["authorization"] == "Bearer wd_x"
    assert json.loads(request.content)["batchId"] == "00000000-0000-0000-0000-000000000007"


@pytest.mark.parametrize(
    ("response", "meaning", "wait"),
    [
        (httpx.Response(400, json={"code": 3, "message": "columns.op"}), Refused, None),
        (httpx.Response(409, json={"code": 6, "message": "another"}), Refused, None),
        (httpx.Response(413, json={"code": 3, "message": "too long"}), Refused, None),
        (httpx.Response(413, text="<html>nginx</html>"), Unwelcome, None),
        (httpx.Response(400, json={"oops": 1}), Unwelcome, None),
        (httpx.Response(401, json={"code": 16, "message": "who?"}), Unwelcome, None),
        (httpx.Response(403), Denied, None),
        (httpx.Response(404), Unwelcome, None),
        (httpx.Response(302, headers={"location": "https://elsewhere.example/"}), Unwelcome, None),
        (httpx.Response(200, text="<html>welcome to the hotel</html>"), Unwelcome, None),
        (httpx.Response(200, json=[1]), Unwelcome, None),
        (httpx.Response(429, headers={"retry-after": "7"}), Unreachable, 7.0),
        (httpx.Response(503, headers={"retry-after": "soon"}), Unreachable, None),
        (httpx.Response(500), Unreachable, None),
        (httpx.Response(504), Unreachable, None),
        (httpx.Response(503, text="[" * 200_000), Unreachable, None),
    ],
)
async def test_a_status_says_whether_to_come_back(
    response: httpx.Response, meaning: type[NotTaken], wait: float | None
) -> None:
    """Never, when a person has mended something, or soon; a token follows no redirect."""
    sender = sender_over(lambda _: response)
    with pytest.raises(NotTaken) as caught:
        await sender.send(a_request())
    await sender.aclose()
    assert type(caught.value) is meaning
    assert getattr(caught.value, "retry_after", None) == wait


async def test_nobody_there_is_no_reason_to_give_up() -> None:
    """A refused connection, and one that is slow."""

    async def token() -> str:
        return ""

    sender = HttpSender(f"http://{LOOPBACK}:{free_port()}", token, ssl.create_default_context)
    with pytest.raises(Unreachable):
        await sender.send(a_request())

    def slow(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("")

    with pytest.raises(Unreachable, match="in time"):
        await sender_over(slow).send(a_request())


async def test_an_answer_that_nobody_can_read_is_no_reason_to_give_up() -> None:
    """Nor to end: what is not packed as it says."""

    async def token() -> str:
        return ""

    class Packed(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            headers = {"content-encoding": "gzip"}
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"no gzip"), request=request)

    sender = HttpSender("http://control.example", token, ssl.create_default_context, transport=Packed())
    with pytest.raises(Unreachable):
        await sender.send(a_request())
    await sender.aclose()


async def test_an_answer_has_one_deadline_however_slowly_it_drips() -> None:
    """A word now and then would keep each single read alive for ever."""

    async def token() -> str:
        return ""

    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await anyio.sleep(0.01)
                yield b" "

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Dripping(), request=request)

    sender = HttpSender("http://control.example", token, ssl.create_default_context, transport=Slow(), timeout=0.1)
    with anyio.fail_after(5), pytest.raises(Unreachable, match="in time"):
        await sender.send(a_request())
    await sender.aclose()


async def test_a_file_that_cannot_be_used_waits_for_a_person(tmp_path: Path) -> None:
    """A token's or a certificate's."""

    async def token() -> str:
        raise FileNotFoundError(tmp_path / "token")

    sender = HttpSender("http://127.0.0.1:1", token, ssl.create_default_context, faults=(FileNotFoundError,))
    with pytest.raises(Unwelcome, match="token"):
        await sender.send(a_request())
