"""Tokens and principals on the wire. A secret is in one answer and nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import period, required
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Call, Done, Page, Principal
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.plane import ControlPlane
from warpdrive.application.control.views import IssuedToken, TokenView
from warpdrive.domain.token.values import Role

_ROLES: Final[Mapping[int, Role]] = MappingProxyType(
    {
        # To the type checker members of betterproto's enums are plain numbers, which they also are.
        wire.Role.VIEWER: Role.VIEWER,
        wire.Role.OPERATOR: Role.OPERATOR,
        wire.Role.ADMIN: Role.ADMIN,
        wire.Role.AGENT: Role.AGENT,
        wire.Role.AUDITOR: Role.AUDITOR,
    }
)
_NUMBERS: Final[Mapping[Role, int]] = MappingProxyType({value: int(number) for number, value in _ROLES.items()})


def role_value(role: int) -> Role:
    """Read a role. Raises Malformed for none and for a number that means nothing."""
    try:
        return _ROLES[role]
    except KeyError:
        words = ", ".join(f"ROLE_{role.name}" for role in Role)
        raise Malformed("role", f"must be one of {words}") from None


def token_message(view: TokenView) -> Fields:
    """Write a token, without its secret."""
    return {
        "token_id": view.id,
        "role": _NUMBERS[view.role],
        "namespaces": list(view.namespaces),
        "teams": list(view.teams),
        "node": view.node,
        "note": view.note,
        "created_at": view.created_at,
        "created_by": view.created_by,
        "expires_at": view.expires_at,
        "revoked": view.revoked,
    }


def _issued_message(issued: IssuedToken) -> Fields:
    return {"token": token_message(issued.token), "secret": issued.secret}


def _page_message(page: Page[TokenView]) -> Fields:
    return {"tokens": [token_message(view) for view in page.items], "next_page_token": page.next_token}


def _principal_message(principal: Principal) -> Fields:
    return {
        "name": principal.name,
        "role": _NUMBERS[principal.role],
        "namespaces": list(principal.namespaces),
        "teams": list(principal.teams),
        "node": principal.node,
    }


async def _who_am_i(plane: ControlPlane, call: Call, request: wire.WhoAmIRequest) -> Done[Principal]:
    del plane, request
    # Of no position: who calls is no read model.
    return Done(call.principal, 0)


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "ControlService/CreateToken",
        wire.CreateTokenRequest,
        lambda plane, call, request: plane.tokens.create(
            call,
            role=role_value(request.role),
            namespaces=tuple(request.namespaces),
            teams=tuple(request.teams),
            node=request.node,
            note=request.note,
            expires_in=period("expires_in", request.expires_in) if request.expires_in else None,
        ),
        _issued_message,
    ),
    query(
        "ControlService/ListTokens",
        wire.ListTokensRequest,
        lambda plane, call, request: plane.tokens.page(
            call, size=request.page_size, token=request.page_token, ended=request.ended
        ),
        _page_message,
    ),
    command(
        "ControlService/RevokeToken",
        wire.RevokeTokenRequest,
        lambda plane, call, request: plane.tokens.revoke(call, required("token_id", request.token_id), request.reason),
        token_message,
    ),
    query("ControlService/WhoAmI", wire.WhoAmIRequest, _who_am_i, _principal_message),
)
