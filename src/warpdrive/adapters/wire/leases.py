"""Leases on the wire: bytes as numbers between programs, the policy's size and period as people type them."""

from typing import Final
from uuid import UUID

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import backend_or_any, required, size, whole_period
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.quotas import quota_message
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.leases import LeaseView, OpenLeases
from warpdrive.domain.quota.values import LeasePolicy


def lease_message(view: LeaseView) -> Fields:
    """Write a lease."""
    return {
        "id": view.id,
        "node": view.node,
        "backend": view.backend,
        "teams": list(view.teams),
        "bytes": view.bytes,
        "settled_bytes": view.settled_bytes,
        "granted_at": view.granted_at,
        "expires_at": view.expires_at,
        "state": view.state,
        "warned": view.warned,
    }


def _open_message(view: OpenLeases) -> Fields:
    return {"leases": [lease_message(lease) for lease in view.leases], "open_bytes": view.bytes}


def _lease_id(text: str) -> UUID:
    try:
        return UUID(required("lease", text))
    except ValueError:
        raise Malformed("lease", "is no lease's id") from None


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "GovernanceService/SetQuotaLeasePolicy",
        wire.SetQuotaLeasePolicyRequest,
        lambda plane, call, request: plane.leases.set_policy(
            call,
            required("team", request.team),
            backend_or_any(request.backend),
            LeasePolicy(size("size", request.size), whole_period("period", request.period)),
        ),
        quota_message,
    ),
    command(
        "GovernanceService/AcquireQuotaLease",
        wire.AcquireQuotaLeaseRequest,
        lambda plane, call, request: plane.leases.acquire(
            call,
            required("node", request.node),
            backend=required("backend", request.backend),
            key=request.key,
            wanted=request.bytes,
        ),
        lease_message,
    ),
    command(
        "GovernanceService/SettleQuotaLease",
        wire.SettleQuotaLeaseRequest,
        lambda plane, call, request: plane.leases.settle(
            call, required("node", request.node), _lease_id(request.lease), used=request.used_bytes
        ),
        lease_message,
    ),
    query(
        "GovernanceService/ListQuotaLeases",
        wire.ListQuotaLeasesRequest,
        lambda plane, call, request: plane.leases.open(call, team=request.team, backend=request.backend),
        _open_message,
    ),
)
