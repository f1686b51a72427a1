"""The storage index as its one writer sees it: crawls under way, objects, and who owns them.

Whoever writes holds the one lock of all control planes, so objects are never merged while others attribute them.
Everything that changes objects changes their sums and the day's ledger in the same transaction. Keys are whole, and
written by `domain.governance.recorded_texts.recorded_key`, as ingest writes them.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlState
from warpdrive.application.ports.listing_source import ListedPage, ListedPart
from warpdrive.domain.governance.attribution import Attribution, Claim, Showing
from warpdrive.domain.namespace.values import BackendDefinition


class CrawlEnded(Exception):
    """Raised when the crawl is not running any more: somebody cancelled it. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Objects below the roots that were there when the crawl began: how many, and how many it did not see."""

    known: int
    missing: int
    confirmed: bool
    """Whether somebody said that they are really gone."""
    emptied: tuple[str, ...] = ()
    """Backends that were the home of some of them, and would be of none."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What namespaces and teams say, at least as of a position: of every place that ever had a backend."""

    position: int
    showings: Mapping[str, Sequence[Showing]]
    claims: Sequence[Claim]
    """Of teams that are not disbanded."""


@dataclass(frozen=True, slots=True)
class Attributed:
    """How the objects of a place are attributed. Below doubted prefixes some may be as of another time."""

    attribution: Attribution
    doubted: tuple[str, ...] = ()


class RunningCrawls(Protocol):
    """Every method raises StoreUnavailable."""

    async def next(self) -> CrawlRecord | None:
        """Return the crawl to work on: one that was left running, else the first in the queue."""

    async def definitions(self, place: str) -> Sequence[BackendDefinition]:
        """Return the backends of the place that a namespace has now, by name."""

    async def begin(self, crawl: int, *, source: str, roots: Sequence[str], at: datetime) -> Sequence[ListedPart]:
        """Let it run from now on; return the parts of one that was left running by the same source over these roots.

        Of any other one what it saw is forgotten. Raises CrawlEnded.
        """

    async def going(self, crawl: int) -> None:
        """Raise CrawlEnded when it does not run (any more)."""

    async def end(self, crawl: int, state: CrawlState, detail: str, *, at: datetime) -> None:
        """End it, and conclude nothing. Raises CrawlEnded."""


class ObjectIndex(Protocol):
    """Every method raises StoreUnavailable and CrawlEnded."""

    async def merge(self, crawl: int, pages: Sequence[ListedPage], attribution: Attribution, *, at: datetime) -> None:
        """Take pages in, all or nothing, with their parts' progress. What is as before costs no write of its own.

        New objects, and those that come back, have home and owners by `attribution`; others keep theirs. `at` is when
        it was seen, and in UTC the ledger's day.
        """

    async def missing(self, crawl: int, roots: Sequence[str]) -> Missing:
        """Count what it has not seen below the roots."""

    async def complete(self, crawl: int, roots: Sequence[str], *, at: datetime) -> None:
        """Count what it has not seen below the roots as deleted, and end it: all in one step."""


class OwnerIndex(Protocol):
    """Every method raises StoreUnavailable."""

    async def positions(self) -> tuple[int, int]:
        """Return up to which position there are decisions, and up to which objects follow them."""

    async def decided(self) -> Decided:
        """Read the decisions, and bring the backends in line with the mount entries."""

    async def attributed(self) -> Mapping[str, Attributed]:
        """Return how objects are attributed, by place."""

    async def doubt(self, place: str, prefixes: Sequence[str]) -> None:
        """Remember, before objects below the prefixes are moved, that some of them may have been."""

    async def move(
        self, place: str, prefix: str, attribution: Attribution, *, after: str, limit: int, at: datetime
    ) -> str | None:
        """Attribute up to `limit` objects below a prefix, in the order of their keys after one ("": from the first).

        Only objects that are there; those that are gone stay as they were. Returns the last key, None at the end.
        """

    async def settle(self, attributed: Mapping[str, Attribution], *, position: int, at: datetime) -> None:
        """Remember that all objects of these places are attributed so, and of all places up to the position."""


@dataclass(frozen=True, slots=True)
class IndexWriter:
    """What the one writer has in hand."""

    crawls: RunningCrawls
    objects: ObjectIndex
    owners: OwnerIndex


class StorageIndex(Protocol):
    """The way to write."""

    def running(self) -> AbstractAsyncContextManager[IndexWriter | None]:
        """Be the one writer while the block runs; gives None when another process is. Raises StoreUnavailable.

        Lost with the connection: the block is then cancelled and StoreUnavailable raised after it.
        """
