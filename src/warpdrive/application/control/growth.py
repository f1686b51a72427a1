"""Growth: how much came and went day by day, deletions and moves included, and where that leads."""

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Final

from warpdrive.application.control.answer_names import AnswerNames
from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed
from warpdrive.application.ports.usage_facts import History, UsageFacts
from warpdrive.domain.governance.forecast import FITTED_DAYS, Forecast, ForecastDay, forecast
from warpdrive.domain.governance.growth import DaySize, Flow, sizes, together

USUAL_DAYS: Final = 30
MOST_DAYS: Final = 3660


@dataclass(frozen=True, slots=True)
class GrowthView:
    """Every day of the period, the last of which is today. `refused`: why there is no forecast; else ""."""

    days: tuple[DaySize, ...]
    forecast: tuple[ForecastDay, ...]
    refused: str
    method: str
    as_of: AsOf


class Growth:
    """Use case of growth. Raises Malformed, NotFound (team, backend) and the store's errors."""

    def __init__(self, names: AnswerNames, moments: Moments, sums: UsageFacts) -> None:
        self._names = names
        self._moments = moments
        self._sums = sums

    async def get(self, call: Call, *, backend: str = "", team: str = "", days: int = USUAL_DAYS) -> Done[GrowthView]:
        """Show the last `days` days, and as many to come."""
        if not 1 <= days <= MOST_DAYS:
            raise Malformed("period", f"must be 1 to {MOST_DAYS} days")
        team_id = await self._names.team_id(team)
        await self._names.check_backend(backend)
        today = call.at.astimezone(UTC).date()
        as_of = await self._moments.now(call.at, backends=[backend] if backend else None)
        from_day = today - timedelta(days=max(days, FITTED_DAYS) - 1)
        history = await self._sums.history(from_day, backend=backend, team=team_id)
        series = day_sizes(history, team_id, from_day, today)
        # Before the first day of all nothing was known, which is not the same as nothing being there.
        known = [(each.day, each.bytes) for each in series if history.first_day and each.day >= history.first_day]
        ahead = forecast(known, days)
        come, refused, method = (
            (ahead.days, "", ahead.method) if isinstance(ahead, Forecast) else ((), ahead.reason, "")
        )
        view = GrowthView(
            days=tuple(series[-days:]),
            forecast=come,
            refused=refused,
            method=method,
            as_of=as_of,
        )
        return Done(view, as_of.position)


def day_sizes(history: History, team_id: str, from_day: date, to_day: date) -> list[DaySize]:
    """Return the sizes at the ends of days, both included; of a team ("": of all) its part of what it shares."""
    now = {(each.backend, each.owners): (each.objects, each.bytes) for each in history.sums}
    flows: dict[tuple[str, tuple[str, ...]], dict[date, Flow]] = {}
    for each in history.days:
        flows.setdefault((each.backend, each.owners), {})[each.day] = each.flow
    series: list[list[DaySize]] = []
    for key in sorted({*now, *flows}):
        whole = sizes(*now.get(key, (0, 0)), flows.get(key, {}), from_day, to_day)
        series.append([each.share(team_id, key[1]) for each in whole] if team_id else whole)
    return together(series, from_day, to_day)
