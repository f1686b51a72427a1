"""Growth on the wire."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, query
from warpdrive.adapters.wire.fields import whole_days
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.growth import USUAL_DAYS, GrowthView


def growth_message(view: GrowthView) -> Fields:
    """Write the days that were and those that may come."""
    return {
        "days": [
            {
                "day": each.day.isoformat(),
                "bytes": each.bytes,
                "objects": each.objects,
                "added_bytes": each.flow.added_bytes,
                "added_objects": each.flow.added_objects,
                "removed_bytes": each.flow.removed_bytes,
                "removed_objects": each.flow.removed_objects,
                "changed_bytes": each.flow.changed_bytes,
                "moved_bytes": each.flow.moved_bytes,
                "moved_objects": each.flow.moved_objects,
            }
            for each in view.days
        ],
        "forecast": [
            {
                "day": each.day.isoformat(),
                "low_bytes": each.low,
                "expected_bytes": each.expected,
                "high_bytes": each.high,
            }
            for each in view.forecast
        ],
        "refused": view.refused,
        "method": view.method,
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/GetGrowth",
        wire.GetGrowthRequest,
        lambda plane, call, request: plane.growth.get(
            call,
            backend=request.backend,
            team=request.team,
            days=whole_days("period", request.period, USUAL_DAYS),
        ),
        growth_message,
    ),
)
