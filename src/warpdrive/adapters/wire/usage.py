"""Usage on the wire."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, query
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.usage import UsageView


def usage_message(view: UsageView) -> Fields:
    """Write who holds how much."""
    return {
        "rows": [
            {
                "name": row.name,
                "id": row.id,
                "kind": row.kind,
                "objects": row.objects,
                "bytes": row.bytes,
                "share": row.share,
            }
            for row in view.rows
        ],
        "total_objects": view.total_objects,
        "total_bytes": view.total_bytes,
        "basis": view.basis,
        "rule": view.rule,
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/GetUsage",
        wire.GetUsageRequest,
        lambda plane, call, request: plane.usage.get(
            call,
            group_by=request.group_by,
            backend=request.backend,
            team=request.team,
            prefix=request.prefix,
            basis=request.basis,
            days=request.days,
            depth=request.depth,
        ),
        usage_message,
    ),
)
