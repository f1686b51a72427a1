"""Costs on the wire: amounts are decimal texts."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, query
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.costs import CostMonth, CostRow, CostView


def _row_message(row: CostRow) -> Fields:
    return {
        "name": row.name,
        "id": row.id,
        "kind": row.kind,
        "bytes": row.bytes,
        "capacity": row.capacity,
        "requests_low": row.requests_low,
        "requests_high": row.requests_high,
        "egress_low": row.egress_low,
        "egress_high": row.egress_high,
        "total_low": row.total_low,
        "total_high": row.total_high,
        "unpriced_bytes": row.unpriced_bytes,
    }


def _month_message(month: CostMonth) -> Fields:
    return {"month": month.month, "low": month.low, "expected": month.expected, "high": month.high}


def cost_message(view: CostView) -> Fields:
    """Write who bears which cost, and what is to come."""
    return {
        "book": view.book,
        "currency": view.currency,
        "rows": [_row_message(row) for row in view.rows],
        "total_low": view.total_low,
        "total_high": view.total_high,
        "projection": [_month_message(month) for month in view.projection],
        "refused": view.refused,
        "assumptions": list(view.assumptions),
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/GetCost",
        wire.GetCostRequest,
        lambda plane, call, request: plane.costs.get(
            call,
            book=request.book,
            group_by=request.group_by,
            backend=request.backend,
            team=request.team,
            months=request.months,
        ),
        cost_message,
    ),
)
