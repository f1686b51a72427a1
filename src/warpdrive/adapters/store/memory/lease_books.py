"""`LeaseBooks` and `UsageBooks` in memory. Nothing in them awaits between looking and writing, so no lock is needed."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import anyio.lowlevel

from warpdrive.adapters.store.memory.usage_facts import MemoryUsageFacts
from warpdrive.adapters.store.memory.warehouse import CrawlRow, LeaseRow, SettledRow, Warehouse
from warpdrive.application.ports.event_store import CommandIdReused
from warpdrive.application.ports.lease_books import Grant, Lease, LeaseWish, QuotaName
from warpdrive.domain.content.texts import ANY
from warpdrive.domain.governance.counting import CrawlState, countable
from warpdrive.domain.governance.shares import team_shares
from warpdrive.domain.governance.splitting import split
from warpdrive.domain.quota.leasing import Holding
from warpdrive.domain.quota.values import LARGEST

_NONE: Final = (0, "", None)
"""What is known of a place that was never crawled."""


class MemoryLeaseBooks:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def grant(
        self, wish: LeaseWish, quotas: Sequence[QuotaName], decide: Callable[[Mapping[str, Holding]], Grant]
    ) -> Lease:
        """See the port."""
        await anyio.lowlevel.checkpoint()
        known = self._warehouse.leases.get(wish.id)
        if known is not None:
            if known.request_hash != wish.request_hash:
                raise CommandIdReused(f"lease {wish.id} was granted for another request")
            return known.lease
        grant = decide({quota.id: holding(self._warehouse, quota, wish.at) for quota in quotas})
        teams = {quota.id: quota.team_id for quota in quotas}
        lease = Lease(
            id=wish.id,
            node=wish.node,
            backend=wish.backend,
            teams=tuple(sorted({teams[quota] for quota in grant.shares})),
            bytes=grant.bytes,
            settled_bytes=0,
            warned=grant.warned,
            granted_at=wish.at,
            expires_at=wish.at + timedelta(seconds=grant.seconds),
            settled_at=None,
        )
        shares = {quota: (teams[quota], size) for quota, size in grant.shares.items()}
        self._warehouse.leases[wish.id] = LeaseRow(lease, wish.request_hash, wish.place, wish.owners, shares)
        return lease

    async def settle(self, lease: UUID, node: str, used: int, at: datetime) -> Lease | None:
        """See the port."""
        await anyio.lowlevel.checkpoint()
        row = self._warehouse.leases.get(lease)
        if row is None or row.lease.node != node:
            return None
        if row.lease.settled_at is not None:
            return row.lease
        row.lease = replace(row.lease, settled_bytes=used, settled_at=at)
        generation = max((crawl.generation for crawl in begun(self._warehouse, row.place)), default=0)
        parts = split(used, row.owners) if row.owners else {}
        for quota, (team, _) in row.shares.items():
            settled = SettledRow(quota, row.lease.backend, row.place, generation, at, parts[team])
            self._warehouse.settled.append(settled)
        row.shares = {}
        return row.lease

    async def open(self, at: datetime) -> Sequence[Lease]:
        """See the port."""
        await anyio.lowlevel.checkpoint()
        found = [row.lease for row in self._warehouse.leases.values() if is_open(row.lease, at)]
        return sorted(found, key=lambda lease: (lease.expires_at, lease.id))


class MemoryUsageBooks:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._observing = False

    @asynccontextmanager
    async def observing(self) -> AsyncIterator[bool]:
        """See the port."""
        if self._observing:
            yield False
            return
        self._observing = True
        try:
            yield True
        finally:
            self._observing = False

    async def mark(self) -> str:
        """See the port."""
        await anyio.lowlevel.checkpoint()
        newest = {crawl.place: (crawl.id, crawl.state) for crawl in begun(self._warehouse)}
        settled = sum(each.bytes for each in self._warehouse.settled)
        return f"{sorted(newest.items())} {self._warehouse.attributed_position} {settled}"

    async def recount(self) -> None:
        """See the port."""
        there = countable(_crawl_states(self._warehouse))
        rows = [row for row in await MemoryUsageFacts(self._warehouse).capacity() if row.backend in there]
        kept = {key: size for key, size in self._warehouse.counted.items() if key[1] not in there}
        self._warehouse.counted = kept | team_shares(rows)
        self._warehouse.counts |= there

    async def holdings(self, quotas: Sequence[QuotaName], at: datetime) -> Mapping[str, Holding]:
        """See the port."""
        await anyio.lowlevel.checkpoint()
        return {quota.id: holding(self._warehouse, quota, at) for quota in quotas}

    async def prune(self, before: datetime) -> None:
        """See the port."""
        await anyio.lowlevel.checkpoint()
        self._warehouse.leases = {
            number: row
            for number, row in self._warehouse.leases.items()
            if (row.lease.settled_at or row.lease.expires_at) >= before
        }
        self._warehouse.settled = [each for each in self._warehouse.settled if _still_counts(self._warehouse, each)]


def holding(warehouse: Warehouse, quota: QuotaName, at: datetime) -> Holding:
    """Add up what counts against a quota."""
    known = any(quota.backend in (ANY, backend) for backend in warehouse.counts)
    usage = sum(
        size
        for (team, backend), size in warehouse.counted.items()
        if team == quota.team_id and quota.backend in (ANY, backend)
    )
    settled = sum(each.bytes for each in warehouse.settled if each.quota == quota.id and _still_counts(warehouse, each))
    promised = sum(
        row.shares[quota.id][1]
        for row in warehouse.leases.values()
        if quota.id in row.shares and is_open(row.lease, at)
    )
    return Holding(usage if known else None, min(settled, LARGEST), promised)


def is_open(lease: Lease, at: datetime) -> bool:
    """Neither settled nor expired."""
    return lease.settled_at is None and lease.expires_at > at


def begun(warehouse: Warehouse, place: str = "") -> Iterable[CrawlRow]:
    """Crawls that were begun, of one place or all, oldest first."""
    for crawl in sorted(warehouse.crawls.values(), key=lambda crawl: crawl.id):
        if crawl.started_at is not None and place in {"", crawl.place}:
            yield crawl


def _still_counts(warehouse: Warehouse, settled: SettledRow) -> bool:
    counted = warehouse.counts.get(settled.backend)
    return counted is None or not counted.contains(settled.place, settled.generation, settled.at)


def _crawl_states(warehouse: Warehouse) -> Iterable[CrawlState]:
    for backend in warehouse.backends:
        newest = list(begun(warehouse, backend.place))[-1:]
        generation, state, since = (newest[0].generation, newest[0].state, newest[0].started_at) if newest else _NONE
        yield CrawlState(backend.name, backend.place, backend.present, generation, state, since)
