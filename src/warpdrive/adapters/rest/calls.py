"""A call over HTTP: from a request to the dispatcher and back, for every method the same."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from google.protobuf.message import Message
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from warpdrive.adapters.rest.answers import csv_answer, json_answer, proto_json
from warpdrive.adapters.rest.bodies import fill_from_body
from warpdrive.adapters.rest.faults import NotJson, RestRequest, allowed
from warpdrive.adapters.rest.queries import fill_from_path, fill_from_query
from warpdrive.adapters.rest.receiving import Receiving
from warpdrive.adapters.rest.routes import RestRoute
from warpdrive.adapters.rest.tables import table, wants_table
from warpdrive.adapters.wire.contract import Contract, message_class
from warpdrive.adapters.wire.dispatch import Dispatcher
from warpdrive.adapters.wire.metadata import UNDERSTOOD
from warpdrive.application.control.errors import Malformed

NEXT_PAGE: Final = "x-warpdrive-next-page-token"
"""Where a table, which has no room for it, carries the token of its next page."""

TIMEOUT: Final = "grpc-timeout"
"""The header by which a caller says how long it waits, as in gRPC: "10S", "500m"."""

_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])", re.ASCII)
_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def path_handler(
    path: str, routes: Mapping[str, RestRoute], contract: Contract, door: Dispatcher, receiving: Receiving
) -> HTTPRouteHandler:
    """Return the handler of one path; `routes` by verb. Together, so that OPTIONS can name all of them."""
    allow = allowed(routes)

    async def handle(request: RestRequest) -> Response[bytes]:
        if request.method == HttpMethod.OPTIONS:
            return Response(b"", status_code=HTTPStatus.NO_CONTENT, headers={"allow": allow})
        return await _call(routes[request.method], contract, door, receiving, request)

    verbs = [*map(HttpMethod, routes), HttpMethod.OPTIONS]
    return HTTPRouteHandler(path, http_method=verbs, status_code=HTTPStatus.OK)(handle)


async def _call(
    route: RestRoute, contract: Contract, door: Dispatcher, receiving: Receiving, request: RestRequest
) -> Response[bytes]:
    body = await _body(receiving, request) if route.takes_body else b""
    # One that is given twice is one text with a comma: nobody picks, and what has to be one thing is refused.
    metadata = {name: ", ".join(values) for name in UNDERSTOOD if (values := request.headers.getall(name, []))}
    answer = await door.unary(
        route.method.name,
        _asked(route, contract, request, body),
        metadata,
        deadline=deadline(request.headers.get(TIMEOUT)),
        via="rest",
    )
    message = message_class(route.method.answer).FromString(answer.body)
    items = route.table
    if items is not None and wants_table(request.headers.get("accept", "")):
        # A token is letters and digits today; quoted, whatever it becomes cannot break the header.
        more = quote(str(getattr(message, "next_page_token", "")))
        return csv_answer(table(message, items), {**answer.metadata, NEXT_PAGE: more})
    return json_answer(proto_json(message, contract.pool), headers=answer.metadata)


def deadline(header: str | None) -> float | None:
    """Read a gRPC time-out as seconds. Raises Malformed."""
    if header is None:
        return None
    match = _TIMEOUT.fullmatch(header)
    if match is None:
        raise Malformed(TIMEOUT, 'is no time-out; write it like "10S" or "500m"')
    return int(match[1]) * _UNITS[match[2]]


def _asked(route: RestRoute, contract: Contract, request: RestRequest, body: bytes) -> Callable[[], Message]:
    """Return what makes the message: reading it is work, which nobody gets before they say who they are."""

    def make() -> Message:
        message = message_class(route.method.request)()
        if route.takes_body:
            fill_from_body(message, body, contract.pool)
        else:
            fill_from_query(message, request.scope["query_string"].decode("latin-1"))
        fill_from_path(message, {field: request.path_params[field] for field in route.fields})
        return message

    return make


async def _body(receiving: Receiving, request: RestRequest) -> bytes:
    body = await receiving.body(request)
    kind, parameters = request.content_type
    charset = parameters.get("charset", "utf-8")
    if body and (kind not in {"", "application/json"} or charset.lower() not in {"utf-8", "utf8"}):
        raise NotJson
    return body
