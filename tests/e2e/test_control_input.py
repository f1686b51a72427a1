"""What strangers and bugs may send to a real control plane, over both doors: refused properly, and it goes on."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.control_planes import ControlPlaneProcess
from tests.support.grpc_caller import GrpcCaller, grpc_caller
from tests.support.ports import LOOPBACK
from tests.support.raw_http import exchange, statuses
from warpdrive.adapters.wire.contract import Method, contract

MIB = 1024 * 1024
SQL = "'; DROP TABLE warpdrive_events; --"
NAMESPACES = "/api/v1/namespaces"
UNARY = sorted(name for name, method in contract().methods.items() if method.route is not None)

_SECRET = re.compile(r"wd_[A-Za-z0-9_.-]{20,}")


@pytest.fixture
def plane(shared_plane: ControlPlaneProcess) -> Iterator[ControlPlaneProcess]:
    """Give a control plane that after each test still serves, has met no defect, and told no secret."""
    yield shared_plane
    assert shared_plane.process.poll() is None
    assert shared_plane.must("GET", "/api/v1/whoami")["role"] == "ROLE_ADMIN"
    printed = shared_plane.printed()
    assert "Traceback" not in printed
    assert "code=INTERNAL" not in printed
    assert not _SECRET.search(printed)


@pytest.fixture
def secret(plane: ControlPlaneProcess) -> str:
    """Make an admin of its own for each test: calls are counted for each caller."""
    made = plane.issue(role="ROLE_ADMIN")
    assert _SECRET.fullmatch(made), "or no test here would notice a secret"
    return made


@pytest.fixture
def over_grpc(plane: ControlPlaneProcess, secret: str) -> Iterator[GrpcCaller]:
    """Call by grpc's own client."""
    with grpc_caller(plane.grpc, secret) as caller:
        yield caller


def _first_text(method: Method) -> int | None:
    """Return the number of the request's first text field."""
    texts = (each.number for each in method.request.fields if each.cpp_type == each.CPPTYPE_STRING)
    return next(texts, None)


def _request(secret: str, line: str, body: bytes = b"", *headers: str) -> bytes:
    """Write a request down, byte by byte, after which the connection is to close."""
    head = [f"{line} HTTP/1.1", "Host: x", "Connection: close", f"Authorization: Bearer {secret}"]
    head += [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    return "\r\n".join([*head, *headers, "", ""]).encode("latin-1") + body


@contextlib.contextmanager
def _no_growth(plane: ControlPlaneProcess, *, most: int) -> Iterator[None]:
    """Insist that the process never holds so many bytes more than before, during the block."""
    proc = Path(f"/proc/{plane.process.pid}")
    (proc / "clear_refs").write_text("5")  # forgets the highest mark so far
    before = _kib(proc, "VmRSS")
    yield
    assert (_kib(proc, "VmHWM") - before) * 1024 < most


def _kib(proc: Path, what: str) -> int:
    line = next(line for line in (proc / "status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1])


def test_every_method_refuses_bytes_that_are_no_message(over_grpc: GrpcCaller) -> None:
    """Garbage, cut off in a field, cut off in a number, a group that never ends, text that is not UTF-8."""
    for name in (*UNARY, "ControlService/WatchAgent"):
        broken = [b"\xff\xff\xff", b"\x0a\x05ab", b"\x08\x80", b"\x0b" * 200, b"\x0a\xff\xff\xff\xff\x0f"]
        text = _first_text(contract().methods[name])
        if text is not None:
            broken.append(bytes([text << 3 | 2, 2, 0xFF, 0xFE]))
            broken.append(bytes([text << 3 | 2, 3]) + b"a\0b")
        for request in broken:
            assert over_grpc.outcome(name, request) == "INVALID_ARGUMENT", (name, request)


def test_every_route_refuses_a_body_that_is_no_object(plane: ControlPlaneProcess, secret: str) -> None:
    """400 for each method that takes a body, whatever is wrong with the JSON."""
    for name in UNARY:
        route = contract().methods[name].route
        assert route is not None
        if not route.body:
            continue
        path = re.sub(r"\{\w+\}", "some", route.path)
        for body in (b"{", b"[]", b'{"a": NaN}', b'{"a":1,"a":2}', b'"\xff\xfe"', b"\x00"):
            answered = exchange(plane.url, _request(secret, f"{route.verb.upper()} {path}", body))
            assert statuses(answered) == [400], (name, body, answered[-300:])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (NAMESPACES, b"[" * 100_000),
        (NAMESPACES, b'{"a":' * 100_000),
        (NAMESPACES, b'{"name":"deep","entries":' + b"[" * 900 + b"]" * 900 + b"}"),
        (NAMESPACES, b'{"name":"\xff\xfe"}'),
        (NAMESPACES, b'{"name":"\\ud800"}'),
        (NAMESPACES, b'{"name":"a\\u0000b"}'),
        (NAMESPACES, b'{"name":' + b"9" * 5000 + b"}"),
        (NAMESPACES, b'{"name":{}}'),
        (NAMESPACES, b'{"name":"' + b"a" * (3 * MIB) + b'"}'),
        (NAMESPACES, b'{"name":"m","entries":[' + b",".join([b"{}"] * 20_000) + b"]}"),
        ("/api/v1/tokens", b'{"role":99}'),
        ("/api/v1/tokens", b'{"role":-1}'),
        ("/api/v1/tokens", b'{"role":"ROLE_KING"}'),
        ("/api/v1/tokens", b'{"role":2147483648}'),
        ("/api/v1/tokens", b'{"role":"ROLE_VIEWER","expiresIn":"99999999999999999999d"}'),
        ("/api/v1/agents/n/heartbeat", b'{"health":"ok","position":"9223372036854775808"}'),
        ("/api/v1/agents/n/heartbeat", b'{"health":"ok","position":1e400}'),
    ],
)
def test_a_body_that_cannot_be_right_is_told_so(
    plane: ControlPlaneProcess, secret: str, path: str, body: bytes
) -> None:
    """400 with the field, and an answer that does not repeat megabytes."""
    answered = exchange(plane.url, _request(secret, f"POST {path}", body))
    assert statuses(answered) == [400], answered[-300:]
    assert len(answered) < 8_000


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("/%ff", 400),
        ("/%00", 400),
        ("/a%00b", 400),
        ("/..%2f..%2fetc%2fpasswd", 404),
        ("/%27%3B%20DROP%20TABLE%20warpdrive_events%3B%20--", 404),
        ("/" + "a" * 50_000, 404),
        ("//seal", 404),
        ("?pageSize=2147483647", 400),
        ("?pageSize=-1", 400),
        ("?pageSize=99999999999999999999", 400),
        ("?pageSize=1e3", 400),
        ("?pageToken=nonsense", 400),
        ("?pageToken=W10", 400),
        ("?pageToken=WyJhIl0", 400),
        ("?pageToken=" + "A" * 50_000, 400),
        ("?pageToken=%ff", 400),
        ("?pageToken=%00", 400),
        ("?retired=perhaps", 400),
        ("?" + "&".join(f"a{number}=1" for number in range(2_000)), 400),
    ],
)
def test_a_path_or_query_that_cannot_be_right_is_told_so(
    plane: ControlPlaneProcess, secret: str, query: str, status: int
) -> None:
    """4xx, whatever is in it."""
    answered = exchange(plane.url, _request(secret, f"GET {NAMESPACES}{query}"))
    assert statuses(answered) == [status], answered[-300:]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("ListNamespaces", {"page_size": 2**31 - 1}),
        ("ListNamespaces", {"page_size": -1}),
        ("ListNamespaces", {"page_token": "nonsense"}),
        ("ListTokens", {"page_token": SQL}),
        ("ListAgents", {"page_token": "A" * 100_000}),
        ("CreateToken", {"role": 99}),
        ("CreateToken", {"role": -(2**31)}),
        ("Heartbeat", {"node": "n", "health": "ok", "position": -1}),
        ("RegisterAgent", {"node": "a\0b", "namespace": "n"}),
        ("CreateNamespace", {"name": "a" * (3 * MIB)}),
        ("RevokeToken", {"token_id": SQL}),
        ("GetTenantAccess", {"tenant_id": SQL}),
    ],
)
def test_a_message_that_cannot_be_right_is_told_so(over_grpc: GrpcCaller, name: str, fields: dict[str, Any]) -> None:
    """INVALID_ARGUMENT over gRPC."""
    assert over_grpc.ask(f"ControlService/{name}", **fields) == "INVALID_ARGUMENT"


def test_names_that_look_like_sql_are_only_names(plane: ControlPlaneProcess, secret: str) -> None:
    """What is allowed as a name is kept as it is, found again and listed; no table is missing afterwards."""
    made = plane.ask("POST", NAMESPACES, {"name": SQL}, token=secret)
    assert made.status_code == 200, made.text
    shown = {"x-warpdrive-min-position": made.headers["x-warpdrive-position"]}
    quoted = "%27%3B%20DROP%20TABLE%20warpdrive_events%3B%20--"
    assert plane.must("GET", f"{NAMESPACES}/{quoted}", token=secret, headers=shown)["name"] == SQL
    assert SQL in {each["name"] for each in plane.must("GET", NAMESPACES, token=secret)["namespaces"]}
    assert plane.ask("POST", NAMESPACES, {"name": SQL}, token=secret).status_code == 409
    assert plane.ask("DELETE", f"{NAMESPACES}/{quoted}", token=secret).status_code == 200


def test_a_message_of_128_mib_is_refused_before_it_is_taken(plane: ControlPlaneProcess, over_grpc: GrpcCaller) -> None:
    """By its length over gRPC; over REST by its length or, without one, after four of them. Memory does not grow."""
    head = _request(plane.token, f"POST {NAMESPACES}").removesuffix(b"\r\n")
    with _no_growth(plane, most=64 * MIB):
        assert over_grpc.outcome("ControlService/CreateNamespace", bytes(128 * MIB)) == "RESOURCE_EXHAUSTED"
        told = head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (128 * MIB)
        assert statuses(exchange(plane.url, told, *[b" " * MIB] * 128)) == [413]
        untold = head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert statuses(exchange(plane.url, untold, *[b"100000\r\n" + b" " * MIB + b"\r\n"] * 128)) == [413]


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 19\r\nContent-Length: 0",
        "Content-Length: -1",
        "Content-Length: 19, 0",
        "Content-Length : 19",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "X-A: a\0b",
        "X-A: " + "a" * MIB,
        "Content-Type: text/plain\r\nContent-Length: 19",
        "Content-Type: application/json; charset=utf-16\r\nContent-Length: 19",
    ],
)
def test_a_request_that_two_readers_could_read_differently_is_refused(
    plane: ControlPlaneProcess, secret: str, head: str
) -> None:
    """4xx, once, and what followed it was no second request."""
    lines = _request(secret, f"POST {NAMESPACES}").decode().removesuffix("\r\n")
    answered = exchange(plane.url, f"{lines}{head}\r\n\r\n".encode() + b'{"name":"smuggled"}')
    assert len(statuses(answered)) == 1
    assert 400 <= statuses(answered)[0] < 500, answered[-300:]
    assert plane.ask("GET", f"{NAMESPACES}/smuggled").status_code == 404


def test_headers_change_neither_the_caller_nor_the_route(plane: ControlPlaneProcess, over_grpc: GrpcCaller) -> None:
    """Two tokens are none, in whichever order; another path or verb is ignored, a bad key or position refused."""
    viewer = plane.issue(role="ROLE_VIEWER")
    for first, second in ((viewer, plane.token), (plane.token, viewer)):
        answered = exchange(plane.url, _request(first, "GET /api/v1/tokens", b"", f"Authorization: Bearer {second}"))
        assert statuses(answered) == [401]
    twice = (("authorization", f"Bearer {viewer}"),)
    assert over_grpc.outcome("ControlService/WhoAmI", b"", metadata=twice) == "UNAUTHENTICATED"
    tricks = {"x-original-url": "/api/v1/tokens", "x-rewrite-url": "/api/v1/tokens", "x-http-method-override": "DELETE"}
    assert plane.must("GET", "/api/v1/whoami", token=viewer, headers=tricks)["role"] == "ROLE_VIEWER"
    for key in ("1; DROP TABLE commands", "", "0" * 10_000):
        asked = plane.ask("POST", NAMESPACES, {"name": "keyless"}, headers={"idempotency-key": key})
        assert (asked.status_code, asked.json()["code"]) == (400, 3)
    for position in ("-1", "1e3", "9" * 30):
        asked = plane.ask("GET", NAMESPACES, headers={"x-warpdrive-min-position": position})
        assert (asked.status_code, asked.json()["code"]) == (400, 3)


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01" * 50, b"\r\n" * 1000 + b"\0", b"GET\r\n\r\n"])
def test_what_is_no_http_is_answered_and_hung_up_on(plane: ControlPlaneProcess, garbage: bytes) -> None:
    """A TLS greeting, nothing at all, half a line: 400; on the other door a closed connection."""
    assert statuses(exchange(plane.url, garbage)) == [400]
    assert statuses(exchange(f"http://{plane.grpc}", garbage)) == []


def test_a_caller_that_leaves_in_the_middle_is_no_defect(plane: ControlPlaneProcess, secret: str) -> None:
    """Half a body and gone: nothing was done, and nothing is made of it."""
    place = plane.url.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((place[0], int(place[1]))) as connection:
            body = json.dumps({"name": "half"}).encode()
            connection.sendall(_request(secret, f"POST {NAMESPACES}", body)[:-5])
    assert plane.ask("GET", f"{NAMESPACES}/half").status_code == 404


def test_hundreds_of_connections_that_say_nothing_leave_room_for_one_that_does(
    plane: ControlPlaneProcess, secret: str
) -> None:
    """Three hundred on each door, half of them in the middle of a request."""
    rest, grpc = int(plane.url.rpartition(":")[2]), int(plane.grpc.rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        for number in range(300):
            for port, begin in ((rest, b"POST /api/v1/namesp"), (grpc, b"PRI * HTTP/2.0\r\n\r\nSM\r\n")):
                idle = stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=5.0))
                if number % 2:
                    idle.sendall(begin)
        assert plane.ask("GET", "/api/v1/whoami", token=secret).status_code == 200
        with grpc_caller(plane.grpc, secret) as caller:
            assert caller.ask("ControlService/WhoAmI") == "OK"


def test_a_key_of_another_request_is_refused(plane: ControlPlaneProcess, secret: str) -> None:
    """The same key with another request is no repetition: 409, and the first deed stays as it was."""
    key = {"idempotency-key": str(uuid4())}
    assert plane.ask("POST", NAMESPACES, {"name": "keyed"}, token=secret, headers=key).status_code == 200
    other = plane.ask("POST", NAMESPACES, {"name": "keyed-2"}, token=secret, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, 6)
