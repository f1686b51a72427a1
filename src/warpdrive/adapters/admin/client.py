"""The other end of the admin socket, for command line tools: plain calls, plain JSON back."""

import json
import socket
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.application.mount.warming import WarmRequest

Answer = dict[str, Any]

_TIMEOUT: Final = httpx.Timeout(10.0, read=30.0)
"""Seconds. Status waits for health checks, warm sends a line several times a second."""
_EVICT_READ: Final = 600.0
"""Seconds: evicting walks the whole tree below the path before it answers."""


class AgentUnreachable(Exception):
    """Raised when nobody answers on the socket. The message says which socket and what to do."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"no agent answers on {path} ({why}); start warpdrive-mount, "
            "or name its socket (agent.admin_socket) with --socket or WARPDRIVE_SOCKET"
        )
        self.path = path


class AgentRefused(Exception):
    """Raised when the agent answered with a fault.

    `kind` as on the wire, `status` the HTTP status (0 in a stream).
    """

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class AgentClient:
    """Calls to one agent. Every verb raises AgentUnreachable and AgentRefused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(path)), base_url="http://agent", timeout=_TIMEOUT, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._http.close()

    def status(self) -> Answer:
        """Describe the agent."""
        return self._call("GET", "/status")

    def hidden(self) -> list[Answer]:
        """Name the hidden keys."""
        keys: list[Answer] = self._call("GET", "/hidden")["hidden"]
        return keys

    def stats(self) -> dict[str, float]:
        """Counters since the agent's start."""
        stats: dict[str, float] = self._call("GET", "/stats")["stats"]
        return stats

    def prefetch(self, entries: Sequence[ManifestEntry]) -> int:
        """Hand over an order; returns how many files it names."""
        manifest = [{"path": entry.path, "ranges": entry.ranges} for entry in entries]
        return int(self._call("POST", "/prefetch", {"manifest": manifest})["accepted"])

    def evict(self, path: str) -> Answer:
        """Drop what the cache holds below the path."""
        return self._call("POST", "/evict", {"path": path}, read=_EVICT_READ)

    def warm(self, request: WarmRequest) -> Generator[Answer, None, None]:
        """Run it; yields progress several times a second.

        The last has `finished`. Closing the iterator stops it.
        """
        body = {
            "path": request.path,
            "recursive": request.recursive,
            "max_size": request.max_size,
            "workers": request.workers,
            "check": request.check,
        }
        finished = False
        self._knock()
        try:
            with self._http.stream("POST", "/warm", content=json.dumps(body)) as response:
                if response.is_error:
                    response.read()
                    raise self._refusal(response)
                for line in response.iter_lines():
                    progress: Answer = json.loads(line)
                    if "error" in progress:
                        raise AgentRefused(0, progress["error"]["kind"], progress["error"]["message"])
                    finished = progress["finished"]
                    yield progress
        except httpx.TransportError as error:
            raise self._unreachable(error) from None
        if not finished:
            raise AgentUnreachable(self._path, "the agent stopped in the middle")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, read: float = 30.0) -> Answer:
        self._knock()
        try:
            response = self._http.request(
                method,
                path,
                content=None if body is None else json.dumps(body),
                timeout=httpx.Timeout(10.0, read=read),
            )
        except httpx.TransportError as error:
            raise self._unreachable(error) from None
        if response.is_error:
            raise self._refusal(response)
        answer: Answer = json.loads(response.content)
        return answer

    def _knock(self) -> None:
        """Connect once by ourselves: the system's words are clearer, and httpcore leaks a socket that is refused."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(5.0)
                probe.connect(str(self._path))
        except FileNotFoundError:
            raise AgentUnreachable(self._path, "no such socket") from None
        except OSError as error:
            raise AgentUnreachable(self._path, error.strerror or str(error)) from None

    def _unreachable(self, error: httpx.TransportError) -> AgentUnreachable:
        return AgentUnreachable(self._path, str(error) or type(error).__name__)

    def _refusal(self, response: httpx.Response) -> AgentRefused:
        try:
            fault = json.loads(response.content)["error"]
        except (ValueError, KeyError, TypeError):
            return AgentRefused(response.status_code, "http", f"the socket answered {response.status_code}")
        return AgentRefused(response.status_code, fault["kind"], fault["message"])
