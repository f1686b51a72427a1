"""The door behaves like grpc-gateway."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.rest_door import RestDoor
from tests.support.views import NAMESPACE, QUOTA, TEAM, TENANT, TOKEN
from warpdrive.application.control.calls import Page
from warpdrive.application.control.errors import AlreadyThere, Malformed, NotFound, TooBusy, VersionMismatch
from warpdrive.application.control.views import IssuedToken
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.domain.namespace.errors import NamespaceSealed
from warpdrive.domain.token.values import Role

NAMESPACES = "/api/v1/namespaces"


@pytest.fixture
def door() -> RestDoor:
    """A door whose use cases answer with one namespace, team, tenant and quota."""
    door = RestDoor()
    door.fake.answers = {
        "quotas.get": QUOTA,
        "quotas.page": Page((QUOTA,)),
        "teams.remove_member": TEAM,
        "tenants.grant": TENANT,
        "tokens.create": IssuedToken(TOKEN, "wd_new"),
        "namespaces.page": Page((NAMESPACE,), "next page"),
    }
    door.fake.always = NAMESPACE
    return door


@pytest.fixture
async def client(door: RestDoor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door with a good token."""
    async with door.client() as client:
        yield client


def given(door: RestDoor) -> tuple[Any, ...]:
    """Return what the last use case was handed beside the call."""
    return door.fake.asked[-1].given


async def test_answers_are_proto_json(client: httpx.AsyncClient) -> None:
    """lowerCamelCase, 64-bit integers as texts, defaults written out, what is unset left out."""
    body = (await client.get("/api/v1/quota/state", params={"team": "vision"})).json()
    assert body == {
        "team": "vision",
        "teamId": "team-id",
        "backend": "*",
        "softBytes": str(2**53 + 1),
        "hardBytes": str(2**63 - 1),
        "graceSeconds": "3",
        "standing": "unknown",
        "version": "4",
        "updatedAt": "2026-01-31T08:00:00Z",
    }
    listed = (await client.get("/api/v1/quota")).json()
    assert listed["nextPageToken"] == "", "a default is written out"


async def test_input_takes_both_spellings(door: RestDoor, client: httpx.AsyncClient) -> None:
    """snake_case and lowerCamelCase mean the same, in bodies and in queries."""
    for name in ("enforce_private_link", "enforcePrivateLink"):
        answer = await client.put("/api/v1/tenants/t", json={name: True, "backends": ["b"]})
        assert answer.status_code == 200
        assert given(door)[1].enforce_private_link is True
    for name in ("page_size", "pageSize"):
        await client.get(NAMESPACES, params={name: "7"})
        assert door.fake.asked[-1].named["size"] == 7


async def test_integers_come_as_texts_or_numbers(door: RestDoor, client: httpx.AsyncClient) -> None:
    """ProtoJSON takes both for 64 bits."""
    for value in ("5", 5, 5.0):
        await client.put(f"{NAMESPACES}/train", json={"expectedVersion": value})
        assert door.fake.asked[-1].named["expected_version"] == 5


async def test_unknown_fields_are_ignored(client: httpx.AsyncClient) -> None:
    """A newer client is understood as far as we know its words, in bodies and in queries."""
    assert (await client.post(NAMESPACES, json={"name": "x", "colour": {"deep": [1]}})).status_code == 200
    assert (await client.get(f"{NAMESPACES}?colour=red&entries.deep=1")).status_code == 200


async def test_a_path_wins_over_the_body(door: RestDoor, client: httpx.AsyncClient) -> None:
    """What the path says is what was authorised."""
    await client.put(f"{NAMESPACES}/train", json={"namespace": "other"})
    assert given(door)[0] == "train"


@pytest.mark.parametrize(
    "name", ["a b", "50%", "a/b", "caf\u00e9", "..", "seal", "a?b#c", "\U0001f680", "%2F", "a+b", ";,="]
)
async def test_any_printable_name_fits_a_path(door: RestDoor, client: httpx.AsyncClient, name: str) -> None:
    """Percent-encoding is taken off once, segment by segment: a slash in a name makes no new segment."""
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    answer = await client.request("DELETE", f"/api/v1/teams/vision/members/{encoded}")
    assert answer.status_code == 200
    assert (door.fake.asked[-1].verb, given(door)) == ("remove_member", ("vision", name))


async def test_a_name_that_is_not_utf8_is_refused(client: httpx.AsyncClient) -> None:
    """In a path or in a query."""
    assert (await client.get(f"{NAMESPACES}/%ff")).status_code == 400
    assert (await client.get(f"{NAMESPACES}?pageToken=%ff")).status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/namespaces//mounts", "/api/v1/namespaces/", "//api/v1/namespaces", "/"])
async def test_an_empty_segment_leads_nowhere(door: RestDoor, client: httpx.AsyncClient, path: str) -> None:
    """A script whose variable is empty does not retire a namespace called "mounts"."""
    answer = await client.request("DELETE", path, params={"path": "/a"})
    assert (answer.status_code, answer.json()["code"]) == (404, 5)
    assert door.fake.asked == []


async def test_queries_reach_repeated_and_nested_fields(door: RestDoor, client: httpx.AsyncClient) -> None:
    """Deletes have no body: everything stands in the query."""
    await client.request("DELETE", "/api/v1/teams/vision/rules", params={"backend": "b", "prefix": "data/x y/"})
    rule = given(door)[1]
    assert (rule.backend, rule.prefix) == ("b", "data/x y/")


@pytest.mark.parametrize(
    "query", ["pageSize=x", "pageSize=1&pageSize=2", "pageSize=99999999999", "retired=yes", "retired", "pageSize=1.5"]
)
async def test_a_query_of_the_wrong_kind_is_refused(client: httpx.AsyncClient, query: str) -> None:
    """With the field's name."""
    answer = await client.get(f"{NAMESPACES}?{query}")
    assert answer.status_code == 400
    violations = answer.json()["details"][1]["fieldViolations"]
    assert violations[0]["field"] in {"page_size", "retired"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"name": NaN}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"name": 5}',
        b'{"entries": {}}',
        b'{"entries": [{"backend": {"options": {"a": 1}}}]}',
        b'{"name": "a"} trailing',
        b"[" * 100_000,
        b'{"entries":[' + b'{"backend":' * 500 + b"{}" + b"}" * 500 + b"]}",
        b'{"name": ' + b"9" * 10_000 + b"}",
        b'{"pageSize": 1e400, "entries": 1e400}',
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
async def test_a_malformed_body_is_an_invalid_argument(door: RestDoor, client: httpx.AsyncClient, body: bytes) -> None:
    """Whatever is wrong in it, the answer is a Status and no use case hears of it."""
    answer = await client.post(NAMESPACES, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert door.fake.asked == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
async def test_another_kind_of_body_is_unsupported(client: httpx.AsyncClient, kind: str) -> None:
    """415, as a Status."""
    answer = await client.post(NAMESPACES, content=b"{}", headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, 3)


async def test_no_body_is_an_empty_one(client: httpx.AsyncClient) -> None:
    """What has nothing to say needs no braces."""
    assert (await client.post(f"{NAMESPACES}/train/seal")).status_code == 200


async def test_a_large_body_is_refused(door: RestDoor) -> None:
    """413, as a Status, whether or not its length was announced."""
    door.largest_body = 100

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 50

    async with door.client() as client:
        for content in (b"x" * 200, endless()):
            answer = await client.post(NAMESPACES, content=content, headers={"content-type": "application/json"})
            assert (answer.status_code, answer.json()["code"]) == (413, 8)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Malformed("name", "is bad"), 400, 3),
        (NamespaceSealed("train"), 400, 9),
        (NotFound("namespace", "train"), 404, 5),
        (AlreadyThere("namespace", "train"), 409, 6),
        (VersionMismatch("namespace", "train", 1, 2), 409, 10),
        (TooBusy("calls", 2.2), 429, 8),
        (StoreUnavailable("db is away"), 503, 14),
        (ZeroDivisionError("oops"), 500, 13),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else None,
)
async def test_errors_are_statuses(door: RestDoor, error: Exception, status: int, code: int) -> None:
    """google.rpc.Status as JSON, with the HTTP status of its code."""
    door.fake.always = error
    async with door.client() as client:
        answer = await client.get(f"{NAMESPACES}/train", headers={"x-correlation-id": "c1"})
    body = answer.json()
    assert (answer.status_code, body["code"], set(body)) == (status, code, {"code", "message", "details"})
    assert body["details"][0]["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert answer.headers["x-correlation-id"] == "c1"
    assert answer.headers.get("retry-after") == {429: "3", 503: "1"}.get(status)
    assert "oops" not in answer.text


async def test_nobody_is_served_without_a_token(door: RestDoor) -> None:
    """401 with a challenge; not even the body is looked at."""
    async with door.client(token=None) as client:
        answer = await client.post(NAMESPACES, content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (401, 16)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("verb", "path"), [("GET", "/"), ("GET", "/api/v2/namespaces"), ("POST", "/index.html")])
async def test_an_unknown_path_is_not_found(client: httpx.AsyncClient, verb: str, path: str) -> None:
    """As a Status, with a correlation id."""
    answer = await client.request(verb, path)
    assert (answer.status_code, answer.json()["code"]) == (404, 5)
    assert answer.headers["x-correlation-id"]


@pytest.mark.parametrize("verb", ["PATCH", "TRACE", "PROPFIND"])
async def test_another_verb_is_told_what_there_is(client: httpx.AsyncClient, verb: str) -> None:
    """405 as a Status; Allow names the path's verbs."""
    answer = await client.request(verb, NAMESPACES)
    assert (answer.status_code, answer.json()["code"]) == (405, 12)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    """The same status and headers, for answers and for faults."""
    for path, status in ((f"{NAMESPACES}/train", 200), ("/nowhere", 404), ("/healthz", 200)):
        head, get = await client.head(path), await client.get(path)
        assert (head.status_code, head.content, get.status_code) == (status, b"", status)
        assert head.headers["content-length"] == get.headers["content-length"] != "0"


async def test_options_names_every_verb_of_a_path(client: httpx.AsyncClient) -> None:
    """Without a token: it says nothing that the document does not."""
    answer = await client.options(f"{NAMESPACES}/train")
    assert (answer.status_code, answer.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PUT")


async def test_answers_say_where_they_are_in_time(client: httpx.AsyncClient) -> None:
    """Position and correlation id stand in headers; nothing is kept by proxies."""
    answer = await client.get(f"{NAMESPACES}/train", headers={"x-correlation-id": "c7"})
    assert (answer.headers["x-warpdrive-position"], answer.headers["x-correlation-id"]) == ("7", "c7")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_query_that_waits_in_vain_is_unavailable(client: httpx.AsyncClient) -> None:
    """The read models did not come so far in time."""
    answer = await client.get(f"{NAMESPACES}/train", headers={"x-warpdrive-min-position": "101"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_caller_can_bound_its_call(client: httpx.AsyncClient) -> None:
    """`grpc-timeout` as in gRPC; what is none is refused."""
    assert (await client.get(f"{NAMESPACES}/train", headers={"grpc-timeout": "10S"})).status_code == 200
    assert (await client.get(f"{NAMESPACES}/train", headers={"grpc-timeout": "0n"})).status_code in {200, 504}
    assert (await client.get(f"{NAMESPACES}/train", headers={"grpc-timeout": "soon"})).status_code == 400


async def test_enums_are_names_or_numbers(door: RestDoor, client: httpx.AsyncClient) -> None:
    """Out they come as names; a number without a meaning is refused."""
    for role in ("ROLE_OPERATOR", 2):
        answer = await client.post("/api/v1/tokens", json={"role": role})
        assert door.fake.asked[-1].named["role"] is Role.OPERATOR
        assert answer.json()["token"]["role"] == "ROLE_OPERATOR"
    for role in ("ROLE_KING", 99, "operator"):
        assert (await client.post("/api/v1/tokens", json={"role": role})).status_code == 400


async def test_lists_can_be_tables(client: httpx.AsyncClient) -> None:
    """`accept: text/csv` gives a header, a row for each item, and the next page's token beside it."""
    answer = await client.get(NAMESPACES, headers={"accept": "text/csv"})
    head, row, end = answer.text.split("\r\n")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert head == "id,name,entries,sealed,retired,version,createdAt,updatedAt"
    assert row.startswith('ns-id,train,"[{""backend"":')
    assert row.endswith(",true,false,3,2026-01-31T08:00:00Z,2026-01-31T08:00:00Z")
    assert end == ""
    assert answer.headers["x-warpdrive-next-page-token"] == "next%20page"


@pytest.mark.parametrize("accept", ["*/*", "application/json, text/csv;q=0.5", "text/csv;q=0", "text/html", ""])
async def test_json_is_the_usual_answer(client: httpx.AsyncClient, accept: str) -> None:
    """Only who would rather have a table gets one."""
    answer = await client.get(NAMESPACES, headers={"accept": accept})
    assert answer.headers["content-type"] == "application/json"


async def test_what_is_no_list_is_never_a_table(client: httpx.AsyncClient) -> None:
    """A single thing is JSON, and so is every fault."""
    headers = {"accept": "text/csv"}
    assert (await client.get(f"{NAMESPACES}/train", headers=headers)).headers["content-type"] == "application/json"
    assert (await client.get(f"{NAMESPACES}?pageSize=x", headers=headers)).json()["code"] == 3
