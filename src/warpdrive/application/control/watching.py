"""What concerns a node, told as it changes: its namespace, quotas, and grants to tenants.

One follower per process reads the streams and makes each changed aggregate's view once; every watcher has a mailbox
that keeps the newest view of each aggregate until it is fetched. So a slow watcher costs a bounded amount of memory
and skips states, never changes.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NoReturn
from uuid import UUID

import anyio

from warpdrive.application.control.calls import Call
from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.control.namespaces import Namespaces, namespace_view
from warpdrive.application.control.quotas import Quotas, quota_view
from warpdrive.application.control.streams import Streams
from warpdrive.application.control.tenants import Tenants, tenant_access_view
from warpdrive.application.control.views import NamespaceView, QuotaView, TenantAccessView, WatchChange
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.event_store import EventReader, EventStoreError, RecordedEvent
from warpdrive.application.projections.codec import UnknownTopic, UnreadableEvent, kind_of
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.tenant_access.aggregate import TenantAccess

log = logging.getLogger(__name__)

ALIVE: Final = 10.0
"""Seconds of silence after which a watcher is told that nothing changed."""

_PATIENCE: Final = 5.0
"""Seconds that a new watcher waits for the read models."""

_PATIENCE_BETWEEN: Final = 1.0
"""Seconds that everybody's changes wait for the read models, when a team has another name or ended."""

_TOLD_BY_QUOTAS: Final = (Team.Renamed.TOPIC, Team.Disbanded.TOPIC)

_RETRY: Final = 0.25
"""Seconds between two looks at a store that is away, or refuses: whichever it is, others are still served."""

View = NamespaceView | QuotaView | TenantAccessView

Wait = Callable[[int, float], Awaitable[None]]
"""Waits until the read models have reached a position, for some seconds; raises NotCaughtUp."""


class _Mailbox:
    """The newest changes that one watcher has not fetched yet, at most one per aggregate."""

    def __init__(self, namespace: str, teams: Sequence[str]) -> None:
        self._namespace = namespace
        self._teams = teams
        self._changes: dict[UUID, WatchChange] = {}
        self._filled = anyio.Event()

    def wants(self, view: View) -> bool:
        """Tell whether a view concerns this watcher."""
        if isinstance(view, NamespaceView):
            return view.name == self._namespace
        return not isinstance(view, QuotaView) or not self._teams or view.team in self._teams

    def put(self, stream: UUID, change: WatchChange) -> None:
        """Keep a change in place of an older one of the same aggregate, at the later of their positions."""
        older = self._changes.get(stream, change)
        self._changes[stream] = replace(change, position=max(older.position, change.position))
        self._filled.set()

    async def take(self) -> list[WatchChange]:
        """Fetch what came, oldest first; wait for something to come."""
        await self._filled.wait()
        changes = sorted(self._changes.values(), key=lambda change: change.position)
        self._changes.clear()
        self._filled = anyio.Event()
        return changes

    @property
    def empty(self) -> bool:
        """Nothing waits to be fetched."""
        return not self._changes


class Watch:
    """Tells watchers. `run` has to run for as long as there are any."""

    def __init__(
        self,
        reader: EventReader,
        streams: Streams,
        namespaces: Namespaces,
        quotas: Quotas,
        tenants: Tenants,
        wait: Wait,
        clock: Clock,
        *,
        forget: Callable[[UUID], None],
        alive: float = ALIVE,
    ) -> None:
        self._reader = reader
        self._streams = streams
        self._namespaces = namespaces
        self._quotas = quotas
        self._tenants = tenants
        self._wait = wait
        self._clock = clock
        self._forget = forget
        """Called with each token that has changed, before anything after that is told."""
        self._alive = alive
        self._boxes: set[_Mailbox] = set()
        self._seen = 0
        """Every change up to this position is in the mailboxes."""
        self._wanted = anyio.Event()
        """Set while somebody watches."""
        self._following = anyio.Event()
        """Set while every change from now on will be told."""

    @property
    def watchers(self) -> int:
        """How many there are."""
        return len(self._boxes)

    async def run(self) -> NoReturn:
        """Follow the streams until cancelled, for as long as anybody watches: reading along costs every writer."""
        while True:
            await self._wanted.wait()
            self._seen = await self._head()
            async with self._reader.subscribe(self._seen) as batches:
                self._following.set()
                async for batch in batches:
                    await self._tell(batch)
                    self._seen = batch[-1].position
                    if not self._boxes:
                        # Before anything is awaited: who comes from here on waits for the next time.
                        self._wanted, self._following = anyio.Event(), anyio.Event()
                        break

    @asynccontextmanager
    async def following(
        self, call: Call, node: str, namespace: str, after_position: int
    ) -> AsyncIterator[AsyncIterator[WatchChange]]:
        """Watch what concerns a node while the block runs.

        The iterator gives what changed after the position, then a change without content at the position up to
        which that is everything, then whatever changes. It raises NotFound (the namespace), NotCaughtUp,
        StoreUnavailable before its first change.
        """
        del node  # authorisation has seen it; nothing is told to one node only, yet
        mailbox = _Mailbox(namespace, call.principal.teams)
        self._boxes.add(mailbox)
        self._wanted.set()
        try:
            yield self._changes(mailbox, namespace, after_position, call.principal.teams)
        finally:
            self._boxes.discard(mailbox)

    async def _changes(
        self, mailbox: _Mailbox, namespace: str, after: int, teams: Sequence[str]
    ) -> AsyncIterator[WatchChange]:
        await self._following.wait()
        told = await self._reader.head()
        for view in await self._changed_since(namespace, after, teams, upto=told):
            # Whoever is cut off in the middle of these has to get them all again.
            yield WatchChange(after, view)
        yield WatchChange(told, None)
        while True:
            changes: list[WatchChange] = []
            with anyio.move_on_after(self._alive):
                changes = await mailbox.take()
            for change in changes:
                # What came before the first answer was made is in it.
                if change.position > told:
                    told = change.position
                    yield change
            if not changes and mailbox.empty:
                told = max(told, self._seen)
                yield WatchChange(told, None)

    async def _changed_since(self, namespace: str, after: int, teams: Sequence[str], *, upto: int) -> list[View]:
        """Everything as it is now, as far as it changed after a position; now is `upto` or later."""
        stream = await self._namespaces.find(namespace)
        view = await self._namespaces.current(stream)
        last = await self._reader.stream(stream, after_version=view.version - 1)
        views: list[View] = [view] if last[-1].position > after else []
        await self._wait(upto, _PATIENCE)
        views += await self._quotas.changed_since(after, teams, self._now())
        views += await self._tenants.changed_since(after)
        return views

    async def _head(self) -> int:
        while True:
            try:
                return await self._reader.head()
            except EventStoreError:
                await anyio.sleep(_RETRY)

    async def _tell(self, batch: Sequence[RecordedEvent]) -> None:
        for stream, event in {event.stream: event for event in batch}.items():
            if not self._boxes:
                return
            if kind_of(event.topic) == "token":
                self._forget(stream)
            self._put(stream, event.position, await self._view(stream, kind_of(event.topic)))
        for team, event in {event.stream: event for event in batch if event.topic in _TOLD_BY_QUOTAS}.items():
            for stream in await self._quotas_of(team, event.position):
                self._put(stream, event.position, await self._view(stream, "quota"))

    def _put(self, stream: UUID, position: int, view: View | None) -> None:
        if view is None:
            return
        change = WatchChange(position, view)
        for mailbox in self._boxes:
            if mailbox.wants(view):
                mailbox.put(stream, change)

    async def _quotas_of(self, team: UUID, position: int) -> Sequence[UUID]:
        """Find a team's quotas, as far as the read models have come."""
        while True:
            with suppress(NotCaughtUp, EventStoreError):
                await self._wait(position, _PATIENCE_BETWEEN)
            try:
                return await self._quotas.of_team(team)
            except EventStoreError:
                await anyio.sleep(_RETRY)

    async def _view(self, stream: UUID, kind: str | None) -> View | None:
        """Show a stream's newest state, None when no watcher cares for its kind; waits out a store that is away."""
        while True:
            try:
                return await self._made(stream, kind)
            except EventStoreError:
                await anyio.sleep(_RETRY)
            except (UnknownTopic, UnreadableEvent) as fault:
                # Newer software's, in the middle of an upgrade: no reason to stop telling everything else.
                log.error("stream %s is not told to watchers: %s", stream, fault)  # noqa: TRY400 - the fault says it all
                return None

    async def _made(self, stream: UUID, kind: str | None) -> View | None:
        if kind == "namespace":
            namespace = await self._streams.load(Namespace, stream)
            return None if namespace is None else namespace_view(namespace)
        if kind == "tenant_access":
            access = await self._streams.load(TenantAccess, stream)
            return None if access is None else tenant_access_view(access)
        if kind == "quota":
            quota = await self._streams.load(Quota, stream)
            return None if quota is None else await self._quota_view(quota)
        return None

    async def _quota_view(self, quota: Quota) -> QuotaView:
        team = await self._streams.load(Team, quota.team_id)
        if team is None:
            return quota_view(quota, "", self._now())
        return quota_view(quota, team.name, self._now(), disbanded=team.disbanded)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)
