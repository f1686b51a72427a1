"""Events get their time from the command's `at`: left out, the library would silently take the wall clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[2] / "src" / "warpdrive" / "domain"
MAKERS = {"trigger_event", "_create"}


def calls_without_time(source: str) -> Iterator[int]:
    """Yield the line of each call that makes an event without a `timestamp=`, or with a literal None."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MAKERS):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        time = given.get("timestamp")
        if time is None or (isinstance(time, ast.Constant) and time.value is None):
            yield node.lineno


def test_every_event_of_the_domain_is_given_its_time() -> None:
    """No aggregate makes an event without saying when it happened."""
    sources = {path: path.read_text(encoding="utf-8") for path in DOMAIN.rglob("*.py")}
    aggregates = {path.parent.name: source for path, source in sources.items() if path.name == "aggregate.py"}
    assert len(aggregates) >= 6, "the lint looks at less than there is"
    assert all(f"{maker}(" in source for source in aggregates.values() for maker in MAKERS), "a room is not seen"
    silent = [f"{path.name}:{line}" for path, source in sources.items() for line in calls_without_time(source)]
    assert silent == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("self.trigger_event(Sealed)", [1]),
        ("self.trigger_event(Sealed, timestamp=None)", [1]),
        ("self.trigger_event(Sealed, timestamp=at)", []),
        ("cls._create(Created, id=x)", [1]),
        ("self.trigger_event(Sealed, **rest)", [1]),
    ],
)
def test_the_lint_sees_what_it_should(source: str, found: list[int]) -> None:
    """A lint that cannot fail holds nothing."""
    assert list(calls_without_time(source)) == found
