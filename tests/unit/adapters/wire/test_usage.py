"""Questions about storage and its use on the wire, and their answers as messages and as tables."""

import csv
import io
from typing import Any

import httpx
import pytest

from tests.support.fake_plane import FakePlane
from tests.support.rest_door import RestDoor
from tests.support.usage_views import BACKENDS, GROWTH, STALE, TODAY, USAGE, USAGE_ANSWERS, USER
from warpdrive.adapters.wire.as_of import SHOWN_GAPS
from warpdrive.adapters.wire.bindings import BINDINGS
from warpdrive.adapters.wire.contract import contract, message_class

METHODS = [name for name, method in contract().methods.items() if method.answer.name in USAGE_ANSWERS]


async def got(path: str, answer: Any, **headers: str) -> tuple[httpx.Response, FakePlane]:
    """Ask over HTTP a plane that gives the answer."""
    door = RestDoor()
    door.fake.always = answer
    async with door.client() as client:
        return await client.get(path, headers=headers), door.fake


@pytest.mark.parametrize("method", METHODS)
def test_every_answer_has_all_fields_of_its_message(method: str) -> None:
    """Down to the last message in it."""
    descriptor = contract().methods[method].answer
    fields = BINDINGS[method].answer(USAGE_ANSWERS[descriptor.name])
    _compare(descriptor, fields)
    message_class(descriptor)(**fields)


def _compare(descriptor: Any, fields: dict[str, Any]) -> None:
    assert set(fields) == set(descriptor.fields_by_name), descriptor.name
    for field in descriptor.fields:
        value = fields[field.name]
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                _compare(field.message_type, each)


async def test_questions_are_handed_on_as_they_were_asked() -> None:
    """Sizes and days as people type them."""
    asked = (
        "/api/v1/usage?groupBy=user&backend=b&team=t&prefix=p&basis=reader&days=90&depth=2",
        {
            "group_by": "user",
            "backend": "b",
            "team": "t",
            "prefix": "p",
            "basis": "reader",
            "days": 90,
            "depth": 2,
        },
        USAGE,
    )
    stale = (
        "/api/v1/stale?days=30d&minSize=1KB&backend=b&team=t&pageSize=5&pageToken=x",
        {"days": 30, "min_size": 1024, "backend": "b", "team": "t", "size": 5, "token": "x"},
        STALE,
    )
    growth = ("/api/v1/growth?period=7&backend=b&team=t", {"days": 7, "backend": "b", "team": "t"}, GROWTH)
    for path, named, view in (asked, stale, growth):
        answer, fake = await got(path, view)
        assert (answer.status_code, fake.asked[0].named) == (200, named)
    _, fake = await got("/api/v1/user/ann", USER)
    assert (fake.asked[0].given, fake.asked[0].named) == (("ann",), {"days": 30})


@pytest.mark.parametrize("days", ["1h", "90d1h", "soon", "-1", "1.5", "9" * 50])
async def test_days_are_whole(days: str) -> None:
    """What is none is refused with the field's name."""
    answer, fake = await got(f"/api/v1/stale?days={days}", STALE)
    assert answer.status_code == 400
    assert answer.json()["details"][1]["fieldViolations"][0]["field"] == "days"
    assert fake.asked == []


async def test_every_answer_says_as_of_when_it_holds() -> None:
    """With the first of the gaps, and how many there are."""
    for path, view in (
        ("usage", USAGE),
        ("stale", STALE),
        ("growth", GROWTH),
        ("user/ann", USER),
        ("backends", BACKENDS),
    ):
        answer, _ = await got(f"/api/v1/{path}", view)
        as_of = answer.json()["asOf"]
        assert (as_of["position"], as_of["attributedPosition"]) == ("7", "6")
        assert [(each["backend"], each["generation"]) for each in as_of["crawls"]] == [("lake", "3"), ("new", "0")]
        assert "completedAt" not in as_of["crawls"][1]
        assert (len(as_of["coverage"]["gaps"]), as_of["coverage"]["gapsInAll"]) == (SHOWN_GAPS, "25")
        assert (as_of["coverage"]["complete"], as_of["coverage"]["share"]) == (False, 0.25)


async def test_a_size_that_is_not_known_is_no_zero() -> None:
    """An object that is gone has none; an empty one has."""
    answer, _ = await got("/api/v1/user/ann", USER)
    assert [each.get("bytes") for each in answer.json()["objects"]] == ["0", None]


@pytest.mark.parametrize(
    ("path", "view", "expected"),
    [
        ("usage", USAGE, {"name": "vision", "kind": "team", "bytes": str(2**53 + 1), "share": "0.75"}),
        ("stale", STALE, {"key": "raw/a", "teams": '["vision"]', "standing": "unknown", "idleDays": "91"}),
        ("growth", GROWTH, {"day": TODAY.isoformat(), "bytes": "100", "changedBytes": "-5", "movedBytes": "-7"}),
        ("user/ann", USER, {"backend": "lake", "bytesRead": "2"}),
        ("backends", BACKENDS, {"name": "lake", "namespaces": '["eval", "train"]', "lastCrawl.state": "failed"}),
    ],
)
async def test_answers_can_be_tables(path: str, view: Any, expected: dict[str, str]) -> None:
    """The rows that were asked for; their position is beside them."""
    answer, _ = await got(f"/api/v1/{path}", view, accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    row = next(csv.DictReader(io.StringIO(answer.text)))
    assert expected.items() <= row.items()
    assert answer.headers["x-warpdrive-position"] == "7"
    assert answer.headers["x-warpdrive-next-page-token"] == ("more" if path == "stale" else "")
