"""Bytes promised to nodes, and what they are promised from: counts of what is there, and what was written since.

Leases are no events: there are many, and what matters of one is over in minutes. Owned by control.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from warpdrive.domain.quota.leasing import Holding


@dataclass(frozen=True, slots=True)
class QuotaName:
    """A quota as books are kept of it. `id`: its stream's; `backend` "*": all."""

    id: str
    team_id: str
    backend: str


@dataclass(frozen=True, slots=True)
class LeaseWish:
    """What a command asks for. `owners`: ids of the teams that will own the bytes together."""

    id: UUID
    request_hash: bytes
    node: str
    backend: str
    place: str
    owners: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What is promised, for how many seconds. `shares`: bytes by id of each quota that it counts against."""

    bytes: int
    seconds: int
    warned: bool
    shares: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Lease:
    """Bytes promised to a node. `teams`: ids of those whose quotas it counts against."""

    id: UUID
    node: str
    backend: str
    teams: tuple[str, ...]
    bytes: int
    settled_bytes: int
    warned: bool
    granted_at: datetime
    expires_at: datetime
    settled_at: datetime | None


class LeaseBooks(Protocol):
    """Grants and settles. Every method raises StoreUnavailable."""

    async def grant(
        self, wish: LeaseWish, quotas: Sequence[QuotaName], decide: Callable[[Mapping[str, Holding]], Grant]
    ) -> Lease:
        """Promise what `decide` says, told what counts against each quota at `wish.at`, by id.

        Nobody else grants from these quotas meanwhile. What `decide` raises is raised here, and nothing is promised
        then. A repeated wish has its first lease again. Raises CommandIdReused when the id is another wish's.
        """

    async def settle(self, lease: UUID, node: str, used: int, at: datetime) -> Lease | None:
        """Write down how much of it was written, late as well, which counts until a later crawl has counted.

        One that was settled before stays as it is. None: the node has no such lease (any more).
        """

    async def open(self, at: datetime) -> Sequence[Lease]:
        """Return those neither settled nor expired, in the order of their ends and ids."""


class UsageBooks(Protocol):
    """Counts. Every method raises StoreUnavailable."""

    def observing(self) -> AbstractAsyncContextManager[bool]:
        """Be the one observer while the block runs; gives False when another process is.

        Lost with the connection: the block is then cancelled and StoreUnavailable raised after it.
        """

    async def mark(self) -> str:
        """Return a text that is another one after every change of what holdings are made of, but for open leases."""

    async def recount(self) -> None:
        """Count anew what each team holds in each backend whose index is a count (see `countable`)."""

    async def holdings(self, quotas: Sequence[QuotaName], at: datetime) -> Mapping[str, Holding]:
        """Return what counts against each quota, by id."""

    async def prune(self, before: datetime) -> None:
        """Forget leases that were settled or expired before a moment, and settlements that crawls have counted."""
