"""Following a namespace: what is served, kept and said, whatever the control plane and the disk do."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import anyio
import pytest

from tests.support.changing_mount import entry
from tests.support.manual_clock import ManualClock
from tests.support.ports import wait_until_async
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.adapters.control_client.last_known import LastKnownMemory
from warpdrive.adapters.control_client.memory_feed import MemoryFeed
from warpdrive.application.mount.backends import OpenReader
from warpdrive.application.mount.following import NamespaceFollower, NamespaceUnavailable, Patience, following
from warpdrive.application.mount.health import CheckFailedError
from warpdrive.application.mount.remounting import Change
from warpdrive.application.ports.namespace_feed import LastKnownNamespace, NamespaceFeed, NamespaceSnapshot
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry


class Served:
    """Takes mount entries, and remembers each set; twins are refused as the real one does."""

    def __init__(self) -> None:
        self.sets: list[list[str]] = []

    def remount(self, entries: Iterable[MountEntry], open_reader: OpenReader) -> Change:
        """Remember the paths."""
        del open_reader
        paths = [each.path for each in MountTree(entries).entries]
        self.sets.append(paths)
        return Change(appeared=tuple(paths))


class FullDisk(LastKnownMemory):
    """Keeps nothing."""

    def keep(self, snapshot: NamespaceSnapshot) -> None:
        """Refuse."""
        del snapshot
        raise OSError(28, "No space left on device")


class BrokenFeed:
    """Fails in a way that no feed announces, the first time; then it is the feed inside."""

    def __init__(self, inner: MemoryFeed) -> None:
        self.inner = inner
        self.asked = 0

    connected = True
    fault = ""

    def follow(self) -> AbstractAsyncContextManager[AsyncIterator[NamespaceSnapshot]]:
        """Break once."""
        self.asked += 1
        if self.asked == 1:
            raise ZeroDivisionError("a defect")
        return self.inner.follow()


class EndingFeed(BrokenFeed):
    """Ends without a word the first time, as a broken connection may cancel what waits on it."""

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[AsyncIterator[NamespaceSnapshot]]:
        """End once."""
        self.asked += 1
        async with self.inner.follow() as snapshots:
            with anyio.CancelScope() as scope:
                if self.asked == 1:
                    scope.cancel()
                yield snapshots


def snapshot(position: int, *paths: str, retired: bool = False) -> NamespaceSnapshot:
    """A namespace of these mount paths."""
    return NamespaceSnapshot(position, UUID(int=1), "training", tuple(entry(p, "b") for p in paths), retired=retired)


def open_nothing(definition: BackendDefinition) -> ObjectReader:
    """Open an empty bucket."""
    del definition
    return MemoryStore(MemoryBucket())


class Tie:
    """A follower with everything around it."""

    def __init__(
        self,
        *,
        feed: NamespaceFeed | None = None,
        disk: LastKnownNamespace | None = None,
        patience: float = 0.05,
        refused: float = 0.01,
    ) -> None:
        self.feed = MemoryFeed()
        self.disk = disk or LastKnownMemory()
        self.served = Served()
        self.clock = ManualClock()
        self.follower = NamespaceFollower(
            feed or self.feed,
            self.disk,
            self.served,
            open_nothing,
            self.clock,
            address="control:50051",
            namespace="training",
            patience=Patience(known=patience, unknown=patience, refused=refused, ended=0.01),
        )

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        """Follow while the block runs."""
        with anyio.fail_after(10):
            async with following(self.follower):
                yield

    async def wait_served(self, *paths: str) -> None:
        """Wait until this is what is served."""
        await wait_until_async(lambda: self.served.sets[-1:] == [list(paths)], within=5, what=f"serving {paths}")

    async def refusal_of_start(self) -> str:
        """Start, which must fail; returns the words."""
        with pytest.raises(BaseExceptionGroup) as caught:
            async with self.begun():
                pytest.fail("it began")
        fault: BaseException = caught.value
        while isinstance(fault, BaseExceptionGroup):
            fault = fault.exceptions[0]
        assert isinstance(fault, NamespaceUnavailable)
        return str(fault)


class TestStart:
    async def test_it_begins_with_what_the_control_plane_says(self) -> None:
        """Even when the disk knows something else."""
        tie = Tie(disk=LastKnownMemory(snapshot(3, "/old")), patience=5)
        tie.feed.publish(snapshot(4, "/new"))
        async with tie.begun():
            assert tie.served.sets == [["/new"]]
            assert not tie.follower.state().from_disk

    async def test_it_begins_with_the_last_known_when_the_control_plane_is_away(self) -> None:
        """After some patience; the control plane's own word replaces it when it comes."""
        tie = Tie(disk=LastKnownMemory(snapshot(3, "/old")))
        tie.feed.lose("no route")
        async with tie.begun():
            state = tie.follower.state()
            assert (tie.served.sets, state.from_disk, state.position) == ([["/old"]], True, 3)
            assert (state.connected, state.fault) == (False, "no route")
            tie.feed.publish(snapshot(4, "/new"))
            tie.feed.find_again()
            await tie.wait_served("/new")
            assert not tie.follower.state().from_disk

    async def test_without_either_it_does_not_begin_and_says_what_to_do(self) -> None:
        """Nothing to serve is a failed start, not an empty tree that looks like lost data."""
        tie = Tie()
        tie.feed.lose("connection refused")
        words = await tie.refusal_of_start()
        assert "control:50051 does not answer (connection refused)" in words
        assert "start again" in words

    async def test_a_refusal_at_start_ends_it_whatever_is_on_disk(self) -> None:
        """Somebody decided that this node may not: what it knew is not served instead."""
        tie = Tie(disk=LastKnownMemory(snapshot(3, "/old")), patience=5)
        tie.feed.refuse("the token is for node-8")
        assert "refused: the token is for node-8" in await tie.refusal_of_start()
        assert tie.served.sets == []

    async def test_nonsense_at_start_is_no_reason_to_serve_nothing(self) -> None:
        """A state that cannot be served, or a defect in the tie: the last known serves, and health says why."""
        tie = Tie(disk=LastKnownMemory(snapshot(3, "/old")))
        tie.feed.publish(snapshot(4, "/twice", "/twice"))
        async with tie.begun():
            assert tie.served.sets == [["/old"]]
            with pytest.raises(CheckFailedError, match="position 4 cannot be served"):
                await tie.follower.probe()
        assert "position 4 cannot be served" in await self._words_with_nothing_on_disk(snapshot(4, "/b", "/b"))

    async def _words_with_nothing_on_disk(self, nonsense: NamespaceSnapshot) -> str:
        tie = Tie()
        tie.feed.publish(nonsense)
        return await tie.refusal_of_start()

    async def test_another_namespace_on_disk_is_none(self) -> None:
        """The configuration was changed to a namespace that this node never served."""
        other = NamespaceSnapshot(3, UUID(int=2), "other")
        tie = Tie(disk=LastKnownMemory(other))
        tie.feed.lose("away")
        assert "no earlier state of namespace 'training'" in await tie.refusal_of_start()


class TestRun:
    async def test_every_state_is_served_then_kept(self) -> None:
        """In this order: what is on disk has been served before."""
        tie = Tie(patience=5)
        tie.feed.publish(snapshot(1, "/a"))
        async with tie.begun():
            tie.feed.publish(snapshot(2, "/a", "/b"))
            await tie.wait_served("/a", "/b")
            await wait_until_async(lambda: tie.disk.load("training") == snapshot(2, "/a", "/b"), within=5)
            assert tie.follower.state().position == 2

    async def test_a_retired_namespace_is_an_empty_tree_and_unwell(self) -> None:
        """And stays so over a restart without a control plane."""
        tie = Tie(patience=5)
        tie.feed.publish(snapshot(1, "/a"))
        async with tie.begun():
            tie.feed.publish(snapshot(2, "/a", retired=True))
            await tie.wait_served()
            with pytest.raises(CheckFailedError, match="retired"):
                await tie.follower.probe()
            await wait_until_async(lambda: tie.disk.load("training") == snapshot(2, "/a", retired=True), within=5)

    async def test_a_state_that_cannot_be_served_leaves_the_former_and_is_unwell(self) -> None:
        """It is not kept either; the next good one heals it."""
        tie = Tie(patience=5)
        tie.feed.publish(snapshot(1, "/a"))
        async with tie.begun():
            tie.feed.publish(snapshot(2, "/b", "/b"))
            await wait_until_async(lambda: bool(tie.follower.state().fault), within=5)
            with pytest.raises(
                CheckFailedError, match=r"position 2 cannot be served: .*/b.*still serving .*position 1"
            ):
                await tie.follower.probe()
            assert tie.served.sets == [["/a"]]
            assert tie.disk.load("training") == snapshot(1, "/a")
            tie.feed.publish(snapshot(3, "/b"))
            await tie.wait_served("/b")
            assert "position 3" in await tie.follower.probe()

    async def test_being_refused_while_running_serves_on_and_is_unwell_until_taken_back(self) -> None:
        """Readers keep what they have; the agent asks again after a while, as people mend rights."""
        tie = Tie(patience=5)
        tie.feed.publish(snapshot(1, "/a"))
        async with tie.begun():
            tie.feed.refuse("the token was revoked")
            await wait_until_async(lambda: tie.follower._refusal != "", within=5)
            with pytest.raises(CheckFailedError, match=r"revoked; still serving namespace training at position 1"):
                await tie.follower.probe()
            tie.feed.publish(snapshot(2, "/b"))
            tie.feed.find_again()
            await tie.wait_served("/b")
            assert await tie.follower.probe() == "namespace training at position 2"

    async def test_being_away_is_well_and_says_since_when(self) -> None:
        """What is served is as good as it was."""
        tie = Tie(patience=5)
        tie.feed.publish(snapshot(1, "/a"))
        async with tie.begun():
            tie.feed.lose("no route")
            words = await tie.follower.probe()
            assert "not connected for" in words
            assert "(no route); serving namespace training at position 1" in words

    async def test_a_disk_that_refuses_costs_only_the_next_start(self) -> None:
        """The namespace is served, and the check says that it is not kept."""
        tie = Tie(disk=FullDisk(), patience=5)
        tie.feed.publish(snapshot(1, "/a"))
        async with tie.begun():
            tie.feed.publish(snapshot(2, "/b"))
            await tie.wait_served("/b")
            await anyio.wait_all_tasks_blocked()
            assert "No space left" in await tie.follower.probe()

    async def test_a_defect_in_the_tie_does_not_end_the_mount(self) -> None:
        """It is followed anew."""
        inner = MemoryFeed()
        inner.publish(snapshot(1, "/a"))
        tie = Tie(feed=BrokenFeed(inner), disk=LastKnownMemory(snapshot(0, "/old")), patience=5)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tie.follower.run)
            await tie.wait_served("/a")
            assert await tie.follower.probe() == "namespace training at position 1"
            tasks.cancel_scope.cancel()

    async def test_following_that_ended_without_a_word_goes_on_at_once(self) -> None:
        """Nobody refused, so nobody has to mend anything: changes shall not wait for a minute."""
        inner = MemoryFeed()
        inner.publish(snapshot(1, "/a"))
        feed = EndingFeed(inner)
        tie = Tie(feed=feed, disk=LastKnownMemory(snapshot(0, "/old")), patience=5, refused=60)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tie.follower.run)
            await wait_until_async(lambda: feed.asked == 2, within=5, what="following again")
            inner.publish(snapshot(2, "/b"))
            await tie.wait_served("/b")
            tasks.cancel_scope.cancel()
