"""Writers over both doors of a control plane, each command with an idempotency key, and what became of each.

    load = Load(plane.url, plane.grpc, secret)
    await load.prepare()
    async with load.writing(6):
        ...kill something...
    repeated = await load.repeat(url, grpc)

Every command writes exactly one event, so the events of a command's id count its effects.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import anyio
import httpx
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from tests.support.control_planes import tls
from tests.support.ports import LOOPBACK, wait_until_async
from warpdrive.adapters.control_client.trouble import LOST
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.wire.generated import messages as wire

GONE = "GONE"
"""The outcome of a call whose connection broke, or was refused."""

_PAUSE_S = 0.05
"""A writer that was refused tries its next command no sooner."""

_CALL_S = 20.0


@dataclass(slots=True)
class Command:
    """One wish, its key, and the last answer: a code's name, or GONE; `position` of the write, 0 when there is none."""

    key: UUID
    namespace: str
    path: str
    via: str
    outcome: str = ""
    position: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Doors:
    """A client for each door, as one caller."""

    rest: httpx.AsyncClient
    grpc: wire.ControlServiceStub

    async def send(self, command: Command) -> None:
        """Carry a command out, and note what came of it."""
        began = anyio.current_time()
        command.outcome, command.position = await (self._rest if command.via == "rest" else self._grpc)(command)
        command.seconds = anyio.current_time() - began

    async def _rest(self, command: Command) -> tuple[str, int]:
        body = {"entry": {"path": command.path, "backend": {"name": "scratch", "type": "memory"}}}
        try:
            answer = await self.rest.post(
                f"/api/v1/namespaces/{command.namespace}/mounts", json=body, headers=_beside(command)
            )
        except httpx.TransportError:
            return GONE, 0
        if answer.status_code == httpx.codes.OK:
            return "OK", int(answer.headers["x-warpdrive-position"])
        return Status(answer.json()["code"]).name, 0

    async def _grpc(self, command: Command) -> tuple[str, int]:
        entry = wire.MountEntry(path=command.path, backend=wire.Backend(name="scratch", type="memory"))
        request = wire.AddMountEntryRequest(namespace=command.namespace, entry=entry)
        metadata = {**dict(self.grpc.metadata or {}), **_beside(command)}
        try:
            await self.grpc.add_mount_entry(request, metadata=metadata)
        except GRPCError as error:
            return error.status.name, 0
        except LOST:
            return GONE, 0
        return "OK", 0


@dataclass(slots=True)
class Load:
    """Commands of several writers. `secret` is an admin's."""

    url: str
    grpc: str
    secret: str
    commands: list[Command] = field(default_factory=list)
    mark: str = field(default_factory=lambda: uuid4().hex[:8])
    _stopped: bool = False

    async def prepare(self, writers: int = 4) -> None:
        """Make a namespace for each writer to fill."""
        async with _doors(self.url, self.grpc, self.secret) as doors:
            for number in range(writers):
                answer = await doors.rest.post("/api/v1/namespaces", json={"name": self._namespace(number)})
                assert answer.status_code == httpx.codes.OK, answer.text

    @asynccontextmanager
    async def writing(self, writers: int = 4) -> AsyncIterator[None]:
        """Write while the block runs, half of the writers over REST and half over gRPC; then wait for every answer."""
        async with anyio.create_task_group() as tasks:
            for number in range(writers):
                tasks.start_soon(self._write, number)
            try:
                yield
            finally:
                self._stopped = True

    def stop(self) -> None:
        """Send no further commands."""
        self._stopped = True

    async def until(self, outcome: str, count: int, *, after: int = 0, within: float = 20.0) -> None:
        """Wait until so many commands, of those after the first `after`, have had this outcome over each door."""

        def enough() -> bool:
            seen = Counter(each.via for each in self.commands[after:] if each.outcome == outcome)
            return min(seen["rest"], seen["grpc"]) >= count

        await wait_until_async(enough, within=within, what=f"{count} times {outcome} over each door")

    @property
    def acknowledged(self) -> list[Command]:
        """Those that were answered with success."""
        return [each for each in self.commands if each.outcome == "OK"]

    def outcomes(self, *, after: int = 0) -> set[str]:
        """Every outcome there was."""
        return {each.outcome for each in self.commands[after:] if each.outcome}

    async def repeat(self, url: str, grpc: str) -> list[Command]:
        """Send every command again under its key, in order, and return the answers."""
        again = [Command(each.key, each.namespace, each.path, each.via) for each in self.commands]
        async with _doors(url, grpc, self.secret) as doors, anyio.create_task_group() as tasks:
            for name in {each.namespace for each in again}:
                tasks.start_soon(_send_in_turn, doors, [each for each in again if each.namespace == name])
        return again

    async def _write(self, number: int) -> None:
        via = ("rest", "grpc")[number % 2]
        async with _doors(self.url, self.grpc, self.secret) as doors:
            while not self._stopped:
                key = uuid4()
                command = Command(key, self._namespace(number), f"/{key.hex}", via)
                self.commands.append(command)
                await doors.send(command)
                if command.outcome != "OK":
                    await anyio.sleep(_PAUSE_S)

    def _namespace(self, number: int) -> str:
        return f"load-{self.mark}-{number}"


async def _send_in_turn(doors: _Doors, commands: Iterable[Command]) -> None:
    for command in commands:
        await doors.send(command)
        while command.outcome == Status.RESOURCE_EXHAUSTED.name:
            await anyio.sleep(_PAUSE_S)
            await doors.send(command)


async def effects(place: DatabasePlace) -> Mapping[UUID, int]:
    """Count the events of each command id, as the auditor."""
    connection = await connect(place, Role.AUDIT, application_name="tests")
    try:
        rows = await connection.fetch(
            "SELECT command_id, count(*) FROM public.warpdrive_events WHERE command_id IS NOT NULL GROUP BY command_id"
        )
    finally:
        await connection.close()
    return dict(rows)


@asynccontextmanager
async def _doors(url: str, grpc: str, secret: str) -> AsyncIterator[_Doors]:
    said = {"authorization": f"Bearer {secret}"}
    async with (
        httpx.AsyncClient(base_url=url, headers=said, timeout=_CALL_S, verify=tls()) as rest,
        Channel(LOOPBACK, int(grpc.rpartition(":")[2])) as channel,
    ):
        yield _Doors(rest, wire.ControlServiceStub(channel, metadata=said, timeout=_CALL_S))


def _beside(command: Command) -> dict[str, str]:
    return {"idempotency-key": str(command.key)}
