"""Tenant access on the wire."""

from typing import Final

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import required, sent_moment
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Page
from warpdrive.application.control.views import TenantAccessView
from warpdrive.domain.tenant_access.values import AccessDecision, AccessGrant, AccessRequest, Allowed


def grant_value(request: wire.GrantTenantAccessRequest) -> AccessGrant:
    """Read a grant; the domain judges it."""
    return AccessGrant(
        backends=tuple(request.backends),
        private_endpoint=request.private_endpoint,
        expires_at=sent_moment(request.expires_at),
        enforce_private_link=request.enforce_private_link,
        service_tags=tuple(request.allowed_service_tags),
    )


def tenant_message(view: TenantAccessView) -> Fields:
    """Write what is granted to reach one tenant."""
    return {
        "tenant_id": view.tenant_id,
        "backends": list(view.backends),
        "private_endpoint": view.private_endpoint,
        "enforce_private_link": view.enforce_private_link,
        "allowed_service_tags": list(view.service_tags),
        "expires_at": view.expires_at,
        "revoked": view.revoked,
        "policy_version": view.policy_version,
        "version": view.version,
        "updated_at": view.updated_at,
    }


def _decision_message(decision: AccessDecision) -> Fields:
    if isinstance(decision, Allowed):
        return {"allowed": True, "allowed_by": list(decision.by), "policy_version": decision.policy_version}
    return {
        "reasons": [{"code": reason.code, "detail": reason.words} for reason in decision.reasons],
        "policy_version": decision.policy_version,
    }


def _page_message(page: Page[TenantAccessView]) -> Fields:
    return {"tenants": [tenant_message(view) for view in page.items], "next_page_token": page.next_token}


def _request_value(request: wire.CheckTenantAccessRequest) -> AccessRequest:
    return AccessRequest(
        subject=required("subject", request.subject),
        backend=required("backend", request.backend),
        resource=request.resource,
        node=request.node,
    )


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "ControlService/GrantTenantAccess",
        wire.GrantTenantAccessRequest,
        lambda plane, call, request: plane.tenants.grant(
            call, required("tenant_id", request.tenant_id), grant_value(request)
        ),
        tenant_message,
    ),
    command(
        "ControlService/RevokeTenantAccess",
        wire.RevokeTenantAccessRequest,
        lambda plane, call, request: plane.tenants.revoke(
            call, required("tenant_id", request.tenant_id), request.reason
        ),
        tenant_message,
    ),
    query(
        "ControlService/GetTenantAccess",
        wire.GetTenantAccessRequest,
        lambda plane, call, request: plane.tenants.get(call, required("tenant_id", request.tenant_id)),
        tenant_message,
    ),
    query(
        "ControlService/ListTenantAccess",
        wire.ListTenantAccessRequest,
        lambda plane, call, request: plane.tenants.page(call, size=request.page_size, token=request.page_token),
        _page_message,
    ),
    query(
        "ControlService/CheckTenantAccess",
        wire.CheckTenantAccessRequest,
        lambda plane, call, request: plane.tenants.check(
            call, required("tenant_id", request.tenant_id), _request_value(request)
        ),
        _decision_message,
    ),
)
