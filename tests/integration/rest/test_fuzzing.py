"""schemathesis over the OpenAPI document, against a real server on memory twins.

Whatever comes, the answer is one that the document declares: its status, its media type, its schema and its headers;
and no 5xx but a declared 503.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks

from tests.support.rest_server import RestServer, rest_server
from tests.support.views import ENTRY
from warpdrive.adapters.rest.openapi import openapi_document
from warpdrive.adapters.rest.routes import rest_routes
from warpdrive.adapters.wire.contract import contract

load_all_checks()

CHECKS = schemathesis.checks.CHECKS.get_by_names(
    [
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    ]
)

DOCUMENT = openapi_document(contract(), rest_routes(contract()).values(), "1.2.3")

schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def server() -> Iterator[RestServer]:
    """A server with one of each thing that names can find."""
    with rest_server() as server, requests.Session() as session:
        entry = {"path": ENTRY.path, "backend": {"name": "b", "type": "s3", "options": {"bucket": "x"}}}
        things: dict[str, Any] = {
            "/api/v1/namespaces": {"name": "0", "entries": [entry]},
            "/api/v1/team": {"name": "0", "members": ["0"]},
        }
        for path, body in things.items():
            answer = session.post(server.url + path, json=body, headers=server.headers, timeout=5)
            assert answer.status_code == 200, answer.text
        yield server


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Connections that are kept."""
    with requests.Session() as session:
        yield session


@schema.parametrize()
@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_declared(case: Any, server: RestServer, session: requests.Session) -> None:
    """Status, media type, schema and headers are the document's; no 5xx but 503."""
    # Whoever gives a call no time has no answer but 504, and learns nothing here.
    case.headers.pop("grpc-timeout", None)
    answer = case.call(base_url=server.url, headers=server.headers, session=session, timeout=10)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    case.validate_response(answer, checks=CHECKS)


@pytest.mark.parametrize(
    "name",
    ["'; DROP TABLE warpdrive_events; --", "%", "_", "\\", "a\u202eb", "\u0000", "x" * 4000, "../../etc", "\ufffd"],
)
def test_names_that_look_like_something_else_are_names(
    server: RestServer, session: requests.Session, name: str
) -> None:
    """They are found not to be there, or refused as names; nothing takes them for code."""
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    for path in ("namespaces", "teams", "price-books", "tenants"):
        answer = session.get(f"{server.url}/api/v1/{path}/{encoded}", headers=server.headers, timeout=5)
        assert answer.status_code in {400, 404}, answer.text
        assert set(answer.json()) == {"code", "message", "details"}


@pytest.mark.parametrize("size", ["1001", "-1", "2147483648", "99999999999999999999", "1e3"])
def test_an_impossible_page_is_refused(server: RestServer, session: requests.Session, size: str) -> None:
    """Nobody gets a million rows by asking."""
    answer = session.get(f"{server.url}/api/v1/namespaces?pageSize={size}", headers=server.headers, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


@pytest.mark.parametrize("token", ["x", "AAAA", "W10", "WyIwIl0=", "eyJhIjoxfQ", "\u0661", "WyJhIiwiYiJd" * 100])
def test_a_page_token_of_ones_own_is_refused(server: RestServer, session: requests.Session, token: str) -> None:
    """Or leads to a place in the list, when it says one; never to a fault of ours."""
    query = {"pageToken": token}
    answer = session.get(f"{server.url}/api/v1/agents", params=query, headers=server.headers, timeout=5)
    assert answer.status_code in {200, 400}
