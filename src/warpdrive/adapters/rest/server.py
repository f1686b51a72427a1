"""The door put together: routes from the contract, the document, the probes; and its life on a socket."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from litestar import Litestar

from warpdrive.adapters.rest.calls import path_handler
from warpdrive.adapters.rest.documents import document_handlers
from warpdrive.adapters.rest.faults import answer_fault
from warpdrive.adapters.rest.front import Front
from warpdrive.adapters.rest.hosts import LocalHosts
from warpdrive.adapters.rest.openapi import openapi_document
from warpdrive.adapters.rest.probes import Probes, probe_handlers
from warpdrive.adapters.rest.receiving import Receiving
from warpdrive.adapters.rest.routes import RestRoute, rest_routes
from warpdrive.adapters.wire.contract import contract
from warpdrive.adapters.wire.dispatch import Dispatcher

LARGEST_BODY: Final = 4 * 1024 * 1024
"""Bytes, as gRPC's own default for a message."""

Serving = Callable[[Any, socket.socket], AbstractAsyncContextManager[None]]
"""Runs an ASGI app on a bound socket while a block runs; with TLS or without is its own business."""


def build_app(dispatcher: Dispatcher, probes: Probes, *, version: str, largest_body: int = LARGEST_BODY) -> Front:
    """Return the ASGI app. `version` is the program's, for the document; `largest_body` in bytes."""
    known = contract()
    routes = rest_routes(known).values()
    paths: dict[str, dict[str, RestRoute]] = {}
    for route in routes:
        paths.setdefault(route.litestar_path, {})[route.route.verb] = route
    receiving = Receiving(largest_body)
    handlers = [path_handler(path, verbs, known, dispatcher, receiving) for path, verbs in paths.items()]
    document = openapi_document(known, routes, version)
    return Front(
        Litestar(
            [*handlers, *document_handlers(document), *probe_handlers(probes)],
            exception_handlers={Exception: answer_fault},
            openapi_config=None,
            logging_config=None,
            request_max_body_size=largest_body,
        )
    )


@asynccontextmanager
async def serving_rest(
    dispatcher: Dispatcher,
    probes: Probes,
    listener: socket.socket,
    serving: Serving,
    *,
    version: str,
    only_local: bool = False,
) -> AsyncIterator[None]:
    """Answer on `listener`, which `serving` closes, while the block runs.

    `only_local`: refuse what is addressed to another name than this machine's own (see `hosts`).
    """
    app = build_app(dispatcher, probes, version=version)
    async with serving(LocalHosts(app) if only_local else app, listener):
        yield
