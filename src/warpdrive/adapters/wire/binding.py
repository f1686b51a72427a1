"""A binding: which use case answers a method, and how its view becomes a message.

Requests are betterproto's classes, which the type checker knows. Answers are plain fields for google.protobuf's: a page
of 1,000 namespaces with five entries each takes betterproto 1.5 s of the event loop and the other 0.03 s, and every
change goes to hundreds of watchers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import betterproto
from google.protobuf.message import Message

from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.plane import ControlPlane

Request = TypeVar("Request", bound=betterproto.Message)
View = TypeVar("View")

Fields = dict[str, Any]
"""A message by the contract's names: plain values, moments, further fields. None is a field that is not set."""

Run = Callable[[ControlPlane, Call, Request], Awaitable[Done[View]]]


@dataclass(frozen=True, slots=True)
class Binding:
    """One unary method. `reads`: it changes nothing, and can wait for a position.

    With `check`, requests are too large to be walked through field by field and taken apart by betterproto: it alone
    judges them (raises Malformed), and `run` gets google.protobuf's message.
    """

    method: str
    reads: bool
    request: type[betterproto.Message]
    run: Callable[[ControlPlane, Call, Any], Awaitable[Done[Any]]]
    answer: Callable[[Any], Fields]
    check: Callable[[Message], None] | None = None


def command(method: str, request: type[Request], run: Run[Request, View], answer: Callable[[View], Fields]) -> Binding:
    """Bind a method that changes something. `run` and `answer` must fit each other and the request."""
    return Binding(method, reads=False, request=request, run=run, answer=answer)


def query(method: str, request: type[Request], run: Run[Request, View], answer: Callable[[View], Fields]) -> Binding:
    """Bind a method that only reads."""
    return Binding(method, reads=True, request=request, run=run, answer=answer)
