"""Refusals of every aggregate are facts with fields: the message says what is wrong, and about what."""

import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import warpdrive.domain

ROOMS = sorted(path.parent.name for path in Path(warpdrive.domain.__path__[0]).glob("*/errors.py"))


def errors_of(room: str) -> tuple[type[Exception], list[type[Exception]]]:
    """Find a room's base error and its refusals, in the order of the file."""
    module: ModuleType = import_module(f"warpdrive.domain.{room}.errors")
    own = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == module.__name__
    ]
    return own[0], own[1:]


EVERY = [error for room in ROOMS for error in errors_of(room)[1]]


def test_every_aggregate_has_its_refusals() -> None:
    """A room with an aggregate has errors of its own, below one base."""
    domain = Path(warpdrive.domain.__path__[0])
    assert {path.parent.name for path in domain.glob("*/aggregate.py")} == set(ROOMS)
    for room in ROOMS:
        base, refusals = errors_of(room)
        assert base.__base__ is Exception
        assert refusals
        assert all(refusal.__base__ is base for refusal in refusals)


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__qualname__)
def test_a_refusal_says_when_and_about_what(error: type[Exception]) -> None:
    """Each argument is a field of the error and is in its message; the docstring says when it is raised."""
    assert (error.__doc__ or "").startswith("Raised when ")
    parameters = list(inspect.signature(error.__init__).parameters.values())[1:]
    given = {each.name: 4711 + i if each.annotation is int else f"<{each.name}>" for i, each in enumerate(parameters)}
    raised = error(**given)
    assert parameters
    for name, value in given.items():
        assert getattr(raised, name) == value
        assert str(value) in str(raised)
