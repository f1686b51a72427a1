"""A quota's life with a real worker: files in a directory, crawled, counted, leased, settled, counted again."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import anyio
import pytest

from tests.support.postgres import FreshDatabase
from tests.support.postgres_plane import PostgresPlane, postgres_plane
from warpdrive.application.control.observing import ACTOR
from warpdrive.application.control.views import QuotaView
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.quota.errors import QuotaRefused
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.entrypoints.control.worker import working
from warpdrive.entrypoints.settings.control import load_control_settings

KB = 1024


async def test_a_worker_crawls_counts_and_tells(migrated_database: FreshDatabase, tmp_path: Path) -> None:
    """From the first file to a refusal, and to a rule that makes more the team's; nothing is counted twice."""
    lake = tmp_path / "lake"
    (lake / "v").mkdir(parents=True)
    (lake / "v" / "a").write_bytes(bytes(60 * KB))
    (lake / "x").write_bytes(bytes(500 * KB))
    place = await migrated_database()
    async with postgres_plane(place) as on, working(place, load_control_settings(None, {}, overrides={}, roles=())):
        plane = on.plane
        backend = BackendDefinition("lake", "local", {"root": str(lake)})
        await plane.namespaces.create(on.call(), "training", [MountEntry("/", backend)])
        await plane.teams.ensure(on.call(), "vision", [], [OwnershipRule("lake", "v/")])
        done = await plane.quotas.set(on.call(), "vision", "lake", QuotaLimits(100 * KB, 150 * KB))
        await _projected(on, done.position)

        async def crawled(usage: int) -> QuotaView:
            await plane.crawls.start(on.call(), "lake", confirm_deletions=False)
            return await _until(lambda: _quota(on), lambda view: view.usage == usage)

        assert (await crawled(60 * KB)).standing == "ok"
        lease = (await plane.leases.acquire(on.call(), "n", backend="lake", key="v/b", wanted=80 * KB)).value
        assert lease.warned
        (lake / "v" / "b").write_bytes(bytes(70 * KB))
        await plane.leases.settle(on.call(), "n", UUID(lease.id), used=70 * KB)
        settled = await _until(lambda: _quota(on), lambda view: view.usage == 130 * KB)
        assert settled.standing == "warned"
        with pytest.raises(QuotaRefused) as refusal:
            await plane.leases.acquire(on.call(), "n", backend="lake", key="v/c", wanted=21 * KB)
        assert (refusal.value.usage, refusal.value.limit) == (130 * KB, 150 * KB)
        (lake / "v" / "a").unlink()
        assert (await crawled(70 * KB)).standing == "ok"
        await plane.teams.ensure(on.call(), "vision", [], [OwnershipRule("lake", "")])
        assert (await _until(lambda: _quota(on), lambda view: view.usage == 570 * KB)).standing == "exceeded"
        observed = [event.topic for event in await on.store.read(0, 1000) if event.actor == ACTOR]
        assert [topic.partition(":")[2] for topic in observed] == [
            "UsageObserved.v1",
            "SoftLimitCrossed.v1",
            "Recovered.v1",
            "SoftLimitCrossed.v1",
            "HardLimitCrossed.v1",
        ]


async def _quota(on: PostgresPlane) -> QuotaView:
    return (await on.plane.quotas.get(on.call(), "vision", "lake")).value


async def _projected(on: PostgresPlane, position: int) -> None:
    with anyio.fail_after(20):
        while (await on.plane.moments.now(on.call().at)).position < position:  # noqa: ASYNC110 - the worker does not tell
            await anyio.sleep(0.05)


async def _until(ask: Callable[[], Awaitable[QuotaView]], wanted: Callable[[QuotaView], bool]) -> QuotaView:
    with anyio.fail_after(30):
        while not wanted(view := await ask()):  # noqa: ASYNC110 - as above
            await anyio.sleep(0.05)
    return view
