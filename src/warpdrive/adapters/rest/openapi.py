"""The OpenAPI 3.1 document, made of the same descriptors as the routes, so it cannot say anything else than they do."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from warpdrive.adapters.rest.calls import NEXT_PAGE, TIMEOUT
from warpdrive.adapters.rest.queries import query_fields
from warpdrive.adapters.rest.routes import RestRoute
from warpdrive.adapters.rest.schemas import STATUS, Schema, Schemas
from warpdrive.adapters.wire import metadata as beside
from warpdrive.adapters.wire.bindings import BINDINGS
from warpdrive.adapters.wire.contract import PACKAGE, Contract

Document = dict[str, Any]

_ABOUT: Final = """\
Every call is also an rpc of package `warpdrive.v1`. Send a token with each: `authorization: Bearer wd_...`.

- Names of fields may be lowerCamelCase or snake_case, in bodies and queries; unknown ones are ignored. 64-bit integers
  are texts.
- Sizes that people type are texts such as `500TB` (powers of 1024: B, KB, MB, GB, TB, PB); periods are texts such as
  `7d` or `1h30m` (ms, s, m, h, d).
- Lists are paged: give `pageToken` the `nextPageToken` of the page before. With `accept: text/csv` they are tables,
  in which a text that a spreadsheet would compute begins with an apostrophe.
- An `idempotency-key` makes a change safe to repeat. `x-warpdrive-position` in an answer, sent back as
  `x-warpdrive-min-position`, makes a later query show that change.
- A name with a slash in a path is written with `%2F`.
- `/healthz`, `/readyz` and `/metrics` need no token: keep them from those who should not see them by where you listen.
"""

_ERRORS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "INVALID_ARGUMENT, FAILED_PRECONDITION or OUT_OF_RANGE: the request cannot be carried out as it is.",
        401: "UNAUTHENTICATED: no token, or none that is valid.",
        403: "PERMISSION_DENIED: the token's role or scope does not reach so far.",
        404: "NOT_FOUND.",
        409: "ALREADY_EXISTS or ABORTED: the name is taken, or somebody else was faster.",
        413: "RESOURCE_EXHAUSTED: the body is too large.",
        415: "INVALID_ARGUMENT: the body is not application/json in UTF-8.",
        429: "RESOURCE_EXHAUSTED: too many calls; `retry-after` says when to come back.",
        500: "INTERNAL: our fault; the operator finds it by the correlation id.",
        503: "UNAVAILABLE: the store cannot be reached or is behind; try again.",
        504: "DEADLINE_EXCEEDED.",
    }
)
_OF_BODIES: Final = frozenset({413, 415})
_WITH_RETRY: Final = frozenset({429, 503})

_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "string", "pattern": "^[0-9]+$"}


def openapi_document(contract: Contract, routes: Iterable[RestRoute], version: str) -> Document:
    """Return the document."""
    schemas = Schemas(contract.words)
    paths: Document = {}
    services: dict[str, str] = {}
    for route in routes:
        service = route.method.service
        services.setdefault(service, contract.words.get(f"{PACKAGE}.{service}", ""))
        paths.setdefault(route.route.path, {})[route.route.verb.lower()] = _operation(route, schemas)
    paths.update(_probe_paths())
    return {
        "openapi": "3.1.0",
        "info": {"title": "WarpDrive control plane", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [
            *({"name": name, "description": text} for name, text in services.items()),
            {"name": "Probes", "description": "For the machines that watch this one. Without a token."},
        ],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "headers": _HEADERS,
            "responses": {str(status): _error(status, text) for status, text in _ERRORS.items()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token: `warpdrive-ctl token create`."}
            },
        },
    }


def _operation(route: RestRoute, schemas: Schemas) -> Document:
    method = route.method
    summary, _, rest = method.words.partition(". ")
    operation: Document = {
        "operationId": method.name.replace("/", "_"),
        "tags": [method.service],
        "summary": summary.removesuffix(".") or method.name.partition("/")[2],
        "parameters": [*_path_parameters(route, schemas), *_query_parameters(route, schemas), *_headers(route)],
        "responses": {
            "200": _success(route, schemas),
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in _ERRORS
                if route.takes_body or status not in _OF_BODIES
            },
        },
    }
    if rest:
        operation["description"] = rest
    if route.takes_body:
        schema = schemas.body(method.request, route.fields)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _path_parameters(route: RestRoute, schemas: Schemas) -> list[Document]:
    fields = (route.method.request.fields_by_name[name] for name in route.fields)
    return [
        {"name": field.name, "in": "path", "required": True, "schema": {**schemas.field(field), "minLength": 1}}
        for field in fields
    ]


def _query_parameters(route: RestRoute, schemas: Schemas) -> list[Document]:
    if route.takes_body:
        return []
    parameters = []
    for name, field in query_fields(route.method.request, route.fields):
        schema = schemas.field(field)
        text = schema.pop("description", "")
        parameter: Document = {"name": name, "in": "query", "schema": schema}
        parameters.append({**parameter, "description": text} if text else parameter)
    return parameters


def _headers(route: RestRoute) -> list[Document]:
    headers = [
        _header(beside.CORRELATION_ID, {**_TEXT, "maxLength": beside.LONGEST_CORRELATION_ID}, _KEPT),
        _header(TIMEOUT, {**_TEXT, "pattern": "^[0-9]{1,8}[HMSmun]$"}, 'How long the caller waits: "10S", "500m".'),
    ]
    if BINDINGS[route.method.name].reads:
        headers.append(_header(beside.MIN_POSITION, _NUMBER, "Wait until what is shown has come so far."))
    else:
        headers.append(_header(beside.IDEMPOTENCY_KEY, {**_TEXT, "format": "uuid"}, _ONCE))
    return headers


_KEPT: Final = "Kept with every event and log line; made when it is missing."
_ONCE: Final = "A call repeated with the same key and the same request has its first answer and changes nothing."


def _header(name: str, schema: Schema, words: str) -> Document:
    return {"name": name, "in": "header", "schema": schema, "description": words}


_HEADERS: Final[Document] = {
    beside.CORRELATION_ID: {"schema": _TEXT, "description": "Under which logs and events tell of this call."},
    beside.POSITION: {"schema": _NUMBER, "description": "Of the write, or as of which the query was answered."},
    NEXT_PAGE: {
        "schema": _TEXT,
        "description": "Of a table: the next page's token, percent-encoded.",
    },
    "retry-after": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."},
}


def _shown(*names: str) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _success(route: RestRoute, schemas: Schemas) -> Document:
    content: Document = {"application/json": {"schema": schemas.reference(route.method.answer)}}
    names = [beside.CORRELATION_ID, beside.POSITION]
    if route.table is not None:
        content["text/csv"] = {"schema": _TEXT}
        names.append(NEXT_PAGE)
    return {"description": "Done.", "headers": _shown(*names), "content": content}


def _error(status: int, words: str) -> Document:
    names = [beside.CORRELATION_ID, *(["retry-after"] if status in _WITH_RETRY else [])]
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{STATUS}"}}}
    return {"description": words, "headers": _shown(*names), "content": content}


def _probe_paths() -> Document:
    def probe(summary: str, responses: Document) -> Document:
        name = summary.partition(":")[0].replace(" ", "_")
        return {
            "get": {"operationId": name, "tags": ["Probes"], "summary": summary, "security": [], "responses": responses}
        }

    plain = {"application/json": {"schema": {"type": "object", "required": ["status"]}}}
    return {
        "/healthz": probe("alive: the process answers", {"200": {"description": "Facts about it.", "content": plain}}),
        "/readyz": probe(
            "ready: calls can be served",
            {
                "200": {"description": "Every check is well.", "content": plain},
                "503": {"description": "A check has failed; the body says which.", "content": plain},
            },
        ),
        "/metrics": probe(
            "metrics: for Prometheus",
            {"200": {"description": "Numbers.", "content": {"text/plain": {"schema": _TEXT}}}},
        ),
    }
