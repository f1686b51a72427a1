"""A control plane of canned answers: what drivers hand in is kept, what they get is what a test put there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from warpdrive.application.control.calls import Call, Done, Principal
from warpdrive.application.control.errors import NotFound, Unauthenticated
from warpdrive.application.control.plane import ControlPlane
from warpdrive.application.control.views import WatchChange
from warpdrive.domain.token.values import Role

ADMIN = Principal("token:admin", Role.ADMIN)

SECRET = "wd_secret"


@dataclass
class Asked:
    """One use case that a driver has called."""

    subject: str
    verb: str
    call: Call
    given: tuple[Any, ...]
    named: dict[str, Any]


class FakeSubject:
    """Any use case of a subject: notes the call, then answers or raises what the plane was told to."""

    def __init__(self, plane: "FakePlane", name: str) -> None:
        self._plane = plane
        self._name = name

    def __getattr__(self, verb: str) -> Any:
        """Return the use case."""

        async def use_case(call: Call, *given: Any, **named: Any) -> Done[Any]:
            return await self._plane.ask(Asked(self._name, verb, call, given, named))

        return use_case


@dataclass
class FakePlane:
    """Has every subject of `ControlPlane`. `answers`: by "subject.verb" what is answered; an exception is raised.

    `always`: the answer to everything else.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    principals: dict[str | None, Principal] = field(default_factory=lambda: {SECRET: ADMIN})
    changes: list[WatchChange | Exception] = field(default_factory=list)
    always: Any = None
    position: int = 7
    asked: list[Asked] = field(default_factory=list)
    watched: list[tuple[Any, ...]] = field(default_factory=list)

    def plane(self) -> ControlPlane:
        """Return it as what drivers take."""
        return cast("ControlPlane", self)

    def __getattr__(self, subject: str) -> FakeSubject:
        """Return the use cases of a subject."""
        if subject.startswith("_"):
            raise AttributeError(subject)
        return FakeSubject(self, subject)

    @property
    def doorkeeper(self) -> "FakePlane":
        """Itself: it knows `principals`."""
        return self

    @property
    def watch(self) -> "FakePlane":
        """Itself: it tells `changes`."""
        return self

    async def principal(self, secret: str | None, *, believed: float = 0.0) -> Principal:
        """Look the secret up."""
        del believed  # tokens do not change here
        try:
            return self.principals[secret]
        except KeyError:
            raise Unauthenticated from None

    async def ask(self, asked: Asked) -> Done[Any]:
        """Note what is asked, and answer."""
        self.asked.append(asked)
        answer = self.answers.get(f"{asked.subject}.{asked.verb}", self.always)
        if answer is None:
            answer = NotFound(asked.subject, "what was not put here")
        if callable(answer):
            answer = await answer(asked)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Done) else Done(answer, self.position)

    @asynccontextmanager
    async def following(self, *given: Any) -> AsyncIterator[AsyncIterator[WatchChange]]:
        """Tell the changes, then end."""
        self.watched.append(given)

        async def tell(changes: Sequence[WatchChange | Exception]) -> AsyncIterator[WatchChange]:
            for change in changes:
                if isinstance(change, Exception):
                    raise change
                yield change

        yield tell(self.changes)
