"""The agent's end of the watch: one namespace, followed over gRPC for as long as somebody wants to know.

A connection is one session: say who we are (RegisterAgent), then watch, and say every few seconds how we are
(Heartbeat). When it is lost, the next session goes on at the position that was reached.
"""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

import anyio
import betterproto
import structlog
from grpclib.const import Status

from warpdrive import __version__
from warpdrive.adapters.control_client.dialling import DialFault, Dialling
from warpdrive.adapters.control_client.trouble import LOST, Trouble, trouble_of
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.namespaces import entry_values
from warpdrive.application.control.errors import Malformed
from warpdrive.application.ports.namespace_feed import FeedRefused, NamespaceSnapshot

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AgentCondition:
    """How this node is. `health`: ok or degraded; `position`: of the namespace that it serves."""

    health: str = "ok"
    detail: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class FeedTimes:
    """Seconds. `random` is even from [0, 1)."""

    answer: float = 10.0
    """Connecting and a single call."""
    heartbeat: float = 10.0
    glance: float = 1.0
    """How often we look at ourselves in between: what has changed is said at once."""
    stall: float = 30.0
    """The control plane speaks every 10 s; after this long without a word the connection counts as dead."""
    backoff: float = 0.5
    backoff_ceiling: float = 15.0
    """The wait before attempt n is even from [0, min(ceiling, backoff * 2^n)]."""
    random: Callable[[], float] = random.random

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number `attempt` (0, 1, ...)."""
        return self.random() * min(self.backoff_ceiling, self.backoff * 2.0 ** min(attempt, 32))


def _news(condition: AgentCondition) -> tuple[str, str, bool]:
    """What is worth a heartbeat out of turn: health, and that a first namespace is served.

    Not each position: a change reaches every node at once, and all would answer at once.
    """
    return condition.health, condition.detail, condition.position > 0


DEFAULT_TIMES: Final = FeedTimes()


class _Latest:
    """The newest snapshot until it is fetched, or the refusal after which there are none."""

    def __init__(self) -> None:
        self._snapshot: NamespaceSnapshot | None = None
        self._refusal: str | None = None
        self._news = anyio.Event()

    def put(self, snapshot: NamespaceSnapshot) -> None:
        """Keep a snapshot in place of one that was not fetched."""
        self._snapshot = snapshot
        self._news.set()

    def refuse(self, detail: str) -> None:
        """End the snapshots, after one that waits."""
        self._refusal = detail
        self._news.set()

    async def snapshots(self) -> AsyncIterator[NamespaceSnapshot]:
        """Yield snapshots as they come. Raises FeedRefused."""
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            snapshot, self._snapshot = self._snapshot, None
            if snapshot is not None:
                yield snapshot
            if self._refusal is not None:
                raise FeedRefused(self._refusal)


class ControlPlaneFeed:
    """Follows one namespace for one node. Implements `ports.NamespaceFeed`.

    `condition` is asked before every heartbeat; without it the node says that it is well and serves what it was given.
    """

    def __init__(
        self,
        address: str,
        *,
        node: str,
        namespace: str,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        mount_point: str = "",
        condition: Callable[[], AgentCondition] | None = None,
        times: FeedTimes = DEFAULT_TIMES,
    ) -> None:
        self._dialling = Dialling(address, token_file, ca_file, cert_file, key_file)
        self._node = node
        self._namespace = namespace
        self._mount_point = mount_point
        self._condition = condition or self._well
        self._times = times
        self._connected = False
        self._fault = "not asked yet"
        self._reached = 0
        """Everything up to this position has been received, in this `follow`."""
        self._given = 0
        """Position of the last snapshot."""

    @property
    def connected(self) -> bool:
        """Whether the control plane is answering now."""
        return self._connected

    @property
    def fault(self) -> str:
        """Why it is not connected; "" while it is."""
        return "" if self._connected else self._fault

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[AsyncIterator[NamespaceSnapshot]]:
        """Follow while the block runs: see the port. One block at a time."""
        self._reached = 0
        latest = _Latest()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep_following, latest)
                async with aclosing(latest.snapshots()) as snapshots:  # type: ignore[type-var]  # an async generator
                    yield snapshots
                tasks.cancel_scope.cancel()
        finally:
            self._connected = False

    async def _keep_following(self, latest: _Latest) -> None:
        attempt = 0
        while True:
            before, token = self._reached, ""
            try:
                token = await self._dialling.token()
                trouble = await self._session(token, latest)
            except LOST as error:
                trouble = trouble_of(error)
            attempt = 0 if self._connected or self._reached > before else attempt + 1
            self._connected, self._fault = False, trouble.detail
            if trouble.refused and not await self._token_changed(trouble, token):
                latest.refuse(trouble.detail)
                return
            _log.debug("the control plane is away", address=self._dialling.address, fault=trouble.detail)
            await anyio.sleep(self._times.wait(attempt))

    async def _token_changed(self, trouble: Trouble, used: str) -> bool:
        """Say whether somebody gave us another token after the one that is not known any more."""
        if trouble.status is not Status.UNAUTHENTICATED:
            return False
        try:
            return await self._dialling.token() != used
        except DialFault:
            return True  # being written at this moment; the next attempt will say

    async def _session(self, token: str, latest: _Latest) -> Trouble:
        """Be connected, and say why not any longer. Raises what `LOST` names."""
        said: Mapping[str, str] = {"authorization": f"Bearer {token}"} if token else {}
        async with self._dialling.channel() as channel:
            plane = wire.ControlServiceStub(channel, metadata=said)
            await self._register(plane)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._say_how_we_are, plane)
                trouble = await self._watch(plane, latest)
                tasks.cancel_scope.cancel()
        return trouble

    async def _register(self, plane: wire.ControlServiceStub) -> None:
        who = wire.RegisterAgentRequest(
            node=self._node,
            namespace=self._namespace,
            version=__version__,
            mount_point=self._mount_point,
        )
        with anyio.fail_after(self._times.answer):
            await plane.register_agent(who, timeout=self._times.answer)

    async def _say_how_we_are(self, plane: wire.ControlServiceStub) -> None:
        """Send heartbeats. What goes wrong with one the watch will notice as well, so it is only noted."""
        while True:
            now = self._condition()
            word = wire.HeartbeatRequest(node=self._node, health=now.health, detail=now.detail, position=now.position)
            try:
                with anyio.fail_after(self._times.answer):
                    await plane.heartbeat(word, timeout=self._times.answer)
            except LOST as error:
                trouble = trouble_of(error)
                _log.info("a heartbeat was lost", fault=trouble.detail)
                if trouble.status is Status.NOT_FOUND:
                    await self._register_again(plane)
            with anyio.move_on_after(self._times.heartbeat):
                await self._changed_from(now)

    async def _changed_from(self, said: AgentCondition) -> None:
        """Return when there is news. A condition is computed when it is asked for, so nobody could wake us."""
        while True:
            await anyio.sleep(self._times.glance)
            if _news(self._condition()) != _news(said):
                return

    async def _register_again(self, plane: wire.ControlServiceStub) -> None:
        # Agents are no events: a control plane that was restored from events alone has forgotten us.
        try:
            await self._register(plane)
        except LOST as error:
            _log.info("registering again failed", fault=trouble_of(error).detail)

    async def _watch(self, plane: wire.ControlServiceStub, latest: _Latest) -> Trouble:
        begun = self._reached
        waiting: wire.Namespace | None = None
        request = wire.WatchAgentRequest(node=self._node, namespace=self._namespace, after_position=begun)
        async with aclosing(plane.watch_agent(request)) as updates:  # type: ignore[type-var]  # an async generator
            while True:
                try:
                    with anyio.fail_after(self._times.stall):
                        update = await anext(updates)
                except StopAsyncIteration:
                    return Trouble("the control plane ended the watch")
                except LOST as error:
                    return trouble_of(error)
                self._connected = True
                if update.position < self._reached:
                    return Trouble(
                        f"the control plane is at position {update.position}, before {self._reached} which this "
                        "node has seen: it was restored from an older state, or is another one",
                        refused=True,
                    )
                kind, _ = betterproto.which_one_of(update, "change")
                if kind == "namespace":
                    waiting = update.namespace
                # What there was already comes at the position where we began; only then it is whole.
                if waiting is not None and (kind == "alive" or update.position > begun):
                    try:
                        latest.put(_snapshot(update.position, waiting))
                    except (Malformed, ValueError) as error:
                        return Trouble(f"the control plane's namespace cannot be read: {error}")
                    self._given, waiting = update.position, None
                self._reached = update.position

    def _well(self) -> AgentCondition:
        return AgentCondition(position=self._given)


def _snapshot(position: int, namespace: wire.Namespace) -> NamespaceSnapshot:
    """Read a namespace. Raises Malformed, ValueError."""
    entries = [replace(entry, backend=replace(entry.backend, fingerprint="")) for entry in namespace.entries]
    return NamespaceSnapshot(
        position=position,
        id=UUID(namespace.id),
        name=namespace.name,
        entries=() if namespace.retired else entry_values(entries),
        sealed=namespace.sealed,
        retired=namespace.retired,
    )
