"""Stale data on the wire."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, query
from warpdrive.adapters.wire.fields import size, whole_days
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.staleness import USUAL_DAYS, StaleView


def stale_message(view: StaleView) -> Fields:
    """Write a page of what is idle, and the sums of all of it."""
    return {
        "objects": [
            {
                "backend": each.backend,
                "key": each.key,
                "bytes": each.bytes,
                "teams": list(each.teams),
                "last_used_day": each.last_used_day.isoformat(),
                "last_used_by": each.last_used_by,
                "idle_days": each.idle_days,
                "standing": each.standing,
                "storage_class": each.storage_class,
            }
            for each in view.objects
        ],
        "next_page_token": view.next_token,
        "stale_objects": view.stale_objects,
        "stale_bytes": view.stale_bytes,
        "unknown_objects": view.unknown_objects,
        "unknown_bytes": view.unknown_bytes,
        "total_objects": view.total_objects,
        "total_bytes": view.total_bytes,
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/ListStale",
        wire.ListStaleRequest,
        lambda plane, call, request: plane.stale.page(
            call,
            days=whole_days("days", request.days, USUAL_DAYS),
            min_size=size("min_size", request.min_size) if request.min_size else 0,
            backend=request.backend,
            team=request.team,
            size=request.page_size,
            token=request.page_token,
        ),
        stale_message,
    ),
)
