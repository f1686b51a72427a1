"""The twin of the control plane's feed: says what it is told, to whoever follows. Implements `ports.NamespaceFeed`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from warpdrive.application.ports.namespace_feed import FeedRefused, NamespaceSnapshot


class MemoryFeed:
    """A feed in this process. It begins connected, with nothing to say."""

    def __init__(self, *, connected: bool = True, fault: str = "") -> None:
        self._connected = connected
        self._fault = fault
        self._latest: NamespaceSnapshot | None = None
        self._refusal: str | None = None
        self._moved = anyio.Event()

    @property
    def connected(self) -> bool:
        """Whether snapshots arrive."""
        return self._connected and self._refusal is None

    @property
    def fault(self) -> str:
        """Why they do not."""
        return self._refusal or self._fault

    def publish(self, snapshot: NamespaceSnapshot) -> None:
        """Make this the state of the namespace; who follows hears it once connected."""
        self._latest = snapshot
        self._move()

    def lose(self, fault: str) -> None:
        """Lose the connection."""
        self._connected, self._fault = False, fault
        self._move()

    def find_again(self) -> None:
        """Have it back; a refusal is forgotten as well."""
        self._connected, self._fault, self._refusal = True, "", None
        self._move()

    def refuse(self, reason: str) -> None:
        """Say no to who follows, and to whoever asks again."""
        self._refusal = reason
        self._move()

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[AsyncIterator[NamespaceSnapshot]]:
        """Follow while the block runs."""
        yield self._snapshots()

    async def _snapshots(self) -> AsyncIterator[NamespaceSnapshot]:
        said: NamespaceSnapshot | None = None
        while True:
            if self._refusal is not None:
                raise FeedRefused(self._refusal)
            moved, latest = self._moved, self._latest
            if self._connected and latest is not None and latest is not said:
                said = latest
                yield latest
            else:
                await moved.wait()

    def _move(self) -> None:
        moved, self._moved = self._moved, anyio.Event()
        moved.set()
