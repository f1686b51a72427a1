"""Every failure as google.rpc.Status, the framework's own too: nobody gets an HTML page or another shape of error."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

import structlog
from grpclib.const import Status
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from warpdrive.adapters.rest.answers import fault_answer
from warpdrive.adapters.wire.metadata import CORRELATION_ID, correlation_id
from warpdrive.adapters.wire.status import WireFault, fault_of
from warpdrive.application.control.errors import ControlError

_log = structlog.get_logger(__name__)

RestRequest = Request[Any, Any, State]

_FRAMEWORK: Final[Mapping[int, tuple[Status, str]]] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: (Status.INVALID_ARGUMENT, "the request cannot be read"),
        HTTPStatus.NOT_FOUND: (Status.NOT_FOUND, "there is nothing at this path; /api/docs shows what there is"),
        HTTPStatus.METHOD_NOT_ALLOWED: (Status.UNIMPLEMENTED, "this path does not take that verb"),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (Status.RESOURCE_EXHAUSTED, "the body is too large"),
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (Status.INVALID_ARGUMENT, "the body must be application/json in UTF-8"),
    }
)
"""What the framework refuses before a method is reached; the HTTP status stays, for it says more than the code."""


class NotJson(HTTPException):
    """Raised when a body comes as anything but application/json in UTF-8."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def allowed(verbs: Iterable[str]) -> str:
    """Write an Allow header: whatever has a GET has a HEAD, and every path says what it takes."""
    taken = {*verbs, "OPTIONS"}
    return ", ".join(sorted(taken | {"HEAD"} if "GET" in taken else taken))


def answer_fault(request: RestRequest, error: Exception) -> Response[bytes]:
    """Answer whatever was raised, with the caller's correlation id or a new one."""
    marked = {CORRELATION_ID: correlation_id(request.headers, uuid4)}
    if isinstance(error, WireFault):
        return fault_answer(error, headers={**marked, **error.metadata})
    if isinstance(error, ControlError):
        return fault_answer(fault_of(error, marked))
    if isinstance(error, HTTPException) and error.status_code in _FRAMEWORK:
        code, words = _FRAMEWORK[error.status_code]
        allow = (error.headers or {}).get("allow")
        kept = {"allow": allowed(allow.split(", "))} if allow else {}
        if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # Else the server would swallow the rest, however long it is.
            kept["connection"] = "close"
        return fault_answer(WireFault(code, words, metadata=marked), status=error.status_code, headers=kept)
    _log.error("request failed", path=request.url.path, correlation_id=marked[CORRELATION_ID], exc_info=error)
    return fault_answer(fault_of(error, marked))
