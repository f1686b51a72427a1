"""Costs, duplicates and recommendations on the wire: how they are asked for, as messages and as tables."""

import csv
import io
from typing import Any

import pytest

from tests.support.advice_views import ADVICE_ANSWERS, COST, DISMISSAL, DUPLICATES, RECOMMENDATIONS
from tests.support.rest_door import RestDoor
from warpdrive.adapters.wire.bindings import BINDINGS
from warpdrive.adapters.wire.contract import contract, message_class

METHODS = [name for name, method in contract().methods.items() if method.answer.name in ADVICE_ANSWERS]


@pytest.mark.parametrize("method", METHODS)
def test_every_answer_has_all_fields_of_its_message(method: str) -> None:
    """Down to the last message in it."""
    descriptor = contract().methods[method].answer
    fields = BINDINGS[method].answer(ADVICE_ANSWERS[descriptor.name])
    _compare(descriptor, fields)
    message_class(descriptor)(**fields)


def _compare(descriptor: Any, fields: dict[str, Any]) -> None:
    assert set(fields) == set(descriptor.fields_by_name), descriptor.name
    for field in descriptor.fields:
        value = fields[field.name]
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                _compare(field.message_type, each)


@pytest.mark.parametrize(
    ("path", "asked", "answer"),
    [
        (
            "/api/v1/cost?book=list&groupBy=backend&backend=b&team=t&months=3",
            {"book": "list", "group_by": "backend", "backend": "b", "team": "t", "months": 3},
            COST,
        ),
        (
            "/api/v1/duplicates?minSize=1KiB&backend=b&pageSize=5&pageToken=abc",
            {"min_size": 1024, "backend": "b", "size": 5, "token": "abc"},
            DUPLICATES,
        ),
        (
            "/api/v1/recommendations?kind=archive_stale&team=t&backend=b&dismissed=true&book=list",
            {"kind": "archive_stale", "team": "t", "backend": "b", "dismissed": True, "book": "list"},
            RECOMMENDATIONS,
        ),
    ],
)
async def test_questions_are_handed_on_as_they_were_asked(path: str, asked: dict[str, Any], answer: Any) -> None:
    """Sizes as people type them; what is left out is what is usual."""
    door = RestDoor()
    door.fake.always = answer
    async with door.client() as client:
        assert (await client.get(path)).status_code == 200
        assert (await client.get(path.partition("?")[0])).status_code == 200
    assert [given.named for given in door.fake.asked] == [asked, {key: type(asked[key])() for key in asked}]


async def test_a_dismissal_needs_a_reason() -> None:
    """Which recommendation is in the path, why in the body."""
    door = RestDoor()
    door.fake.always = DISMISSAL
    async with door.client() as client:
        path = "/api/v1/recommendations/rec-id/dismiss"
        refused = await client.post(path, json={})
        done = await client.post(path, json={"reason": "we need it"})
        restored = await client.post("/api/v1/recommendations/rec-id/restore", json={})
    assert refused.status_code == 400
    assert (done.status_code, restored.status_code) == (200, 200)
    assert [given.given for given in door.fake.asked] == [("rec-id", "we need it"), ("rec-id",)]
    assert done.json()["reason"] == "=we need it"


@pytest.mark.parametrize(
    ("path", "answer", "wanted"),
    [
        (
            "/api/v1/recommendations",
            RECOMMENDATIONS,
            {"id": "rec-id", "bytes": "9007199254740993", "dismissal.reason": "'=we need it", "savingHigh": "12.5"},
        ),
        ("/api/v1/duplicates", DUPLICATES, {"checksum": "md5:00", "wastedBytes": "10", "copiesInAll": "3"}),
        ("/api/v1/cost", COST, {"name": "vision", "totalHigh": "1.50", "unpricedBytes": "2"}),
    ],
)
async def test_lists_come_as_tables_too(path: str, answer: Any, wanted: dict[str, str]) -> None:
    """A row for each, and nothing in it that a spreadsheet would compute."""
    door = RestDoor()
    door.fake.always = answer
    async with door.client() as client:
        said = await client.get(path, headers={"accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(said.text))
    assert wanted.items() <= row.items()
