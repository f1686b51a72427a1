"""Crawls of buckets: what the index says of them afterwards, on the twin and on PostgreSQL."""

from datetime import date
from hashlib import blake2b

import pytest

from tests.support.indexing import IndexedObject, Indexing
from warpdrive.application.control.attributing import Attributing
from warpdrive.application.control.crawling.crawl_pass import CrawlPass
from warpdrive.application.ports.crawl_register import CrawlState
from warpdrive.application.ports.listing_source import ListedPage
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.application.ports.storage_index import CrawlEnded
from warpdrive.domain.governance.recorded_texts import recorded_key


async def test_a_crawl_makes_the_index_what_the_bucket_is(indexing: Indexing) -> None:
    """New, changed, deleted and returned objects are counted as what they are, and sums go with them."""
    await indexing.mount("/d", "data", bucket="b")
    team = await indexing.team("vision", ("data", "v/"))
    for key, size in {"a": 1, "v/x": 10, "v/deep/er/y": 100, "w/z": 1000}.items():
        await indexing.put("b", key, size)
    (first,) = await indexing.crawl()
    assert (first.state, first.generation, first.source) == (CrawlState.COMPLETED, 1, "list")
    assert (first.objects, first.bytes, first.added, first.changed, first.deleted) == (4, 1111, 4, 0, 0)
    assert first.parts_done == first.parts_known > 0
    assert first.requested_by == "token:tester"
    place = indexing.place("b")
    assert await indexing.objects() == {
        (place, "a"): IndexedObject(1, "data", ()),
        (place, "v/x"): IndexedObject(10, "data", (team,)),
        (place, "v/deep/er/y"): IndexedObject(100, "data", (team,)),
        (place, "w/z"): IndexedObject(1000, "data", ()),
    }
    assert await indexing.capacity() == {("data", ()): (2, 1001), ("data", (team,)): (2, 110)}

    indexing.clock.advance(86_400)
    await indexing.put("b", "v/x", 15)
    await indexing.put("b", "new", 7)
    await indexing.delete("b", "w/z")
    (second,) = await indexing.crawl()
    assert (second.objects, second.bytes, second.added, second.changed, second.deleted) == (4, 123, 1, 1, 1)
    assert (await indexing.objects())[place, "w/z"].deleted
    rows = {(row.day, row.owners): row for row in await indexing.facts.ledger()}
    today = indexing.now().date()
    assert (rows[today, ()].removed_objects, rows[today, ()].removed_bytes) == (1, 1000)
    assert (rows[today, ()].added_objects, rows[today, ()].added_bytes) == (1, 7)
    assert rows[today, (team,)].changed_bytes == 5
    await indexing.check_sums()

    await indexing.put("b", "w/z", 3)
    (third,) = await indexing.crawl()
    assert (third.added, third.changed, third.deleted) == (1, 0, 0)
    assert not (await indexing.objects())[place, "w/z"].deleted
    (fourth,) = await indexing.crawl()
    assert (fourth.objects, fourth.added, fourth.changed, fourth.deleted, fourth.generation) == (5, 0, 0, 0, 4)
    await indexing.check_sums()


async def test_backends_that_share_a_place_share_one_crawl(indexing: Indexing) -> None:
    """An object counts once, at home in the backend with the longest prefix; other prefixes are not looked at."""
    await indexing.mount("/a", "left", bucket="b", prefix="l/")
    await indexing.mount("/b", "inner", bucket="b", prefix="l/i/")
    await indexing.mount("/c", "right", bucket="b", prefix="r/")
    await indexing.mount("/d", "other", bucket="c")
    for key in ("l/1", "l/i/2", "r/3", "hidden/4"):
        await indexing.put("b", key, 1)
    await indexing.put("c", "l/1", 1)
    crawls = await indexing.crawl()
    assert [(crawl.backends, crawl.objects) for crawl in crawls] == [(("inner", "left", "right"), 3), (("other",), 1)]
    assert await indexing.capacity() == {(name, ()): (1, 1) for name in ("inner", "left", "right", "other")}
    assert [crawl.roots for crawl in crawls] == [("l/", "r/"), ("",)]


async def test_a_backend_that_came_a_moment_ago_is_crawled(indexing: Indexing) -> None:
    """A namespace that is made, and crawled, after the crawler last looked at decisions has its objects indexed."""
    await indexing.put("b", "x", 7)
    async with indexing.index.running() as writer:
        assert writer is not None
        attributing = Attributing(writer.owners, indexing.clock)
        await attributing.catch_up()
        await indexing.mount("/d", "data", bucket="b")
        await indexing.register.backends()
        asked = await indexing.register.request(indexing.place("b"), by="token:tester", at=indexing.now())
        await CrawlPass(writer, attributing, indexing.source, indexing.clock).run(asked)
    found = await indexing.register.get(asked.id)
    assert found is not None
    assert (found.state, found.detail, found.objects) == (CrawlState.COMPLETED, "", 1)
    assert await indexing.capacity() == {("data", ()): (1, 7)}


async def test_much_missing_is_held_until_confirmed(indexing: Indexing) -> None:
    """A listing that lacks everything deletes nothing and says what to do; confirmed, it is believed."""
    await indexing.mount("/d", "data", bucket="b")
    for number in range(3):
        await indexing.put("b", f"k{number}", 1)
    await indexing.crawl()
    indexing.clock.advance(60)
    await indexing.delete("b", "k0", "k1", "k2")
    (held,) = await indexing.crawl()
    assert held.state is CrawlState.HELD
    assert "3 of 3" in held.detail
    assert "warpdrive-ctl crawl --backend data --confirm-deletions" in held.detail
    assert (held.ended_at, held.deleted) == (indexing.now(), 0)
    assert await indexing.capacity() == {("data", ()): (3, 3)}
    marks = await indexing.facts.marks()
    assert [mark.generation for mark in marks.backends] == [1], "answers are as of the last completed one"

    (believed,) = await indexing.crawl(confirmed=True)
    assert (believed.state, believed.deleted, believed.generation) == (CrawlState.COMPLETED, 3, 3)
    assert await indexing.capacity() == {}
    await indexing.check_sums()


async def test_an_emptied_backend_is_held_among_full_ones(indexing: Indexing) -> None:
    """However few objects it had beside its neighbours in the place: its credentials may have been another's."""
    await indexing.mount("/a", "large", bucket="b", prefix="l/")
    await indexing.mount("/b", "small", bucket="b", prefix="s/")
    for number in range(9):
        await indexing.put("b", f"l/{number}", 1)
    await indexing.put("b", "s/0", 1)
    await indexing.put("b", "s/1", 1)
    await indexing.crawl()
    indexing.clock.advance(60)
    await indexing.delete("b", "l/0", "s/0")
    (fine,) = await indexing.crawl()
    assert (fine.state, fine.deleted) == (CrawlState.COMPLETED, 2)
    indexing.clock.advance(60)
    await indexing.delete("b", "l/1", "s/1")
    (held,) = await indexing.crawl()
    assert held.state is CrawlState.HELD
    assert "2 of 9" in held.detail
    assert "everything of small is" in held.detail
    (believed,) = await indexing.crawl(confirmed=True)
    assert (believed.state, believed.deleted) == (CrawlState.COMPLETED, 2)
    await indexing.check_sums()


async def test_a_request_joins_the_crawl_that_has_not_ended(indexing: Indexing) -> None:
    """Two requests are one crawl, confirmed if either is; one that was cancelled is over."""
    await indexing.mount("/d", "data", bucket="b")
    place = indexing.place("b")
    await indexing.register.backends()
    one = await indexing.register.request(place, by="token:one", at=indexing.now())
    two = await indexing.register.request(place, by="token:two", at=indexing.now(), confirmed=True)
    assert (two.id, two.requested_by, two.state) == (one.id, "token:one", CrawlState.QUEUED)
    assert (one.confirmed, two.confirmed) == (False, True)
    cancelled = await indexing.register.cancel(one.id, detail="cancelled by token:one", at=indexing.now())
    assert cancelled is not None
    assert (cancelled.state, cancelled.detail) == (CrawlState.CANCELLED, "cancelled by token:one")
    assert await indexing.register.cancel(one.id, detail="again", at=indexing.now()) == cancelled
    assert await indexing.register.cancel(10**6, detail="none", at=indexing.now()) is None
    three = await indexing.register.request(place, by="token:two", at=indexing.now())
    assert (three.id != one.id, three.generation, three.confirmed) == (True, 2, False)
    assert await indexing.register.page(limit=10) == [three, cancelled]
    assert await indexing.register.page(limit=10, state="cancelled") == [cancelled]
    assert await indexing.register.page(limit=10, backend="data", before=three.id) == [cancelled]
    assert await indexing.register.page(limit=10, backend="none") == []
    assert await indexing.register.get(10**6) is None


async def test_early_accesses_are_taken_over(indexing: Indexing) -> None:
    """What was read before any crawl saw it has its last access as soon as one does, and late ones at its end."""
    await indexing.mount("/d", "data", bucket="b")
    await indexing.put("b", "early", 1)
    await indexing.put("b", "other", 1)
    await indexing.register.backends()
    place = indexing.place("b")
    await indexing.access_early(place, "early", date(2023, 11, 1))
    await indexing.crawl()
    found = await indexing.objects()
    assert found[place, "early"].last_access == date(2023, 11, 1)
    assert found[place, "other"].last_access is None
    # Ingest looked for the object just before a crawl wrote it.
    await indexing.access_early(place, "other", date(2023, 11, 2))
    await indexing.crawl()
    assert (await indexing.objects())[place, "other"].last_access == date(2023, 11, 2)


async def test_keys_that_text_cannot_hold_are_kept_escaped(indexing: Indexing) -> None:
    """Bytes that are no UTF-8, and NUL, are indexed under their escapes, once."""
    await indexing.mount("/d", "data", bucket="b")
    for key in ("raw\udc80/x", "nul\0", "ümlaut"):
        await indexing.put("b", key, 1)
    (crawl,) = await indexing.crawl()
    assert crawl.objects == 3
    assert {key for _, key in await indexing.objects()} == {"raw\\udc80/x", "nul\\x00", "ümlaut"}
    (again,) = await indexing.crawl()
    assert (again.added, again.changed, again.deleted) == (0, 0, 0)


async def test_keys_longer_than_an_index_takes_are_kept_as_ingest_keeps_them(indexing: Indexing) -> None:
    """Cut, with a digest in place of the rest: what is accessed and what is listed under such a key is one object."""
    await indexing.mount("/d", "data", bucket="b")
    # Nothing that could be compressed to fit.
    folder = "".join(blake2b(bytes([number])).hexdigest() for number in range(30))
    keys = [f"{folder}/one", f"{folder}/two", f"short/{folder}"]
    for key in keys:
        await indexing.put("b", key, 1)
    await indexing.register.backends()
    await indexing.access_early(indexing.place("b"), recorded_key("", keys[0]), date(2023, 11, 1))
    (crawl,) = await indexing.crawl()
    assert (crawl.state, crawl.detail, crawl.added) == (CrawlState.COMPLETED, "", 3)
    found = await indexing.objects()
    assert {key for _, key in found} == {recorded_key("", key) for key in keys}
    assert found[indexing.place("b"), recorded_key("", keys[0])].last_access == date(2023, 11, 1)
    (again,) = await indexing.crawl()
    assert (again.added, again.changed, again.deleted) == (0, 0, 0)


async def test_only_one_writes_at_a_time(indexing: Indexing) -> None:
    """While somebody holds the index others are told so; afterwards it is free."""
    async with indexing.index.running() as one, indexing.index.running() as other:
        assert one is not None
        assert other is None
    async with indexing.index.running() as one:
        assert one is not None


async def test_what_comes_back_belongs_to_whom_it_would_now(indexing: Indexing) -> None:
    """Objects that are gone are not moved; one that is back has the owners of today, and is seen first as ever."""
    await indexing.mount("/d", "data", bucket="b")
    await indexing.put("b", "a/1", 10)
    await indexing.put("b", "b/2", 10)
    await indexing.crawl()
    indexing.clock.advance(60)
    await indexing.delete("b", "a/1")
    await indexing.crawl()
    team = await indexing.team("red", ("data", "a/"))
    await indexing.work()
    assert (await indexing.objects())[indexing.place("b"), "a/1"] == IndexedObject(10, "data", (), deleted=True)
    await indexing.put("b", "a/1", 5)
    await indexing.crawl()
    assert await indexing.capacity() == {("data", ()): (1, 10), ("data", (team,)): (1, 5)}
    await indexing.check_sums()


async def test_a_cancelled_crawl_writes_nothing_more(indexing: Indexing) -> None:
    """Neither what was listed meanwhile, nor that something is missing, nor another end."""
    await indexing.mount("/d", "data", bucket="b")
    await indexing.put("b", "x", 1)
    await indexing.crawl()
    indexing.clock.advance(60)
    page = ListedPage("", "", [ObjectInfo(ObjectKey("new"), 1, ObjectVersion("v"), 0)], "", done=True)
    asked = await indexing.register.request(indexing.place("b"), by="token:one", at=indexing.now())
    async with indexing.index.running() as writer:
        assert writer is not None
        attributing = Attributing(writer.owners, indexing.clock)
        await attributing.catch_up()
        assert await writer.crawls.begin(asked.id, source="list", roots=[""], at=indexing.now()) == []
        await writer.crawls.going(asked.id)
        await indexing.register.cancel(asked.id, detail="enough", at=indexing.now())
        with pytest.raises(CrawlEnded):
            await writer.objects.merge(asked.id, [page], attributing.of(indexing.place("b")), at=indexing.now())
        with pytest.raises(CrawlEnded):
            await writer.objects.missing(asked.id, [""])
        with pytest.raises(CrawlEnded):
            await writer.objects.complete(asked.id, [""], at=indexing.now())
        with pytest.raises(CrawlEnded):
            await writer.crawls.end(asked.id, CrawlState.FAILED, "", at=indexing.now())
        with pytest.raises(CrawlEnded):
            await writer.crawls.going(asked.id)
        with pytest.raises(CrawlEnded):
            await writer.crawls.begin(asked.id, source="list", roots=[""], at=indexing.now())
    assert await indexing.capacity() == {("data", ()): (1, 1)}
    told = await indexing.register.get(asked.id)
    assert told is not None
    assert (told.state, told.detail, told.objects) == (CrawlState.CANCELLED, "enough", 0)
