"""A control plane behind a real gRPC door whose namespace a test changes: what an agent's feed talks to."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
from google.protobuf.message import Message
from grpclib.const import Status

from tests.support.rpc_door import Asked, Said, ScriptedDispatcher, encoded, message
from warpdrive.adapters.wire.contract import PACKAGE, contract, message_class
from warpdrive.adapters.wire.status import WireFault

TOKEN = "wd_test-token"
NAMESPACE_ID = "6d1b7ac4-0f5e-4a7e-9a53-0d9c1c2f8a11"


def entry(path: str = "/data", **backend: Any) -> Message:
    """Return a mount entry on an S3 bucket."""
    usual = {"name": "lake", "type": "s3", "options": {"bucket": "b"}, "fingerprint": "of-another-version"}
    return message("MountEntry", path=path, backend=message("Backend", **{**usual, **backend}))


def namespace(**fields: Any) -> Message:
    """Return the namespace "vision"."""
    return message("Namespace", **{"id": NAMESPACE_ID, "name": "vision", "entries": [entry()], "version": 1, **fields})


def alive(position: int) -> bytes:
    """Return "nothing changed"."""
    return encoded("WatchUpdate", position=position, alive=message("Alive"))


def changed(position: int, changed_to: Message) -> bytes:
    """Return an update with the namespace."""
    return encoded("WatchUpdate", position=position, namespace=changed_to)


class ScriptedPlane:
    """Answers RegisterAgent, Heartbeat and WatchAgent. What a test appends to `updates` every watcher gets."""

    def __init__(self) -> None:
        self.tokens = {TOKEN}
        self.registered: set[str] = set()
        self.updates: list[bytes] = []
        self.fault: WireFault | None = None
        """The answer to every watch while it is set; a running one ends with it."""
        self.mute = False
        """Watches say nothing."""
        self.dispatcher = ScriptedDispatcher(self._answer, self._tell)
        self._moved = anyio.Event()

    def say(self, *updates: bytes) -> None:
        """Send updates to who watches."""
        self.updates += updates
        self.move()

    def move(self) -> None:
        """Have watches look again at what the test has changed."""
        moved, self._moved = self._moved, anyio.Event()
        moved.set()

    def requests(self, method: str) -> list[Any]:
        """Return what was asked by a method, parsed."""
        kind = message_class(contract().pool.FindMessageTypeByName(f"{PACKAGE}.{method}Request"))
        return [
            kind.FromString(asked.request)
            for asked in self.dispatcher.asked
            if asked.method == f"ControlService/{method}"
        ]

    def _check(self, asked: Asked) -> None:
        scheme, _, secret = asked.metadata.get("authorization", "").partition(" ")
        if scheme != "Bearer" or secret not in self.tokens:
            raise WireFault(Status.UNAUTHENTICATED, "who calls is not known")

    async def _answer(self, asked: Asked) -> Said:
        self._check(asked)
        if asked.method == "ControlService/RegisterAgent":
            self.registered.add(self.requests("RegisterAgent")[-1].node)
        elif self.requests("Heartbeat")[-1].node not in self.registered:
            raise WireFault(Status.NOT_FOUND, "there is no agent of this node")
        return Said(encoded("Agent"))

    async def _tell(self, asked: Asked) -> AsyncIterator[bytes]:
        sent = 0
        while True:
            self._check(asked)
            if self.fault is not None:
                raise self.fault
            moved = self._moved
            while sent < len(self.updates) and not self.mute:
                sent += 1
                yield self.updates[sent - 1]
            await moved.wait()
