"""Simulation: what limits would have done to a team, by the days that the ledger has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.quotas import Quotas
from warpdrive.application.ports.usage_facts import CapacityRow, LedgerRow, UsageFacts
from warpdrive.domain.content.texts import ANY
from warpdrive.domain.governance.growth import DaySize, Flow, sizes, together
from warpdrive.domain.governance.shares import team_shares
from warpdrive.domain.quota.history import QuotaHistory, UsageDay, imagined
from warpdrive.domain.quota.values import QuotaLimits

USUAL_DAYS: Final = 90
"""How far a simulation looks back when nobody says."""

LONGEST_DAYS: Final = 3650
"""How far it may."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What limits would have done, and as of when that was worked out."""

    history: QuotaHistory
    as_of: AsOf


class Simulation:
    """Replays what is recorded; writes nothing."""

    def __init__(self, quotas: Quotas, moments: Moments, facts: UsageFacts) -> None:
        self._quotas = quotas
        self._moments = moments
        self._facts = facts

    async def run(self, call: Call, team: str, backend: str, limits: QuotaLimits, *, days: int) -> Done[Simulated]:
        """Replay the last so many days, today included, for a team's bytes in a backend ("*": in all).

        Sizes at the ends of days are worked out backwards from what is there now, so today's is the usage that
        everybody else is told. Written is what was added, and what objects grew by; the day of a backend's first crawl
        adds all that was there before, too. Raises Malformed, NotFound (the team, the backend), InvalidLimits,
        StoreUnavailable.
        """
        if not 1 <= days <= LONGEST_DAYS:
            raise Malformed("days", f"must be 1 to {LONGEST_DAYS}")
        of = str(await self._quotas.team_id(team))
        as_of = await self._moments.now(call.at, backends=None if backend == ANY else [backend])
        to_day = call.at.date()
        from_day = to_day - timedelta(days=days - 1)
        # First what came and went: a crawl that commits in between then shows as having been there all along.
        ledger = [row for row in await self._facts.ledger(from_day) if backend in (ANY, row.backend)]
        capacity = [row for row in await self._facts.capacity() if backend in (ANY, row.backend)]
        if backend != ANY and not (as_of.crawls or capacity or ledger):
            raise NotFound("backend", backend)
        history = usage_days(of, capacity, ledger, from_day, to_day)
        return Done(Simulated(imagined(history, limits, at=call.at), as_of), as_of.position)


def usage_days(
    team: str, capacity: Sequence[CapacityRow], ledger: Sequence[LedgerRow], from_day: date, to_day: date
) -> list[UsageDay]:
    """Return what a team held at the end of each day, both included, and what was written on it."""
    there: dict[tuple[str, tuple[str, ...]], int] = {}
    for row in capacity:
        if team in row.owners:
            there[row.backend, row.owners] = there.get((row.backend, row.owners), 0) + row.bytes
    flows: dict[tuple[str, tuple[str, ...]], dict[date, Flow]] = {}
    for entry in ledger:
        if team in entry.owners:
            flows.setdefault((entry.backend, entry.owners), {})[entry.day] = _flow(entry)
    series: list[list[DaySize]] = []
    for backend, owners in sorted(there.keys() | flows.keys()):
        whole = sizes(0, there.get((backend, owners), 0), flows.get((backend, owners), {}), from_day, to_day)
        series.append([each.share(team, owners) for each in whole])
    found = [
        UsageDay(each.day, each.bytes, each.flow.added_bytes + max(0, each.flow.changed_bytes))
        for each in together(series, from_day, to_day)
    ]
    # Storage classes are split each by itself, which may differ by a byte for each: today's is as everywhere else.
    today = sum(size for (owner, _), size in team_shares(capacity).items() if owner == team)
    if not any(day > to_day for by_day in flows.values() for day in by_day):
        found[-1] = UsageDay(to_day, today, found[-1].written)
    return found


def _flow(row: LedgerRow) -> Flow:
    return Flow(
        added_objects=row.added_objects,
        added_bytes=row.added_bytes,
        removed_objects=row.removed_objects,
        removed_bytes=row.removed_bytes,
        changed_bytes=row.changed_bytes,
        moved_objects=row.moved_objects,
        moved_bytes=row.moved_bytes,
    )
