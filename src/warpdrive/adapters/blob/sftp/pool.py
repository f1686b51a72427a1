"""Connections to one server: opened when needed, shared, dropped when they die or fall silent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from warpdrive.adapters.blob.sftp.login import Server
from warpdrive.application.ports.errors import BackendError, BackendMisconfigured, Unavailable

if TYPE_CHECKING:
    import asyncssh

Answer = TypeVar("Answer")

_CONNECTIONS = 4
"""One SSH channel has 2 MiB in flight: a few connections fill a link that one cannot."""
_BUSY = 4
"""Operations on the least busy connection from which another one is opened."""
_SILENT_S = 0.25
"""A connection that said nothing for so long to an operation that was then given up is not trusted any more."""


class Session:
    """One connection with its SFTP channel."""

    def __init__(self, connection: "asyncssh.SSHClientConnection", client: "asyncssh.SFTPClient") -> None:
        self.client = client
        self.operations = 0
        self.dropped = False
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self.heard = self._loop.time()
        self._farewells: set[asyncio.Task[None]] = set()

    async def ask(self, request: Awaitable[Answer]) -> Answer:
        """Await one answer of the server and note that it speaks."""
        answer = await request
        self.spoke()
        return answer

    def spoke(self) -> None:
        """Note that the server just said something."""
        self.heard = self._loop.time()

    def later(self, farewell: Coroutine[Any, Any, object]) -> None:
        """Close a handle or remove a staged file without making anybody wait, even one who was cancelled."""
        task = self._loop.create_task(self._say(farewell))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def _say(self, farewell: Coroutine[Any, Any, object]) -> None:
        from warpdrive.adapters.blob.sftp.faults import translating  # noqa: PLC0415  # asyncssh is there by now

        try:
            with translating("closing a handle"):
                await self.ask(farewell)
        except BackendError:
            # Only a dead connection or a file that is gone already; the server closes what is left with it.
            self.dropped = self.dropped or self._connection.is_closed()

    @property
    def usable(self) -> bool:
        """Whether new operations may begin here."""
        return not self.dropped and not self._connection.is_closed()

    def silent_since(self, began: float) -> bool:
        """Whether the server said nothing to anybody here since `began` or, if later, its last word."""
        return self._loop.time() - max(began, self.heard) > _SILENT_S

    async def drop(self) -> None:
        """End the connection at once."""
        self.dropped = True
        for task in tuple(self._farewells):
            task.cancel()
        self._connection.abort()
        await self._connection.wait_closed()

    async def close(self) -> None:
        """Say goodbye, then end the connection; a silent server is not waited for."""
        try:
            async with asyncio.timeout(_SILENT_S):
                await asyncio.gather(*self._farewells, return_exceptions=True)
        except TimeoutError:
            pass  # dropped below all the same
        await self.drop()


class Pool:
    """At most a few sessions of one server. Used on one event loop."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._sessions: list[Session] = []
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def session(self, what: str) -> AsyncIterator[Session]:
        """Lend a session for one operation; asyncssh's errors leave as ours, `what` in their words."""
        session = await self._least_busy()
        from warpdrive.adapters.blob.sftp.faults import translating  # noqa: PLC0415  # asyncssh is there by now

        session.operations += 1
        began = asyncio.get_running_loop().time()
        try:
            with translating(what):
                yield session
        except Unavailable:
            self._forget_dead()
            raise
        except asyncio.CancelledError:
            if session.silent_since(began):
                self._sessions = [other for other in self._sessions if other is not session]
                await session.drop()
            raise
        finally:
            session.operations -= 1

    def _forget_dead(self) -> None:
        self._sessions = [session for session in self._sessions if session.usable]

    async def _least_busy(self) -> Session:
        found = self._free()
        if found is not None:
            return found
        async with self._opening:  # one connection at a time: servers limit how many may be logging in
            found = self._free()
            if found is None:
                found = await self._open()
                self._sessions.append(found)
        return found

    def _free(self) -> Session | None:
        self._forget_dead()
        least = min(self._sessions, key=lambda session: session.operations, default=None)
        if least is None or (least.operations >= _BUSY and len(self._sessions) < _CONNECTIONS):
            return None
        return least

    async def _open(self) -> Session:
        # On first use: asyncssh loads cryptography, a Rust extension, which the core must not.
        import asyncssh  # noqa: PLC0415

        from warpdrive.adapters.blob.sftp.faults import translating  # noqa: PLC0415

        server = self._server
        arguments = server.arguments()
        try:
            with translating(f"sftp://{server.host}:{server.port}"):
                try:
                    connection = await asyncssh.connect(**arguments)
                except asyncssh.HostKeyNotVerifiable as error:
                    raise BackendMisconfigured(f"sftp://{server.host}:{server.port}: {server.advice}") from error
                except FileNotFoundError as error:
                    raise BackendMisconfigured(f"{error.filename} is not there") from error
                try:
                    client = await connection.start_sftp_client()
                except BaseException:
                    connection.abort()
                    raise
        except PermissionError as error:
            raise BackendMisconfigured(f"{error.filename} may not be read") from error
        return Session(connection, client)

    async def aclose(self) -> None:
        """End every connection. Safe to call twice."""
        sessions, self._sessions = self._sessions, []
        await asyncio.gather(*(session.close() for session in sessions))
