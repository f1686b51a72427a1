"""Crawls as they are asked for and told about: one row each, and at most one of a place that has not ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol


class CrawlState(StrEnum):
    """How a crawl stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    HELD = "held"
    """Found too much missing; a confirmed crawl has to follow."""
    FAILED = "failed"
    CANCELLED = "cancelled"


UNENDED: Final = (CrawlState.QUEUED, CrawlState.RUNNING)


@dataclass(frozen=True, slots=True)
class CrawlRecord:
    """A crawl. `backends`: the present ones of its place, by name; `source`: "list" or "inventory".

    `objects` and `bytes` were listed, `added` were not there before, `changed` were otherwise, `deleted` are gone.
    `roots`: the whole prefixes below which it listed; empty before it ran.
    """

    id: int
    place: str
    backends: tuple[str, ...]
    generation: int
    state: CrawlState
    detail: str
    source: str
    confirmed: bool
    requested_by: str
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    objects: int = 0
    bytes: int = 0
    added: int = 0
    changed: int = 0
    deleted: int = 0
    parts_done: int = 0
    parts_known: int = 0
    roots: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Nothing more comes of it."""
        return self.state not in UNENDED


@dataclass(frozen=True, slots=True)
class PresentBackend:
    """A backend that a namespace has now: where its bytes live, below which prefix."""

    name: str
    place: str
    prefix: str


class CrawlRegister(Protocol):
    """Every method raises StoreUnavailable."""

    async def backends(self) -> Sequence[PresentBackend]:
        """Return every backend that a namespace has now, by name."""

    async def request(self, place: str, *, by: str, at: datetime, confirmed: bool = False) -> CrawlRecord:
        """Queue a crawl of a known place, or join the one that has not ended; `confirmed` is added to that one."""

    async def get(self, crawl: int) -> CrawlRecord | None:
        """Return one."""

    async def page(
        self, *, backend: str = "", state: str = "", before: int | None = None, limit: int
    ) -> Sequence[CrawlRecord]:
        """Return crawls, newest first: of a backend's place and in a state, if given, with smaller ids than `before`.

        `backend` may be one that no namespace has any more.
        """

    async def cancel(self, crawl: int, *, detail: str, at: datetime) -> CrawlRecord | None:
        """End one that has not ended, and return it; None when there is none with this id."""
