"""Moving objects where something is not as it should be: what cannot be moved stays, and it is said why."""

from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any

import pytest

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.errors import AccessDenied, Unavailable
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import Capabilities, ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.application.transfer.checking import Verify
from warpdrive.application.transfer.faults import SourceMissing
from warpdrive.application.transfer.journal import Entry, MemoryJournal
from warpdrive.application.transfer.mover import Mover
from warpdrive.application.transfer.moving import Rules, Side
from warpdrive.application.transfer.naming import Route, inside_one_another, is_prefix, route_of
from warpdrive.application.transfer.tally import Tally

ROUTE = route_of("from/", "to/", prefix=True)


class Store(ForwardingStore):
    """A memory backend that a test can tamper with.

    `before`: called with a verb and a key before it is done. `tells`: whether it knows digests. `spoils`: whether it
    keeps other bytes than it is given. `reads`: keys of every read.
    """

    def __init__(self, objects: Mapping[str, bytes] | None = None, *, age: int = 0, **tampering: Any) -> None:
        self.bucket = MemoryBucket()
        super().__init__(MemoryStore(self.bucket))
        for i, (key, data) in enumerate((objects or {}).items()):
            self.bucket.put(key, data, age + i, {})
        self.before: Callable[[str, str], None] = tampering.get("before", lambda _verb, _key: None)
        self.tells: bool = tampering.get("tells", True)
        self.spoils: bool = tampering.get("spoils", False)
        self.reads: list[str] = []

    def data(self) -> dict[str, bytes]:
        """Return what it holds."""
        return {key: stored.data for key, stored in self.bucket.objects.items()}

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        self.before("stat", key)
        info = await self.inner.stat(key)
        return info if self.tells else info._replace(digest=None)

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Fill `into`."""
        self.reads.append(key)
        self.before("read", key)
        return await self.inner.read_range(key, offset, into, version=version, sink=sink)

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Publish `body`."""
        self.before("write", key)
        info = await self.inner.write(key, body, size=size, precondition=precondition, metadata=metadata)
        if self.spoils:
            info = self.bucket.put(key, b"?" * info.size, 5, {})
        return info

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object."""
        self.before("delete", key)
        await self.inner.delete(key, version=version)


async def moved(
    source: ObjectStore,
    target: ObjectStore,
    *,
    journal: MemoryJournal | None = None,
    route: Route = ROUTE,
    rules: Rules | None = None,
) -> Tally:
    """Move once."""
    tally = Tally()
    sides = Side(source, source), Side(target, target)
    await Mover(*sides, journal or MemoryJournal(), rules or Rules(piece=8), tally=tally, workers=1).run(route)
    return tally


def reasons(tally: Tally) -> dict[str, str]:
    """Return why each object stayed."""
    return {failure.key: failure.why for failure in tally.failures}


async def test_a_copy_that_is_not_the_source_is_found_and_mended_by_the_next_run() -> None:
    """The backend told its own checksum, so nothing had to be read back."""
    source, target = Store({"from/a": b"good bytes"}), Store(spoils=True)
    journal = MemoryJournal()
    tally = await moved(source, target, journal=journal)
    assert "its checksum is another" in reasons(tally)["from/a"]
    assert (source.data(), target.reads, tally.copied_bytes) == ({"from/a": b"good bytes"}, [], 10)
    target.spoils = False
    assert (await moved(source, target, journal=journal)).complete
    assert (source.data(), target.data()) == ({}, {"to/a": b"good bytes"})


@pytest.mark.parametrize(("tells", "verify"), [(False, Verify.CHECKSUM), (True, Verify.FULL)])
async def test_copies_are_read_back_where_no_checksum_is_told_or_on_request(*, tells: bool, verify: Verify) -> None:
    """And spoilt ones are found so, too."""
    for spoils in (False, True):
        source, target = Store({"from/a": b"good bytes"}), Store(tells=tells, spoils=spoils)
        tally = await moved(source, target, rules=Rules(verify=verify, piece=8))
        assert target.reads == ["to/a", "to/a"]
        assert tally.complete != spoils
        assert ("from/a" in source.data()) == spoils


async def test_a_source_that_changes_under_the_copy_is_moved_as_it_is_then() -> None:
    """Never a mix of two versions."""
    source, target = Store({"from/a": b"one" * 9}), Store()

    def change(verb: str, key: str) -> None:
        if verb == "read" and len(source.reads) == 2:
            source.bucket.put(key, b"two" * 9, 9, {})

    source.before = change
    assert (await moved(source, target)).complete
    assert target.data() == {"to/a": b"two" * 9}


async def test_a_source_that_changes_behind_the_copy_is_copied_again() -> None:
    """Our own older copy is replaced without --overwrite; nothing of the new version is lost."""
    source, target = Store({"from/a": b"one"}), Store()
    changes = iter([b"two"])

    def change(verb: str, key: str) -> None:
        if verb == "delete" and (data := next(changes, None)) is not None:
            source.bucket.put(key, data, 9, {})

    source.before = change
    assert (await moved(source, target)).complete
    assert (source.data(), target.data()) == ({}, {"to/a": b"two"})


async def test_one_that_never_stands_still_stays() -> None:
    """With the older copy at the destination, and said so."""
    source, target = Store({"from/a": b"0", "from/b": b"b"}), Store()

    def change(verb: str, key: str) -> None:
        if (verb, key) == ("delete", "from/a"):
            source.bucket.put(key, source.data()[key] + b"1", 9, {})

    source.before = change
    tally = await moved(source, target)
    assert "it changed after it was copied" in reasons(tally)["from/a"]
    assert (source.data(), tally.moved) == ({"from/a": b"011"}, 1)


async def test_a_lost_reply_is_looked_after() -> None:
    """The write had happened: its copy is taken as ours, not refused as somebody's."""
    source, target = Store({"from/a": b"bytes"}), Store()
    lost = iter([True])

    def lose(verb: str, _key: str) -> None:
        if verb == "stat" and target.data() and next(lost, False):
            raise Unavailable("the reply was lost")

    target.before = lose
    tally = await moved(source, target)
    assert (tally.complete, tally.resumed, target.data()) == (True, 1, {"to/a": b"bytes"})


async def test_one_that_fails_does_not_stop_the_others() -> None:
    """Whatever it is that it fails of."""
    source, target = Store({"from/a": b"a", "from/b": b"b", "from/c/": b""}), Store()

    def deny(_verb: str, key: str) -> None:
        if key == "to/a":
            raise AccessDenied("not for you")

    target.before = deny
    tally = await moved(source, target)
    assert reasons(tally)["from/a"] == "not for you"
    assert "stands for a directory" in reasons(tally)["from/c/"]
    assert (tally.moved, tally.complete, target.data()) == (1, False, {"to/b": b"b"})
    assert set(source.data()) == {"from/a", "from/c/"}


async def test_what_an_earlier_run_may_replace_is_exactly_that() -> None:
    """Its word does not cover what somebody else has put there since."""
    for version, replaced in (("1", True), ("0", False)):
        source, target = Store({"from/a": b"new"}, age=50), Store({"to/a": b"old"})
        journal = MemoryJournal()
        entry = Entry(ObjectVersion("1"), ObjectKey("to/a"), replaces=ObjectVersion(version))
        journal.entries[ObjectKey("from/a")] = entry
        assert (await moved(source, target, journal=journal)).complete == replaced
        assert target.data() == {"to/a": b"new" if replaced else b"old"}


@pytest.mark.parametrize(
    ("there", "begun", "moved_on"), [(b"", True, True), (b"", False, False), (b"theirs", True, False)]
)
async def test_an_empty_object_of_an_upload_that_broke_off_is_no_obstacle(
    there: bytes, *, begun: bool, moved_on: bool
) -> None:
    """Only where our own copy had begun when nothing was there; other bytes are somebody's."""
    source, target = Store({"from/a": b"new"}, age=50), Store({"to/a": there})
    journal = MemoryJournal()
    if begun:
        (info,) = (await source.list_page(ObjectKey("from/"))).objects
        journal.entries[info.key] = Entry(info.version, ObjectKey("to/a"))
    assert (await moved(source, target, journal=journal)).complete == moved_on
    assert target.data() == {"to/a": b"new" if moved_on else there}
    assert set(source.data()) == (set() if moved_on else {"from/a"})


class NamedByContent(Store):
    """Versions are checksums, as S3 has them: what is written again is the same version."""

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        return self._named(await super().stat(key))

    async def read_range(self, key: ObjectKey, offset: int, into: memoryview, **_pinned: Any) -> ObjectInfo:
        """Fill `into`."""
        return self._named(await super().read_range(key, offset, into))

    async def write(self, key: ObjectKey, body: AsyncIterable[bytes | memoryview], **_condition: Any) -> ObjectInfo:
        """Publish `body`."""
        return self._named(await super().write(key, body))

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object, if it has that content."""
        assert (await self.stat(key)).version == version
        await super().delete(key)

    def _named(self, info: ObjectInfo) -> ObjectInfo:
        assert info.digest is not None
        return info._replace(version=ObjectVersion(info.digest.value.hex()))


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("kind", [Store, NamedByContent])
async def test_another_name_of_the_same_place_is_never_deleted(kind: type[Store], *, overwrite: bool) -> None:
    """Nor what it holds."""
    source = kind({"from/a": b"the only one"})
    target = ForwardingStore(source)
    route = route_of("from/", "from/", prefix=True)
    tally = await moved(source, target, route=route, rules=Rules(overwrite=overwrite))
    assert (tally.failed, source.data()) == (1, {"from/a": b"the only one"})


@pytest.mark.parametrize("overwrite", [True, False])
async def test_whoever_writes_there_meanwhile_is_not_overwritten(*, overwrite: bool) -> None:
    """Not even with --overwrite, which is about what was looked at."""
    source, target = Store({"from/a": b"ours"}, age=50), Store({"to/a": b"old"} if overwrite else {})

    def intrude(verb: str, key: str) -> None:
        if verb == "write":
            target.bucket.put(key, b"theirs", 9, {})

    target.before = intrude
    tally = await moved(source, target, rules=Rules(overwrite=overwrite))
    assert (tally.failed, source.data(), target.data()) == (1, {"from/a": b"ours"}, {"to/a": b"theirs"})


async def test_a_verified_copy_that_somebody_replaced_since_is_no_copy() -> None:
    """The journal alone deletes nothing."""
    for content in (b"theirs", b"four"):
        source, target = Store({"from/a": b"ours"}, age=50), Store({"to/a": b"ours"})
        journal = MemoryJournal()
        journal.entries[ObjectKey("from/a")] = Entry(ObjectVersion("1"), ObjectKey("to/a"), ObjectVersion("1"))
        target.bucket.put("to/a", content, 9, {})
        tally = await moved(source, target, journal=journal)
        assert (tally.failed, source.data()) == (1, {"from/a": b"ours"})


async def test_a_write_that_is_sent_again_counts_and_hashes_once() -> None:
    """As a writer does that was asked to slow down."""

    class Repeating(Store):
        async def write(self, key: ObjectKey, body: AsyncIterable[bytes | memoryview], **named: Any) -> ObjectInfo:
            async for _ in body:
                break
            return await super().write(key, body, **named)

    source, target = Store({"from/a": b"twenty bytes of data"}), Repeating()
    tally = await moved(source, target)
    assert (tally.complete, tally.copied_bytes, target.data()) == (True, 20, {"to/a": b"twenty bytes of data"})


async def test_within_one_backend_it_copies_by_itself() -> None:
    """And nothing is read where it tells checksums."""
    store = Store({"from/a": b"bytes"})
    assert (await moved(store, store, rules=Rules(within=True))).complete
    assert (store.data(), store.reads) == ({"to/a": b"bytes"}, [])


async def test_a_listing_that_breaks_off_is_no_success() -> None:
    """What was found is moved, and the rest is said to be unknown."""

    class Broken(Store):
        async def list_page(self, *given: Any, **named: Any) -> Any:
            if named.get("cursor"):
                raise AccessDenied("no more")
            return await super().list_page(*given, **{**named, "limit": 1})

    source, target = Broken({"from/a": b"a", "from/b": b"b"}), Store()
    tally = await moved(source, target)
    assert (tally.moved, tally.complete) == (1, False)
    assert reasons(tally) == {"from/": "not all of it could be listed: no more"}


async def test_nothing_to_move_is_a_fault() -> None:
    """A slip of the pen should not look like success."""
    with pytest.raises(SourceMissing, match="no object 'from/'"):
        await moved(Store(), Store())
    with pytest.raises(SourceMissing, match="no object 'from/a'"):
        await moved(Store(), Store(), route=route_of("from/a", "to/", prefix=False))


async def test_a_rehearsal_changes_nothing() -> None:
    """It counts, and says how many keys are taken."""
    source, target = Store({"from/a": b"aaa", "from/b": b"b"}), Store({"to/b": b"x"})
    tally, journal = Tally(), MemoryJournal()
    mover = Mover(Side(source, source), Side(target, target), journal, Rules(), tally=tally)
    assert await mover.rehearse(ROUTE) == 1
    assert (tally.found, tally.found_bytes, tally.copied_bytes, journal.entries) == (2, 4, 0, {})
    assert (len(source.data()), target.data()) == (2, {"to/b": b"x"})


async def test_what_a_key_means() -> None:
    """An object if there is one, else everything below it."""
    store = Store({"a": b"", "b/c": b"", "b": b""})
    assert [await is_prefix(store, key) for key in ("a", "b", "b/", "", "missing")] == [False, False, True, True, True]

    class Tree(Store):
        @property
        def capabilities(self) -> Capabilities:
            return Capabilities(directories=True)

        async def stat(self, key: ObjectKey) -> ObjectInfo:
            return ObjectInfo(key, 0, ObjectVersion(""), 0, is_directory=True)

    assert await is_prefix(Tree(), "a")


@pytest.mark.parametrize(
    ("source", "target", "prefix", "route"),
    [
        ("a/b", "c", False, ("a/b", "c")),
        ("a/b", "c/", False, ("a/b", "c/b")),
        ("a/b", "", False, ("a/b", "b")),
        ("a/b", "c", True, ("a/b/", "c/")),
        ("", "c/", True, ("", "c/")),
        ("a/", "", True, ("a/", "")),
    ],
)
def test_what_it_is_called_there(source: str, target: str, *, prefix: bool, route: tuple[str, str]) -> None:
    """As with `mv`: into a directory under its own name, else under the new one."""
    assert route_of(source, target, prefix=prefix) == Route(ObjectKey(route[0]), ObjectKey(route[1]), prefix)


def test_ends_that_lie_in_one_another() -> None:
    """A move into itself would meet its own work; names that only begin alike do not."""
    assert inside_one_another("a/", "a/b")
    assert inside_one_another("a", "a")
    assert inside_one_another("a/b", "")
    assert not inside_one_another("a", "ab")
    assert not inside_one_another("a/b", "a/c")
