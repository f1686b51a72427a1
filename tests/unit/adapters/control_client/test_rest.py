"""The command line's client against scripted answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.ports import LOOPBACK, free_port
from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal, ControlPlaneUnreachable
from warpdrive.adapters.control_client.rest import ControlPlaneClient, Repeating
from warpdrive.adapters.wire.contract import contract

URL = "http://plane.test:8090"


class Script:
    """Answers requests in order (the last one again and again) and keeps them, and the waits in between."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []
        self._answers = list(answers)

    def client(self, **more: Any) -> ControlPlaneClient:
        """Return a client that talks to this script and does not really wait."""
        repeating = Repeating(sleep=self.waits.append, random=lambda: 1.0)
        return ControlPlaneClient(URL, repeating=repeating, transport=httpx.MockTransport(self._answer), **more)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(status: int, body: object, headers: dict[str, str]) -> httpx.Response:
    """Return JSON; `headers` with underscores for dashes."""
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


def ok(body: object = None, **headers: str) -> httpx.Response:
    """Return an answer of 200."""
    return answer(200, body or {}, {"x_warpdrive_position": "0", **headers})


def fault(status: int, code: int, message: str, **headers: str) -> httpx.Response:
    """Return a google.rpc.Status."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "A_REASON", "domain": "warpdrive"}
    return answer(status, {"code": code, "message": message, "details": [info]}, headers)


def test_a_method_goes_where_the_contract_says() -> None:
    """Path fields are encoded, the rest is the body; the answer is ProtoJSON as it came."""
    script = Script(ok({"name": "a/b"}))
    with script.client(token="wd_secret") as client:
        entry = {"path": "/x", "backend": {"name": "lake", "type": "s3", "options": {"bucket": "b"}}}
        answer = client.call("ControlService/AddMountEntry", {"namespace": "a/b ü", "entry": entry})
    assert answer == {"name": "a/b"}
    (request,) = script.requests
    assert request.method == "POST"
    assert request.url.raw_path == b"/api/v1/namespaces/a%2Fb%20%C3%BC/mounts"
    assert json.loads(request.content) == {"entry": entry}
    assert request.headers["authorization"] == "Bearer wd_secret"
    assert request.headers["content-type"] == "application/json"


def test_what_has_no_body_is_a_query() -> None:
    """Set fields only, in lowerCamelCase."""
    script = Script(ok())
    with script.client() as client:
        client.call("ControlService/ListNamespaces", {"page_size": 5, "retired": True, "page_token": "a&b=c"})
        client.call("GovernanceService/DeleteQuota", {"team": "t", "backend": "*"})
    assert script.requests[0].url.raw_path == b"/api/v1/namespaces?pageSize=5&pageToken=a%26b%3Dc&retired=true"
    assert script.requests[1].method == "DELETE"
    assert dict(script.requests[1].url.params) == {"team": "t", "backend": "*"}
    assert "authorization" not in script.requests[0].headers


def test_every_method_with_a_route_can_be_called() -> None:
    """The client knows no method by heart, so none can be forgotten."""
    script = Script(ok())
    with script.client() as client:
        for method in contract().methods.values():
            if method.route is not None:
                held = [name for name in method.request.fields_by_name if f"{{{name}}}" in method.route.path]
                client.call(method.name, dict.fromkeys(held, "1"))
    assert len(script.requests) == sum(method.route is not None for method in contract().methods.values())


@pytest.mark.parametrize("name", [".", "..", "a/../b"])
def test_dots_do_not_climb(name: str) -> None:
    """A name is one segment whatever it looks like."""
    script = Script(ok())
    with script.client() as client:
        client.call("ControlService/GetNamespace", {"namespace": name})
    path = script.requests[0].url.raw_path.decode()
    assert path.startswith("/api/v1/namespaces/")
    assert path.count("/") == 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"namespace": "x", "nmae": "y"}, "nmae"),
        ({"namespace": 7}, "namespace"),
        ({}, "namespace: is missing"),
    ],
)
def test_fields_that_do_not_fit_are_refused_before_anything_is_sent(fields: dict[str, Any], words: str) -> None:
    """The server ignores what it does not know; a typing error would pass as success."""
    script = Script(ok())
    with script.client() as client, pytest.raises(ControlPlaneRefusal, match=words) as caught:
        client.call("ControlService/GetNamespace", fields)
    assert (caught.value.code, caught.value.status) == ("INVALID_ARGUMENT", 0)
    assert script.requests == []


def test_a_refusal_says_what_and_what_to_do() -> None:
    """Code, status, message, details and correlation id are there for programs, advice for people."""
    script = Script(fault(401, 16, "who calls is not known", x_correlation_id="c1"))
    with script.client() as client, pytest.raises(ControlPlaneRefusal) as caught:
        client.call("ControlService/WhoAmI")
    refusal = caught.value
    assert (refusal.code, refusal.status, refusal.message) == ("UNAUTHENTICATED", 401, "who calls is not known")
    assert (refusal.reason, refusal.correlation_id) == ("A_REASON", "c1")
    assert "--token-file" in str(refusal)
    assert len(script.requests) == 1


def test_an_internal_fault_names_what_the_operator_finds_it_by() -> None:
    """The correlation id is in the message."""
    script = Script(fault(500, 13, "something went wrong", x_correlation_id="c-77"))
    with script.client() as client, pytest.raises(ControlPlaneRefusal, match="c-77"):
        client.call("ControlService/WhoAmI")


@pytest.mark.parametrize(
    "lost",
    [
        fault(503, 14, "the store cannot be reached"),
        fault(429, 8, "too much at once"),
        httpx.ReadError("reset"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("closed"),
    ],
    ids=["503", "429", "reset", "refused", "late", "closed"],
)
def test_a_command_is_repeated_with_its_own_key(lost: httpx.Response | Exception) -> None:
    """So that it cannot happen twice, whatever became of the first attempt."""
    script = Script(lost, lost, ok({"name": "x"}))
    with script.client() as client:
        assert client.call("ControlService/CreateNamespace", {"name": "x"}) == {"name": "x"}
        client.call("ControlService/CreateNamespace", {"name": "y"})
    keys = [request.headers["idempotency-key"] for request in script.requests]
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]
    assert str(UUID(keys[0])) == keys[0]
    assert script.waits == [0.2, 0.4]


def test_a_key_can_be_given() -> None:
    """To go on with a command that an earlier process has begun."""
    key = UUID("11111111-2222-3333-4444-555555555555")
    script = Script(ok())
    with script.client() as client:
        client.call("ControlService/SealNamespace", {"namespace": "x"}, key=key)
    assert script.requests[0].headers["idempotency-key"] == str(key)


def test_the_control_plane_says_when_to_come_back() -> None:
    """Its word counts up to a ceiling: nobody waits for minutes at a prompt."""
    script = Script(fault(429, 8, "busy", retry_after="1"), fault(503, 14, "away", retry_after="600"), ok())
    with script.client() as client:
        client.call("ControlService/WhoAmI")
    assert script.waits == [1.0, 3.0]


@pytest.mark.parametrize(
    ("last", "kind"),
    [(fault(503, 14, "away"), ControlPlaneRefusal), (httpx.ConnectError("refused"), ControlPlaneUnreachable)],
)
def test_patience_ends(last: httpx.Response | Exception, kind: type[Exception]) -> None:
    """After four attempts the last word is the answer."""
    script = Script(last)
    with script.client() as client, pytest.raises(kind):
        client.call("ControlService/WhoAmI")
    assert len(script.requests) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 501, 504])
def test_other_refusals_are_not_repeated(status: int) -> None:
    """Asking the same again cannot help, or may have helped already."""
    script = Script(fault(status, 9, "no"))
    with script.client() as client, pytest.raises(ControlPlaneRefusal):
        client.call("ControlService/WhoAmI")
    assert len(script.requests) == 1


def test_reads_after_a_write_wait_for_it() -> None:
    """The position of the last answer goes with every later request, the highest one."""
    script = Script(ok(x_warpdrive_position="41"), ok(x_warpdrive_position="40"), ok())
    with script.client() as client:
        client.call("ControlService/CreateNamespace", {"name": "x"})
        client.call("ControlService/ListNamespaces")
        client.call("ControlService/ListNamespaces")
        assert client.position == 41
    assert "x-warpdrive-min-position" not in script.requests[0].headers
    assert [request.headers["x-warpdrive-min-position"] for request in script.requests[1:]] == ["41", "41"]


def test_pages_are_followed_to_the_end() -> None:
    """Items come one by one; the filter goes with every page."""
    script = Script(
        ok({"namespaces": [{"name": "a"}, {"name": "b"}], "nextPageToken": "t1"}),
        ok({"namespaces": [{"name": "c"}], "nextPageToken": ""}),
    )
    with script.client() as client:
        names = [item["name"] for item in client.items("ControlService/ListNamespaces", {"retired": True})]
    assert names == ["a", "b", "c"]
    assert [request.url.params.get("pageToken") for request in script.requests] == [None, "t1"]
    assert all(request.url.params["retired"] == "true" for request in script.requests)


def test_pages_that_do_not_end_are_noticed() -> None:
    """The same token again would be asked for ever."""
    script = Script(ok({"namespaces": [{"name": "a"}], "nextPageToken": "t1"}))
    with script.client() as client, pytest.raises(ControlPlaneRefusal, match="same page"):
        list(client.items("ControlService/ListNamespaces"))


@pytest.mark.parametrize(
    "stranger",
    [
        httpx.Response(200, text="<html>router</html>"),
        httpx.Response(200, json=["no", "object"]),
        httpx.Response(200, json={"status": "ok"}),
        httpx.Response(404, text="nothing here"),
        httpx.Response(302, headers={"location": "http://elsewhere/"}),
        httpx.Response(502, json={"error": "bad gateway"}),
    ],
)
def test_an_answer_of_somebody_else_is_recognised(stranger: httpx.Response) -> None:
    """A proxy or another server at the address is no control plane, and gets no second request."""
    script = Script(stranger)
    with script.client() as client, pytest.raises(ControlPlaneUnreachable, match="no control plane"):
        client.call("ControlService/WhoAmI")
    assert len(script.requests) == 1


@pytest.mark.parametrize("details", [None, 7, [1], "x"])
def test_details_of_another_kind_are_none(details: object) -> None:
    """A refusal is understood without them."""
    script = Script(httpx.Response(404, json={"code": 5, "message": "not here", "details": details}))
    with script.client() as client, pytest.raises(ControlPlaneRefusal, match="not here") as refusal:
        client.call("ControlService/WhoAmI")
    assert (refusal.value.details, refusal.value.reason) == ((), "")


def test_nobody_at_the_address() -> None:
    """The address, the reason and what to do, from a real socket."""
    url = f"http://{LOOPBACK}:{free_port()}"
    with (
        ControlPlaneClient(url, repeating=Repeating(attempts=1)) as client,
        pytest.raises(ControlPlaneUnreachable, match="--server or WARPDRIVE_SERVER") as caught,
    ):
        client.call("ControlService/WhoAmI")
    assert caught.value.url == url
    assert "refused" in caught.value.why


def test_an_authority_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Before anything is sent."""
    with pytest.raises(ControlPlaneUnreachable, match=r"ca\.pem"):
        ControlPlaneClient("https://plane.test", ca_file=tmp_path / "ca.pem")


@pytest.mark.parametrize("token", ["", "a b", "wd_\n", " wd_x", "wd_\u00fc"])
def test_a_secret_that_cannot_be_sent_is_not_shown(token: str) -> None:
    """The HTTP library would quote it."""
    with pytest.raises(ValueError, match=r"^this is no token$"):
        ControlPlaneClient(URL, token=token)


@pytest.mark.parametrize("call", [ControlPlaneClient.call, lambda client, name: list(client.items(name))])
@pytest.mark.parametrize("name", ["ControlService/Nothing", "ControlService/WatchAgent"])
def test_a_method_without_a_route_is_the_callers_own_mistake(
    call: Callable[[ControlPlaneClient, str], object], name: str
) -> None:
    """KeyError, as for any name that is not there."""
    with Script(ok()).client() as client, pytest.raises(KeyError):
        call(client, name)
