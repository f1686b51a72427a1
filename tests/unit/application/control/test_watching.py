"""Watching: everything first, then whatever changes, and nothing twice for who has seen it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import anyio
import pytest

from tests.support.memory_plane import ADMIN, MemoryPlane
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.commands import facts_of
from warpdrive.application.control.errors import NotFound
from warpdrive.application.control.views import NamespaceView, QuotaView, TenantAccessView, WatchChange
from warpdrive.application.ports.event_store import Append, EventStoreError, NewEvent, StoredSnapshot
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.tenant_access.values import AccessGrant
from warpdrive.domain.token.values import Role

TENANT = "11111111-2222-4333-8444-555555555555"


@asynccontextmanager
async def following_plane() -> AsyncIterator[MemoryPlane]:
    """Run a plane that watchers can follow, with a namespace."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "training", [])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(on.plane.watch.run)
        yield on
        tasks.cancel_scope.cancel()


async def up_to_date(changes: AsyncIterator[WatchChange]) -> list[WatchChange]:
    """Take changes up to the first that has no content."""
    taken: list[WatchChange] = []
    with anyio.fail_after(5):
        async for change in changes:
            taken.append(change)
            if change.change is None:
                return taken
    raise AssertionError("the changes ended")


async def next_change(changes: AsyncIterator[WatchChange]) -> WatchChange:
    """Take the next change that has content."""
    with anyio.fail_after(5):
        while (change := await anext(changes)).change is None:
            pass
    return change


async def mount(on: MemoryPlane, path: str, namespace: str = "training") -> int:
    """Add a mount entry; returns its position."""
    entry = MountEntry(path, BackendDefinition(f"b{path}", "local", {"root": path}))
    return (await on.plane.namespaces.add_mount(on.call(), namespace, entry)).position


async def test_a_new_watcher_gets_everything_that_concerns_it() -> None:
    """Its namespace, quotas and grants, then a change without content at the position that this is."""
    async with following_plane() as on:
        await on.plane.teams.ensure(on.call(), "vision", [], [])
        await on.plane.quotas.set(on.call(), "vision", "*", QuotaLimits(1, 2))
        granted = await on.plane.tenants.grant(on.call(), TENANT, AccessGrant(("s3",)))
        async with on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
            taken = await up_to_date(changes)
    assert [type(change.change) for change in taken[:-1]] == [NamespaceView, QuotaView, TenantAccessView]
    assert taken[-1].position == granted.position
    assert all(change.position == 0 for change in taken[:-1]), "who is cut off here needs them all again"


async def test_a_change_is_told_to_whom_it_concerns() -> None:
    """A watcher of another namespace hears nothing of it."""
    async with following_plane() as on:
        await on.plane.namespaces.create(on.call(), "other", [])
        async with (
            on.plane.watch.following(on.call(), "n1", "training", 0) as mine,
            on.plane.watch.following(on.call(), "n2", "other", 0) as theirs,
        ):
            await up_to_date(mine)
            await up_to_date(theirs)
            first = await mount(on, "/a")
            last = await mount(on, "/b", "other")
            told = await next_change(mine)
            told_others = await next_change(theirs)
    assert isinstance(told.change, NamespaceView)
    assert isinstance(told_others.change, NamespaceView)
    assert (told.position, told.change.entries[0].path) == (first, "/a")
    assert (told_others.position, told_others.change.entries[0].path) == (last, "/b")


async def test_who_resumes_gets_what_has_changed_since_and_nothing_else() -> None:
    """Nothing, when nothing has."""
    async with following_plane() as on:
        await on.plane.teams.ensure(on.call(), "vision", [], [])
        await on.plane.quotas.set(on.call(), "vision", "*", QuotaLimits(1, 2))
        async with on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
            seen = (await up_to_date(changes))[-1].position
        async with on.plane.watch.following(on.call(), "n1", "training", seen) as changes:
            assert len(await up_to_date(changes)) == 1
        await mount(on, "/a")
        async with on.plane.watch.following(on.call(), "n1", "training", seen) as changes:
            taken = await up_to_date(changes)
        assert [type(change.change) for change in taken[:-1]] == [NamespaceView]


async def test_a_slow_watcher_skips_states_and_misses_no_change() -> None:
    """A hundred changes of one namespace wait as one."""
    async with following_plane() as on, on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
        await up_to_date(changes)
        for number in range(100):
            last = await mount(on, f"/m{number}")
        await anyio.wait_all_tasks_blocked()
        told = await next_change(changes)
        while told.position < last:
            told = await next_change(changes)
    assert isinstance(told.change, NamespaceView)
    assert len(told.change.entries) == 100


async def test_a_removed_quota_and_a_revoked_grant_are_told() -> None:
    """As states of their own: what is gone is shown as gone."""
    async with following_plane() as on:
        await on.plane.teams.ensure(on.call(), "vision", [], [])
        await on.plane.quotas.set(on.call(), "vision", "*", QuotaLimits(1, 2))
        await on.plane.tenants.grant(on.call(), TENANT, AccessGrant(("s3",)))
        async with on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
            await up_to_date(changes)
            await on.plane.quotas.delete(on.call(), "vision", "*")
            removed = (await next_change(changes)).change
            await on.plane.tenants.revoke(on.call(), TENANT, "over")
            revoked = (await next_change(changes)).change
    assert isinstance(removed, QuotaView)
    assert (removed.team, removed.standing) == ("vision", "removed")
    assert isinstance(revoked, TenantAccessView)
    assert revoked.revoked


async def test_a_namespace_made_again_under_the_same_name_is_told() -> None:
    """A node follows the name that it was given, through retirement and return."""
    async with following_plane() as on, on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
        await up_to_date(changes)
        await on.plane.namespaces.retire(on.call(), "training")
        gone = (await next_change(changes)).change
        await on.plane.namespaces.create(on.call(), "training", [])
        back = (await next_change(changes)).change
    assert isinstance(gone, NamespaceView)
    assert isinstance(back, NamespaceView)
    assert (gone.retired, back.retired) == (True, False)


async def test_a_silent_stream_says_that_it_is_alive() -> None:
    """At the position up to which there was nothing to say."""
    async with following_plane() as on:
        on.plane.watch._alive = 0.01
        async with on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
            await up_to_date(changes)
            elsewhere = await on.plane.teams.ensure(on.call(), "vision", [], [])
            with anyio.fail_after(5):
                while (change := await anext(changes)).position < elsewhere.position:
                    assert change.change is None


async def test_an_unknown_namespace_is_told_before_anything_else() -> None:
    """A typo in the node's configuration does not look like an empty tree."""
    async with following_plane() as on:
        async with on.plane.watch.following(on.call(), "n1", "trainign", 0) as changes:
            with pytest.raises(NotFound):
                await anext(changes)
        assert on.plane.watch.watchers == 0


async def test_a_caller_of_one_team_hears_of_its_quotas_only() -> None:
    """A node's token can be bound to teams."""
    async with following_plane() as on:
        for team in ("mine", "theirs"):
            await on.plane.teams.ensure(on.call(), team, [], [])
        scoped = on.call(Principal(ADMIN.name, Role.AGENT, teams=("mine",), node="n1"))
        async with on.plane.watch.following(scoped, "n1", "training", 0) as changes:
            await up_to_date(changes)
            await on.plane.quotas.set(on.call(), "theirs", "*", QuotaLimits(1, 2))
            await on.plane.quotas.set(on.call(), "mine", "*", QuotaLimits(1, 2))
            told = (await next_change(changes)).change
    assert isinstance(told, QuotaView)
    assert told.team == "mine"


async def test_a_stream_that_newer_software_wrote_stops_nobody() -> None:
    """What cannot be read is not told; everything else is."""
    async with following_plane() as on:
        namespace = await on.plane.namespaces.create(on.call(), "newer", [])
        async with on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
            await up_to_date(changes)
            stream = UUID(namespace.value.id)
            unknown = NewEvent(stream, 2, "warpdrive.namespace:Teleported.v1", b"{}")
            await on.store.append(Append(facts_of(on.call()), stream, 2, [unknown]))
            position = await mount(on, "/a")
            assert (await next_change(changes)).position == position


async def test_a_team_called_otherwise_or_ended_is_told_by_its_quotas() -> None:
    """A renamed team's quotas have its new name, a disbanded one's are removed; also for who was away meanwhile."""
    async with following_plane() as on:
        await on.plane.teams.ensure(on.call(), "vision", [], [])
        before = await on.plane.quotas.set(on.call(), "vision", "*", QuotaLimits(1, 2))
        async with on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
            await up_to_date(changes)
            renamed = await on.plane.teams.rename(on.call(), "vision", "sight")
            told = await next_change(changes)
            assert isinstance(told.change, QuotaView)
            assert (told.change.team, told.position) == ("sight", renamed.position)
            ended = await on.plane.teams.disband(on.call(), "sight")
            told = await next_change(changes)
            assert isinstance(told.change, QuotaView)
            assert (told.change.standing, told.position) == ("removed", ended.position)
        async with on.plane.watch.following(on.call(), "n1", "training", before.position) as changes:
            (late, _) = await up_to_date(changes)
    assert isinstance(late.change, QuotaView)
    assert (late.change.team, late.change.standing) == ("sight", "removed")


async def test_a_store_that_refuses_is_asked_again_like_one_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right that is being mended is no reason to end the process that everybody calls."""
    async with following_plane() as on, on.plane.watch.following(on.call(), "n1", "training", 0) as changes:
        await up_to_date(changes)
        latest, asked = on.store.latest, 0

        async def refusing(stream: UUID, *, to_version: int | None = None) -> StoredSnapshot | None:
            nonlocal asked
            asked += 1
            if asked == 1:
                raise EventStoreError("permission denied for table warpdrive_snapshots (42501)")
            return await latest(stream, to_version=to_version)

        monkeypatch.setattr(on.store, "latest", refusing)
        position = await mount(on, "/a")
        assert (await next_change(changes)).position == position
        assert asked > 1
