"""Who asks, under which name the asking is remembered, and what an answer knows about its place in time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from warpdrive.domain.token.values import Role

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts. `name` is what events record as the actor ("token:<id>", "system:<part>").

    Empty `namespaces` or `teams`: all of them; but with only one of the two given, the other may not be changed.
    `node`: the one node an agent may speak for, "" for others.
    """

    name: str
    role: Role
    namespaces: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    node: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, authenticated and authorised, as the use cases see it.

    `command_id` and `request_hash` (32 bytes over method and request) make repetitions recognisable. `at` is the
    moment of the call. `min_position`: what queries wait for.
    """

    principal: Principal
    command_id: UUID
    request_hash: bytes
    correlation_id: str
    at: datetime
    min_position: int = 0


@dataclass(frozen=True, slots=True)
class Done(Generic[Value]):
    """An answer with its position: of the write, or as of which it was read."""

    value: Value
    position: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Value]):
    """Some of a longer answer. `next_token`: "" on the last page; opaque to callers."""

    items: tuple[Value, ...]
    next_token: str = ""
