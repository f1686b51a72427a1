"""The OpenAPI document and the page that shows it."""

import re
from importlib import resources
from typing import Any

import httpx
import pytest

from tests.support.rest_door import VERSION, RestDoor
from warpdrive.adapters.rest.openapi import openapi_document
from warpdrive.adapters.rest.routes import rest_routes
from warpdrive.adapters.wire.contract import contract

DOCUMENT = openapi_document(contract(), rest_routes(contract()).values(), VERSION)
ASSETS = resources.files("warpdrive.adapters.rest").joinpath("assets")


def operations() -> list[tuple[str, dict[str, Any]]]:
    """Return every operation of the contract with its place."""
    return [
        (f"{verb} {path}", operation)
        for path, item in DOCUMENT["paths"].items()
        for verb, operation in item.items()
        if path.startswith("/api/v1/")
    ]


def references(value: Any) -> list[str]:
    """Return every $ref below a value."""
    if isinstance(value, dict):
        return [value["$ref"]] if "$ref" in value else [found for each in value.values() for found in references(each)]
    return [found for each in value for found in references(each)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere() -> None:
    """Schemas, headers and answers that are named exist."""
    for reference in set(references(DOCUMENT)):
        found: Any = DOCUMENT
        for word in reference.removeprefix("#/").split("/"):
            found = found[word]
        assert found, reference


@pytest.mark.parametrize(("place", "operation"), operations(), ids=lambda each: each if isinstance(each, str) else "")
def test_every_operation_declares_what_it_can_answer(place: str, operation: dict[str, Any]) -> None:
    """Success with its message and headers, and each fault as a Status."""
    statuses = set(operation["responses"])
    assert {"200", "400", "401", "403", "404", "409", "429", "500", "503", "504"} <= statuses
    assert ({"413", "415"} <= statuses) == ("requestBody" in operation), place
    assert set(operation["responses"]["200"]["headers"]) >= {"x-correlation-id", "x-warpdrive-position"}
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert ("idempotency-key" in names) != ("x-warpdrive-min-position" in names), "a change, or a query"


def test_words_of_the_contract_are_in_the_document() -> None:
    """Comments in proto/ are the descriptions here."""
    operation = DOCUMENT["paths"]["/api/v1/quota"]["put"]
    assert operation["summary"].startswith("Set the limits of a team on a backend")
    fields = DOCUMENT["components"]["schemas"]["SetQuotaRequest"]["properties"]
    assert fields["hard"] == {"type": "string"}
    assert "500TB" in fields["soft"]["description"]
    assert DOCUMENT["components"]["schemas"]["Role"]["enum"][1] == "ROLE_VIEWER"
    assert DOCUMENT["components"]["schemas"]["Namespace"]["properties"]["version"]["type"] == "string"


def test_a_token_is_needed_for_all_but_the_probes() -> None:
    """The security of the whole document, taken back where there is none."""
    assert DOCUMENT["security"] == [{"token": []}]
    free = [path for path, item in DOCUMENT["paths"].items() for operation in item.values() if "security" in operation]
    assert free == ["/healthz", "/readyz", "/metrics"]


async def test_the_document_is_served() -> None:
    """To everybody, as JSON, with the program's version."""
    async with RestDoor().client(token=None) as client:
        answer = await client.get("/api/openapi.json")
    assert (answer.status_code, answer.json()) == (200, DOCUMENT)
    assert (answer.json()["openapi"], answer.json()["info"]["version"]) == ("3.1.0", VERSION)


async def test_the_page_needs_no_other_host() -> None:
    """Every file that it names is served here, and the browser is told to load nothing else."""
    async with RestDoor().client(token=None) as client:
        page = await client.get("/api/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert re.findall(r"https?:|\*|unsafe", policy) == []
        named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(named) >= 3
        answers: list[httpx.Response] = [await client.get(path) for path in named]
    assert [answer.status_code for answer in answers] == [200] * len(named)
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}


def test_the_pages_files_name_no_other_host() -> None:
    """Not in scripts or styles either, and words of the document are never taken for markup."""
    for name in ("index.html", "docs.css", "docs.js"):
        text = ASSETS.joinpath(name).read_text()
        assert re.findall(r"https?://|//[a-z]+\.[a-z]", text) == [], name
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text) == [], name
