"""The admin API: a litestar app over an `AgentDesk`, on the private socket.

GET /status, /hidden, /stats; POST /warm (a stream of JSON lines), /prefetch, /evict. Every fault is JSON:
`{"error": {"kind": ..., "message": ...}}`.
"""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
from litestar import Litestar, Request, Response, asgi, get, post
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope, Send

from warpdrive.adapters.admin.bodies import (
    BodyError,
    EvictBody,
    PrefetchBody,
    WarmBody,
    decode,
    encode,
    evicted_body,
    hidden_body,
    status_body,
    warm_body,
)
from warpdrive.adapters.admin.socket import admin_socket
from warpdrive.application.mount.desk import AgentDesk, WarmJob
from warpdrive.application.mount.errors import FileSystemError, NoSuchEntry
from warpdrive.application.ports.errors import BackendError

TICK: Final = 0.25
"""Seconds between two lines of progress."""

Serving = Callable[[Any, socket.socket], AbstractAsyncContextManager[None]]
"""Runs an ASGI app on a bound socket while a block runs."""

_SHORT: Final = 64 * 1024
"""Bytes: one path and four numbers."""

_JSON: Final = "application/json"
_LINES: Final = "application/jsonl"

AdminRequest = Request[Any, Any, State]


def _answer(body: object, status: int = 200) -> Response[bytes]:
    return Response(encode(body), status_code=status, media_type=_JSON)


def fault_body(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the JSON for a fault: the table of this door."""
    match error:
        case BodyError():
            status, kind = 400, "bad_request"
        case NoSuchEntry():
            status, kind = 404, "no_such_entry"
        case FileSystemError():
            status, kind = 409, "refused"
        case BackendError():
            status, kind = 502, f"backend_{error.kind}"
        case HTTPException():
            return error.status_code, {"error": {"kind": "http", "message": error.detail}}
        case _:
            status, kind = 500, "internal"
    return status, {"error": {"kind": kind, "message": str(error) or type(error).__name__}}


def _fault(_request: AdminRequest, error: Exception) -> Response[bytes]:
    status, body = fault_body(error)
    return _answer(body, status)


def _desk(state: State) -> AgentDesk:
    desk: AgentDesk = state.desk
    return desk


@get("/status")
async def _status(state: State) -> Response[bytes]:
    return _answer(status_body(await _desk(state).status()))


@get("/hidden")
async def _hidden(state: State) -> Response[bytes]:
    return _answer(hidden_body(tuple(_desk(state).hidden())))


@get("/stats")
async def _stats(state: State) -> Response[bytes]:
    return _answer({"stats": dict(_desk(state).stats())})


@post("/prefetch", status_code=200)
async def _prefetch(request: AdminRequest, state: State) -> Response[bytes]:
    entries = decode(await request.body(), PrefetchBody).entries()
    return _answer({"accepted": await _desk(state).prefetch(entries)})


@post("/evict", status_code=200)
async def _evict(request: AdminRequest, state: State) -> Response[bytes]:
    return _answer(evicted_body(await _desk(state).evict(decode(await request.body(), EvictBody).path)))


async def _short_body(receive: Receive) -> bytes:
    """Read a body below litestar, which gives raw ASGI handlers none. Raises BodyError when it is long."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message["body"]
        more = message["more_body"]
        if len(body) > _SHORT:
            raise BodyError("the body is too long")
    return body


class _WarmStream:
    """`POST /warm`: the run, its ticks and the watch over the client are one task group; either end ends all."""

    def __init__(self, desk: AgentDesk) -> None:
        self._desk = desk
        self._runs: set[anyio.CancelScope] = set()
        """Streams under way."""

    def stop(self) -> None:
        """End every stream; each client is told."""
        for run in tuple(self._runs):
            run.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Faults before the first line raise; later ones are the last line."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
            raise HTTPException("warm takes POST", status_code=405)
        job = self._desk.warm(decode(await _short_body(receive), WarmBody).request())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", _LINES.encode())]})
        with anyio.CancelScope() as whole:
            self._runs.add(whole)
            try:
                await self._stream(job, receive, send)
            finally:
                self._runs.discard(whole)
        if whole.cancelled_caught:
            stopping = {
                "error": {"kind": "stopping", "message": "the agent is stopping; what was fetched stays cached"}
            }
            await send({"type": "http.response.body", "body": encode(stopping), "more_body": False})

    async def _stream(self, job: WarmJob, receive: Receive, send: Send) -> None:
        done = anyio.Event()
        last: list[dict[str, Any]] = []

        async def run() -> None:
            try:
                last.append(warm_body(await job.run()))
            except Exception as error:  # noqa: BLE001 - the stream has begun, so the client learns it as the last line
                last.append(fault_body(error)[1])
            done.set()

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        async def line(body: dict[str, Any]) -> None:
            await send({"type": "http.response.body", "body": encode(body), "more_body": True})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            tasks.start_soon(run)
            while not done.is_set():
                await line(warm_body(job.progress()))
                with anyio.move_on_after(TICK):
                    await done.wait()
            await line(last[0])
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            tasks.cancel_scope.cancel()


def build_app(desk: AgentDesk, warm: _WarmStream) -> Litestar:
    """Return the ASGI app."""
    return Litestar(
        [_status, _hidden, _stats, _prefetch, _evict, asgi("/warm", copy_scope=True)(warm.__call__)],
        state=State({"desk": desk}),
        exception_handlers={Exception: _fault},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=64 * 1024 * 1024,
    )


@asynccontextmanager
async def serving_admin(desk: AgentDesk, path: Path, serving: Serving) -> AsyncIterator[None]:
    """Answer on `path` while the block runs. Raises AdminSocketError before anything starts.

    At the end runs under way are cancelled first, so that stopping waits for nobody.
    """
    warm = _WarmStream(desk)
    with admin_socket(path) as listener:
        async with serving(build_app(desk, warm), listener):
            try:
                yield
            finally:
                warm.stop()
