"""Costs: what storage and its use cost by a price book, whose share that is, and what storage will cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Final

from warpdrive.application.control.answer_names import AnswerNames
from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.growth import day_sizes
from warpdrive.application.control.tariffs import Tariff, Tariffs
from warpdrive.application.ports.usage_facts import UsageFacts
from warpdrive.domain.governance.costing import (
    Cost,
    Part,
    cost_of,
    firsts_of_months,
    parts_of,
    projected,
    use_costs,
)
from warpdrive.domain.governance.forecast import FITTED_DAYS, METHOD, Forecast, forecast
from warpdrive.domain.governance.pricing import ASSUMPTIONS, Range, StoredBytes, Use, amount_text
from warpdrive.domain.governance.shares import NOBODY

GROUPS: Final = ("team", "backend")
MOST_MONTHS: Final = 24
USE_DAYS: Final = 30

_SHARED_USE: Final = (
    "Requests and egress of a backend are shared out to teams as its bytes are, whoever caused them: accesses are "
    "counted by who reads, costs by who owns."
)
_PROJECTED: Final = (
    "Projected is capacity only: each month by the prices of its first day, at the size that is expected for that day, "
    "with today's mix of backends and classes."
)


@dataclass(frozen=True, slots=True)
class CostRow:
    """What a team or backend costs a month; decimal texts. `kind`: team, backend or unattributed."""

    name: str
    id: str
    kind: str
    bytes: int
    capacity: str
    requests_low: str
    requests_high: str
    egress_low: str
    egress_high: str
    total_low: str
    total_high: str
    unpriced_bytes: int


@dataclass(frozen=True, slots=True)
class CostMonth:
    """What capacity will cost in a month ("2026-12"); decimal texts."""

    month: str
    low: str
    expected: str
    high: str


@dataclass(frozen=True, slots=True)
class CostView:
    """Dearest first, what nobody owns last. `refused`: why there is no projection; else ""."""

    book: str
    currency: str
    rows: tuple[CostRow, ...]
    total_low: str
    total_high: str
    projection: tuple[CostMonth, ...]
    refused: str
    assumptions: tuple[str, ...]
    as_of: AsOf


class Costs:
    """Use case of costs. Raises Malformed, NotFound (team, backend, book), PriceBookRetired, the store's errors."""

    def __init__(self, names: AnswerNames, moments: Moments, tariffs: Tariffs, sums: UsageFacts) -> None:
        self._names = names
        self._moments = moments
        self._tariffs = tariffs
        self._sums = sums

    async def get(
        self, call: Call, *, book: str = "", group_by: str = "", backend: str = "", team: str = "", months: int = 0
    ) -> Done[CostView]:
        """Answer; "" stands for what is usual, of a book for the only one."""
        group_by = group_by or GROUPS[0]
        if group_by not in GROUPS:
            raise Malformed("group_by", f"must be one of {', '.join(GROUPS)}")
        if not 0 <= months <= MOST_MONTHS:
            raise Malformed("months", f"must be 0 to {MOST_MONTHS}")
        tariff = await self._tariffs.choose(call, book)
        team_id = await self._names.team_id(team)
        await self._names.check_backend(backend)
        today = call.at.astimezone(UTC).date()
        window = (today - timedelta(days=USE_DAYS - 1), today)
        as_of = await self._moments.now(call.at, backends=[backend] if backend else None, window=window)
        uses = await self._uses(window, backend)
        every = parts_of((row for row in await self._sums.capacity() if backend in {"", row.backend}), uses)
        used = use_costs(every, uses, tariff.price, today)
        groups: dict[str, list[Part]] = {}
        for part in every:
            if team_id in {"", part.team}:
                groups.setdefault(part.team if group_by == "team" else part.stored.backend, []).append(part)
        names = await self._names.teams(groups) if group_by == "team" else {}
        costs = {group: cost_of(parts, used, tariff.price, today) for group, parts in groups.items()}
        total = sum((cost.total for cost in costs.values()), Range())
        assumptions = list(ASSUMPTIONS)
        if group_by == "team" or team_id:
            assumptions.append(_SHARED_USE)
        assumptions += _unpriced(costs, sorted(set(uses) - set(used)))
        projection, refused = [], ""
        if months:
            stored = [part.stored for parts in groups.values() for part in parts]
            answer = await self._projected(tariff, stored, today, months, backend=backend, team_id=team_id)
            if isinstance(answer, str):
                refused = answer
            else:
                projection = answer
                assumptions += [_PROJECTED, METHOD]
        view = CostView(
            book=tariff.book.name,
            currency=tariff.book.currency,
            rows=tuple(_rows(costs, names, group_by)),
            total_low=amount_text(total.low),
            total_high=amount_text(total.high),
            projection=tuple(projection),
            refused=refused,
            assumptions=tuple(assumptions),
            as_of=as_of,
        )
        return Done(view, as_of.position)

    async def _uses(self, window: tuple[date, date], backend: str) -> dict[str, Use]:
        uses: dict[str, Use] = {}
        for row in await self._sums.activity(*window):
            if backend in {"", row.backend}:
                known = uses.get(row.backend, Use())
                uses[row.backend] = Use(
                    known.opens + row.opens, known.bytes_read + row.bytes_read, known.misses + row.misses
                )
        return uses

    async def _projected(
        self, tariff: Tariff, stored: Sequence[StoredBytes], today: date, months: int, *, backend: str, team_id: str
    ) -> list[CostMonth] | str:
        """Continue capacity by months, or say why not."""
        if not any(each.bytes for each in stored):
            return "Nothing is stored, so there is no mix of classes to continue."
        firsts = firsts_of_months(today, months)
        reach = (firsts[-1] - today).days
        # A forecast looks two days ahead for each day that it is told of.
        from_day = today - timedelta(days=max(FITTED_DAYS, reach // 2 + 1))
        history = await self._sums.history(from_day, backend=backend, team=team_id)
        series = day_sizes(history, team_id, from_day, today)
        known = [(each.day, each.bytes) for each in series if history.first_day and each.day >= history.first_day]
        ahead = forecast(known, reach)
        if not isinstance(ahead, Forecast):
            return ahead.reason
        found = [
            CostMonth(f"{each.first:%Y-%m}", amount_text(each.low), amount_text(each.expected), amount_text(each.high))
            for each in projected(stored, firsts, ahead.days, tariff.price)
        ]
        return found or f"There are {len(known)} days of history, too few to look ahead to {firsts[0]}."


def _rows(costs: Mapping[str, Cost], names: Mapping[str, str], group_by: str) -> Iterator[CostRow]:
    """Write rows: dearest first, then by name; what nobody owns last."""

    def order(group: str) -> tuple[bool, object, str]:
        return group_by == "team" and group == NOBODY, -costs[group].total.high, names.get(group, group)

    for group in sorted(costs, key=order):
        cost = costs[group]
        yield CostRow(
            name=names.get(group, group),
            id=group,
            kind="unattributed" if group_by == "team" and group == NOBODY else group_by,
            bytes=cost.capacity.priced_bytes + cost.capacity.unpriced_bytes,
            capacity=amount_text(cost.capacity.amount),
            requests_low=amount_text(cost.use.requests.low),
            requests_high=amount_text(cost.use.requests.high),
            egress_low=amount_text(cost.use.egress.low),
            egress_high=amount_text(cost.use.egress.high),
            total_low=amount_text(cost.total.low),
            total_high=amount_text(cost.total.high),
            unpriced_bytes=cost.capacity.unpriced_bytes,
        )


def _unpriced(costs: Mapping[str, Cost], backends: Sequence[str]) -> Iterator[str]:
    """Say what is in no amount."""
    missing = sum(cost.capacity.unpriced_bytes for cost in costs.values())
    if missing:
        yield f"{missing} bytes have no price in the book; what they cost is in no amount."
    if backends:
        yield f"Requests and egress of {', '.join(backends)} have no price in the book and are in no amount."
