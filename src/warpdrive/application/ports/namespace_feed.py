"""What a node may serve, as the control plane tells it: one namespace, followed from position to position."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from warpdrive.domain.namespace.values import MountEntry


@dataclass(frozen=True, slots=True)
class NamespaceSnapshot:
    """A namespace as of a position.

    `position`: place in the control plane's global order; a later snapshot never has a smaller one.
    `entries`: parents before what is nested in them. `retired`: nothing may be served any more (entries is empty).
    """

    position: int
    id: UUID
    name: str
    entries: tuple[MountEntry, ...] = ()
    sealed: bool = False
    retired: bool = False


class FeedError(Exception):
    """Base of what a feed can answer other than snapshots. `detail` is for the operator."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class FeedRefused(FeedError):
    """Raised when the control plane knows us, or refuses to, and says no: bad token, other node, unknown namespace."""


class NamespaceFeed(Protocol):
    """The namespace of this node, live."""

    def follow(self) -> AbstractAsyncContextManager[AsyncIterator[NamespaceSnapshot]]:
        """Follow the namespace while the block runs.

        The iterator gives the state at once when the control plane answers, then every later state; states may be
        skipped when several changes arrive together. A lost connection is made again inside, with back-off, for as
        long as the block runs; the iterator simply has nothing to say meanwhile. Raises FeedRefused from the
        iterator when asking again cannot help.
        """

    @property
    def connected(self) -> bool:
        """Whether the control plane is answering now."""

    @property
    def fault(self) -> str:
        """Why it is not connected; "" while it is."""


class LastKnownNamespace(Protocol):
    """The last snapshot on this node's disk, for a start while the control plane is away."""

    def load(self, name: str) -> NamespaceSnapshot | None:
        """Return the last snapshot kept of the namespace, None when there is none.

        A file that cannot be read or is damaged counts as none, and is reported to the log.
        """

    def keep(self, snapshot: NamespaceSnapshot) -> None:
        """Keep it, durably and all or nothing. Raises OSError when the disk refuses."""
