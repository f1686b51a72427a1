"""Following a namespace: what the control plane says is what is mounted, live, and as well as is known without it.

The order of a change: serve it, then keep it on disk. So what lies there has been served by this node before, and a
node that dies in between starts with the namespace before it, or with the control plane's own answer.

While the control plane is away readers lose nothing: the namespace stays as it was, and that is no ill health by
itself. Ill health is to be refused, to be told something that cannot be served, or that the namespace is retired.
"""

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import anyio
import anyio.to_thread

from warpdrive.application.mount.backends import OpenReader
from warpdrive.application.mount.health import CheckFailedError
from warpdrive.application.mount.remounting import Change
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.namespace_feed import (
    FeedRefused,
    LastKnownNamespace,
    NamespaceFeed,
    NamespaceSnapshot,
)
from warpdrive.domain.namespace.errors import NamespaceError
from warpdrive.domain.namespace.values import MountEntry

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
"""Between two looks at whether the feed is connected."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    known: float = 5.0
    """How long a start waits for the control plane when an earlier namespace is on disk."""
    unknown: float = 30.0
    """The same when there is nothing to fall back to."""
    refused: float = 60.0
    """Until a control plane that refused is asked again: rights and tokens are given back by people."""
    ended: float = 1.0
    """Until it is followed again when following ended without a word, as a connection that breaks off may end it."""


class NamespaceUnavailable(Exception):
    """Raised when a start finds no namespace to serve: the control plane is away, or says no, or sends nonsense."""


class Remountable(Protocol):
    """What serves mount entries: `filesystem.MountedFileSystem`."""

    def remount(self, entries: Iterable[MountEntry], open_reader: OpenReader) -> Change:
        """Serve these entries from now on. Raises NamespaceError, and then nothing has changed."""


@dataclass(frozen=True, slots=True)
class ControlPlaneState:
    """What an operator may know of the tie to the control plane. `position` -1: nothing is served yet."""

    address: str
    connected: bool
    fault: str
    """Why it is not connected, or what it refuses; "" when all is well."""
    namespace: str
    position: int
    from_disk: bool
    """What is served was kept by an earlier run, and the control plane has not confirmed it yet."""
    sealed: bool
    retired: bool


class NamespaceFollower:
    """Serves what the feed says. Also the health check of the tie to the control plane."""

    name = "control_plane"

    def __init__(
        self,
        feed: NamespaceFeed,
        disk: LastKnownNamespace,
        mount: Remountable,
        open_reader: OpenReader,
        clock: Clock,
        *,
        address: str,
        namespace: str,
        patience: Patience | None = None,
    ) -> None:
        self._feed = feed
        self._disk = disk
        self._mount = mount
        self._open_reader = open_reader
        self._clock = clock
        self._address = address
        self._namespace = namespace
        self._patience = patience or Patience()
        self._served: NamespaceSnapshot | None = None
        self._from_disk = False
        self._refusal = ""
        """Why the control plane, or we, said no to the last thing heard; "" after something good."""
        self._unkept = ""
        """Why the disk does not hold what is served."""
        self._away_since: float | None = clock.monotonic()
        """Monotonic time; None while connected."""
        self._heard = anyio.Event()
        """The control plane has spoken: something that is served now, or a refusal."""

    async def begin(self) -> None:
        """Return once a namespace is served: the control plane's, or after some patience the one on disk.

        Raises NamespaceUnavailable. `run` must be under way.
        """
        kept = await anyio.to_thread.run_sync(self._disk.load, self._namespace)
        with anyio.move_on_after(self._patience.unknown if kept is None else self._patience.known):
            await self._heard.wait()
        if self._served is not None:
            return
        if self._heard.is_set() or (kept is None and self._refusal):
            raise NamespaceUnavailable(f"the control plane at {self._address}: {self._refusal}")
        if kept is None:
            raise NamespaceUnavailable(
                f"the control plane at {self._address} does not answer ({self._feed.fault or 'no reason known'}), and "
                f"no earlier state of namespace {self._namespace!r} is kept in agent.state_dir; check "
                "agent.control_plane and whether warpdrive-control runs there, then start again"
            )
        self._from_disk = self._serve(kept)
        if not self._from_disk:
            raise NamespaceUnavailable(f"{self._refusal}, as it is kept in agent.state_dir")
        log.warning(
            "the control plane is away: serving the namespace kept on disk",
            extra={"namespace": kept.name, "position": kept.position, "fault": self._feed.fault},
        )

    async def run(self) -> None:
        """Follow until cancelled. Nothing that the control plane says or does ends it."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch)
            while True:
                refused = False
                try:
                    async with self._feed.follow() as snapshots:
                        refused = await self._take_all(snapshots)
                except Exception as defect:  # readers shall not pay for a defect in the tie
                    self._refusal, refused = f"following failed: {defect!r}", True
                    log.exception("following the namespace failed")
                await anyio.sleep(self._patience.refused if refused else self._patience.ended)

    def state(self) -> ControlPlaneState:
        """Describe the tie now."""
        served = self._served
        return ControlPlaneState(
            address=self._address,
            connected=self._feed.connected,
            fault=self._refusal or self._feed.fault,
            namespace=self._namespace if served is None else served.name,
            position=-1 if served is None else served.position,
            from_disk=self._from_disk,
            sealed=served is not None and served.sealed,
            retired=served is not None and served.retired,
        )

    async def probe(self) -> str:
        """Say what is served, and since when nobody confirms it. Raises CheckFailedError."""
        served = self._served
        if served is None:
            raise CheckFailedError(self._refusal or self._feed.fault or "no namespace is served yet")
        serving = f"namespace {served.name} at position {served.position}"
        if self._refusal:
            raise CheckFailedError(f"{self._refusal}; still serving {serving}")
        if served.retired:
            raise CheckFailedError(f"{serving} is retired; nothing is served")
        words = serving
        if not self._feed.connected:
            away = 0.0 if self._away_since is None else self._clock.monotonic() - self._away_since
            words = f"not connected for {away:.0f} s ({self._feed.fault}); serving {serving} as last known"
        return f"{words}; not kept on disk: {self._unkept}" if self._unkept else words

    async def _take_all(self, snapshots: AsyncIterator[NamespaceSnapshot]) -> bool:
        """Take what comes; says whether a refusal ended it."""
        # Caught in here: on its way out of the feed's own task group the refusal would become a group.
        try:
            async for snapshot in snapshots:
                await self._take(snapshot)
        except FeedRefused as refusal:
            self._refusal = f"refused: {refusal.detail}"
            self._heard.set()
            log.error("the control plane refuses", extra={"address": self._address, "reason": refusal.detail})  # noqa: TRY400  the reason says it all
            return True
        return False

    async def _take(self, snapshot: NamespaceSnapshot) -> None:
        if not self._serve(snapshot):
            return
        self._from_disk = False
        self._refusal = ""
        self._heard.set()
        try:
            await anyio.to_thread.run_sync(self._disk.keep, snapshot)
            self._unkept = ""
        except OSError as fault:
            self._unkept = str(fault)
            log.warning("the namespace is not kept on disk", extra={"fault": str(fault)})

    def _serve(self, snapshot: NamespaceSnapshot) -> bool:
        try:
            change = self._mount.remount(() if snapshot.retired else snapshot.entries, self._open_reader)
        except NamespaceError as fault:
            self._refusal = f"namespace {snapshot.name} at position {snapshot.position} cannot be served: {fault}"
            log.error("namespace not served", extra={"position": snapshot.position, "fault": str(fault)})  # noqa: TRY400  the fault says it all
            return False
        self._served = snapshot
        log.info(
            "namespace served",
            extra={
                "namespace": snapshot.name,
                "position": snapshot.position,
                "appeared": change.appeared,
                "vanished": change.vanished,
                "reconfigured": change.reconfigured,
            },
        )
        return True

    async def _watch(self) -> None:
        while True:
            if self._feed.connected:
                if self._away_since is not None:
                    log.info("control plane connected", extra={"address": self._address})
                self._away_since = None
            elif self._away_since is None:
                self._away_since = self._clock.monotonic()
                log.warning("control plane lost", extra={"address": self._address, "fault": self._feed.fault})
            await anyio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def following(follower: NamespaceFollower) -> AsyncIterator[NamespaceFollower]:
    """Follow while the block runs; it starts when a namespace is served. Raises NamespaceUnavailable (in a group)."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower.run)
        await follower.begin()
        yield follower
        tasks.cancel_scope.cancel()
