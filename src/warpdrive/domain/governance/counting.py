"""When what is indexed of a backend is a count: not while a crawl is changing it, nor after one that did not complete.

Until then the last count stands, so that what is written on leases is never counted twice: once by a crawl that has
seen it, and once more because no crawl has completed since.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

COMPLETED: Final = "completed"


@dataclass(frozen=True, slots=True)
class CrawlState:
    """A backend of some time, and the newest crawl of its place that was begun. `state` "" and generation 0: none.

    `since`: as of when it is, which for a report may be long before it was read.
    """

    backend: str
    place: str
    present: bool
    generation: int
    state: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class CountedPlace:
    """The place that a backend's name stands for, and which of its crawls counted."""

    place: str
    generation: int
    since: datetime

    def contains(self, place: str, generation: int, last_at: datetime) -> bool:
        """Tell whether it has seen what was there at a moment, when that was the newest crawl that had begun.

        A listing sees all that was there when it began, whatever clocks say; a report what was there when it was made.
        """
        return place != self.place or (generation < self.generation and last_at < self.since)


def countable(states: Iterable[CrawlState]) -> dict[str, CountedPlace]:
    """Return the backends, by name, whose index is a count now.

    A name that is in no namespace any more stands for the place whose crawl was last; nobody crawls that by its name,
    so its crawl need not have completed last.
    """
    found: dict[str, CrawlState] = {}
    for state in states:
        known = found.get(state.backend)
        if known is None or (state.present, state.generation) > (known.present, known.generation):
            found[state.backend] = state
    return {
        name: CountedPlace(state.place, state.generation, state.since)
        for name, state in found.items()
        if state.since is not None and (state.state == COMPLETED or not state.present)
    }
