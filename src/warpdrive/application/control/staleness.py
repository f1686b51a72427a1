"""Stale data: what nobody has used for so many days, and what nobody can know about."""

from dataclasses import dataclass
from datetime import UTC, date
from typing import Final

from warpdrive.application.control.answer_names import AnswerNames
from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.paging import page_size, page_start, page_token
from warpdrive.application.ports.object_facts import IdleObject, IdleQuestion, ObjectFacts
from warpdrive.domain.governance.staleness import Standing, last_use, standing, used_before

USUAL_DAYS: Final = 90
MOST_DAYS: Final = 3660

_TOKEN_PARTS: Final = 2
_BIGINT: Final = 2**63
_DIGITS: Final = len(str(_BIGINT))


@dataclass(frozen=True, slots=True)
class StaleObject:
    """One that is idle. `teams`: names of its owners; `last_used_by`: accessed, modified or first_seen."""

    backend: str
    key: str
    bytes: int
    teams: tuple[str, ...]
    last_used_day: date
    last_used_by: str
    idle_days: int
    standing: str
    storage_class: str


@dataclass(frozen=True, slots=True)
class StaleView:
    """A page of idle objects, and sums over all that the filters let through.

    Where coverage of the window is incomplete, all that is idle is unknown and nothing is stale.
    """

    objects: tuple[StaleObject, ...]
    next_token: str
    stale_objects: int
    stale_bytes: int
    unknown_objects: int
    unknown_bytes: int
    total_objects: int
    total_bytes: int
    as_of: AsOf


class Staleness:
    """Use case of stale data. Raises Malformed, NotFound (team, backend) and the store's errors."""

    def __init__(self, names: AnswerNames, moments: Moments, objects: ObjectFacts) -> None:
        self._names = names
        self._moments = moments
        self._objects = objects

    async def page(
        self,
        call: Call,
        *,
        days: int = USUAL_DAYS,
        min_size: int = 0,
        backend: str = "",
        team: str = "",
        size: int = 0,
        token: str = "",
    ) -> Done[StaleView]:
        """Show objects last used more than `days` days ago, largest first; sums are over the whole answer.

        0 days: those that nobody has accessed today (UTC), however new they are.
        """
        if not 0 <= days <= MOST_DAYS:
            raise Malformed("days", f"must be 0 to {MOST_DAYS}")
        limit = page_size(size)
        after = _start(token)
        team_id = await self._names.team_id(team)
        await self._names.check_backend(backend)
        today = call.at.astimezone(UTC).date()
        before = used_before(today, days)
        as_of = await self._moments.now(call.at, backends=[backend] if backend else None, window=(before, today))
        question = IdleQuestion(before, backend, team_id, min_size, there_by=None if days else call.at)
        sums = await self._objects.idle_sums(question)
        found = await self._objects.largest_idle(question, after=after, limit=limit + 1)
        shown = found[:limit]
        judged = standing(coverage_complete=as_of.coverage is not None and as_of.coverage.complete)
        names = await self._names.teams({owner for each in shown for owner in each.owners})
        stale, unknown = (sums.idle_objects, sums.idle_bytes), (0, 0)
        if judged is Standing.UNKNOWN:
            stale, unknown = unknown, stale
        view = StaleView(
            objects=tuple(
                _shown(each, tuple(sorted(names[owner] for owner in each.owners)), today, judged) for each in shown
            ),
            next_token=page_token([str(shown[-1].bytes), str(shown[-1].number)]) if len(found) > limit else "",
            stale_objects=stale[0],
            stale_bytes=stale[1],
            unknown_objects=unknown[0],
            unknown_bytes=unknown[1],
            total_objects=sums.total_objects,
            total_bytes=sums.total_bytes,
            as_of=as_of,
        )
        return Done(view, as_of.position)


def _shown(each: IdleObject, teams: tuple[str, ...], today: date, judged: Standing) -> StaleObject:
    modified, seen = each.modified_at.astimezone(UTC).date(), each.first_seen.astimezone(UTC).date()
    used = last_use(each.last_access, modified, seen)
    return StaleObject(
        backend=each.backend,
        key=each.key,
        bytes=each.bytes,
        teams=teams,
        last_used_day=used.day,
        last_used_by=used.by.value,
        idle_days=used.idle_days(today),
        standing=judged.value,
        storage_class=each.storage_class,
    )


def _start(token: str) -> tuple[int, int] | None:
    """Read a page's beginning: size and number of the last object before it. Raises Malformed."""
    start = page_start(token, _TOKEN_PARTS)
    if start is None:
        return None
    if not all(part.isascii() and part.isdigit() and len(part) <= _DIGITS and int(part) < _BIGINT for part in start):
        raise Malformed("page_token", "is none that was given out")
    return int(start[0]), int(start[1])
