"""Simulated quotas on the wire. A question, for all that it is posted: it writes nothing."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, query
from warpdrive.adapters.wire.fields import backend_or_any, required, whole_days
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.quotas import limits_value
from warpdrive.application.control.simulation import USUAL_DAYS, Simulated


def simulation_message(view: Simulated) -> Fields:
    """Write what limits would have done."""
    history = view.history
    return {
        "crossings": [
            {"day": each.day.isoformat(), "what": each.what, "usage_bytes": each.usage} for each in history.crossings
        ],
        "days_warned": history.days_warned,
        "days_refused": history.days_refused,
        "highest_bytes": history.highest,
        "now_bytes": history.now,
        "standing_now": history.standing_now.value,
        "refused_bytes": history.refused_bytes,
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/SimulateQuota",
        wire.SimulateQuotaRequest,
        lambda plane, call, request: plane.simulation.run(
            call,
            required("team", request.team),
            backend_or_any(request.backend),
            limits_value(request),
            days=whole_days("days", request.days, USUAL_DAYS),
        ),
        simulation_message,
    ),
)
