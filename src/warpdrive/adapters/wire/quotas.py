"""Quotas on the wire: sizes and periods come as people type them and go as bytes and seconds."""

from typing import Final

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import backend_or_any, required, size, whole_period
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Page
from warpdrive.application.control.views import QuotaView
from warpdrive.domain.quota.values import WEEK, QuotaLimits


def limits_value(request: wire.SetQuotaRequest | wire.SimulateQuotaRequest) -> QuotaLimits:
    """Read limits. Raises Malformed; whether they fit each other is the domain's to say."""
    hard = size("hard", request.hard)
    return QuotaLimits(
        soft=size("soft", request.soft) if request.soft else hard,
        hard=hard,
        grace_seconds=whole_period("grace", request.grace) if request.grace else WEEK,
    )


def quota_message(view: QuotaView) -> Fields:
    """Write a quota and how it stands."""
    return {
        "team": view.team,
        "team_id": view.team_id,
        "backend": view.backend,
        "soft_bytes": view.soft,
        "hard_bytes": view.hard,
        "grace_seconds": view.grace_seconds,
        "usage_bytes": view.usage,
        "standing": view.standing,
        "grace_until": view.grace_until,
        "version": view.version,
        "updated_at": view.updated_at,
    }


def _page_message(page: Page[QuotaView]) -> Fields:
    return {"quotas": [quota_message(view) for view in page.items], "next_page_token": page.next_token}


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "GovernanceService/SetQuota",
        wire.SetQuotaRequest,
        lambda plane, call, request: plane.quotas.set(
            call, required("team", request.team), backend_or_any(request.backend), limits_value(request)
        ),
        quota_message,
    ),
    query(
        "GovernanceService/ListQuotas",
        wire.ListQuotasRequest,
        # Here "" asks for every quota, where elsewhere it is the one for all backends.
        lambda plane, call, request: plane.quotas.page(
            call, team=request.team, backend=request.backend, size=request.page_size, token=request.page_token
        ),
        _page_message,
    ),
    query(
        "GovernanceService/GetQuota",
        wire.GetQuotaRequest,
        lambda plane, call, request: plane.quotas.get(
            call, required("team", request.team), backend_or_any(request.backend)
        ),
        quota_message,
    ),
    command(
        "GovernanceService/DeleteQuota",
        wire.DeleteQuotaRequest,
        lambda plane, call, request: plane.quotas.delete(
            call, required("team", request.team), backend_or_any(request.backend)
        ),
        quota_message,
    ),
)
