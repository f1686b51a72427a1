"""Where a crawl has its objects from: the listing of a backend, or a report that a provider wrote of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from warpdrive.application.ports.objects import ObjectInfo


class ListingFailed(Exception):
    """Raised when a source cannot go on: nothing is concluded from what it gave. `detail`: what, and what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NothingNew(Exception):
    """Raised when there is a report, but none that is newer than the index: the crawl completes and changes nothing.

    `kind`: which report it is; `as_of`: as of when the index is.
    """

    def __init__(self, detail: str, *, kind: str, as_of: datetime) -> None:
        super().__init__(detail)
        self.detail = detail
        self.kind = kind
        self.as_of = as_of


@dataclass(frozen=True, slots=True)
class ListedPart:
    """A part of what is to be listed, with the whole keys' common beginning or a report's file as its name.

    `cursor`: where to go on, "" at the beginning. Names and cursors can be kept as text (no surrogates, no NUL).
    """

    name: str
    cursor: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class ListedPage:
    """Some objects of a part, and how far it is with them.

    The whole key of each is `prefix` and its own key. `found`: parts that became known with this page. An object may
    come again, also in another part; the last one counts.
    """

    part: str
    prefix: str
    objects: Sequence[ObjectInfo]
    cursor: str
    done: bool
    found: tuple[str, ...] = ()


class ListingSource(Protocol):
    """One place's objects, as of now or as of a report."""

    @property
    def kind(self) -> str:
        """Say "list", or "inventory of" and its time."""

    @property
    def roots(self) -> tuple[str, ...]:
        """Return the whole prefixes below which everything that is there is listed; none below another."""

    @property
    def as_of(self) -> datetime | None:
        """Return as of when it lists: what came later may be missing, and is not gone. None: as of now."""

    def pages(self, parts: Sequence[ListedPart]) -> AbstractAsyncContextManager[AsyncIterator[ListedPage]]:
        """Give all pages, of several parts mixed, each part's in order; a part that is done before is left out.

        `parts` is empty at the beginning of a crawl; to go on after a break, it holds those that merged pages were of
        or named: what no page named yet is the source's to add. A cursor that is of no use any more begins its part
        anew. The iteration raises ListingFailed.
        """
