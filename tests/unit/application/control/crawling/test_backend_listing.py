"""How a place's keys are divided among listings, and how a listing goes on after a break."""

from collections.abc import Sequence
from contextlib import aclosing

import pytest

from warpdrive.application.control.crawling.backend_listing import BackendListing, Root, roots_of
from warpdrive.application.ports.errors import AccessDenied, BackendError, ObjectNotFound, Unavailable
from warpdrive.application.ports.listing_source import ListedPage, ListedPart, ListingFailed
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import Capabilities, ListPage, ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.domain.namespace.values import BackendDefinition


class ScriptedReader:
    """Lists given keys, a few a page, and remembers what it was asked. Cursors are numbers of the next key."""

    def __init__(self, keys: Sequence[str], *, page: int = 3, directories: bool = False) -> None:
        self.keys = sorted(keys)
        self.asked: list[tuple[str, str | None, bool]] = []
        self.fault: BackendError | None = None
        self.refused_cursor: str | None = None
        self.capabilities = Capabilities(directories=directories, max_parallel=4, list_limit=page)

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """See the port."""
        self.asked.append((prefix, cursor, recursive))
        if self.fault is not None:
            raise self.fault
        if cursor is not None and cursor == self.refused_cursor:
            raise BackendError("no such listing")
        below = [key for key in self.keys if key.startswith(prefix)]
        names = list(dict.fromkeys(_name(key, prefix, recursive=recursive) for key in below))
        start = int(cursor or 0)
        shown = names[start : start + limit]
        return ListPage(
            [ObjectInfo(ObjectKey(name), 1, ObjectVersion("v"), 0) for name in shown if not name.endswith("/")],
            [ObjectKey(name) for name in shown if name.endswith("/")],
            str(start + limit) if start + limit < len(names) else None,
        )

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Not part of listing."""
        raise AssertionError(f"nobody asks for {key}")

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Not part of listing."""
        raise AssertionError(f"nobody reads {key}: {offset}, {len(into)}, {version}, {sink}")

    async def aclose(self) -> None:
        """Nothing is held."""


def _name(key: str, prefix: str, *, recursive: bool) -> str:
    slash = -1 if recursive else key.find("/", len(prefix))
    return key if slash < 0 else key[: slash + 1]


async def _pages(source: BackendListing, parts: Sequence[ListedPart] = ()) -> list[ListedPage]:
    async with source.pages(parts) as pages:
        return [page async for page in pages]


def _keys(pages: Sequence[ListedPage]) -> list[str]:
    return sorted(page.prefix + info.key for page in pages for info in page.objects)


@pytest.mark.parametrize("directories", [False, True])
async def test_every_key_comes_once_and_every_part_is_done(directories: bool) -> None:
    """However keys are divided: deep, flat, below several roots."""
    first = ScriptedReader(["a/1", "a/b/2", "a/b/c/3", "b/4", "c"], directories=directories)
    second = ScriptedReader([f"{number:02}" for number in range(10)], directories=directories)
    source = BackendListing([Root("one", "p/", first), Root("two", "q/", second)])
    assert source.roots == ("p/", "q/")
    pages = await _pages(source)
    assert _keys(pages) == sorted([*(f"p/{key}" for key in first.keys), *(f"q/{key}" for key in second.keys)])
    known = {"p/", "q/"} | {name for page in pages for name in page.found}
    assert {page.part for page in pages if page.done} == known
    assert {page.part for page in pages} == known


async def test_a_level_is_split_and_what_is_larger_than_a_page_is_listed_whole() -> None:
    """Where a level is one page its names become parts; a longer one costs that page and is listed whole."""
    reader = ScriptedReader(["a/1", "b/1", "b/2", "b/3", "b/c/4"])
    pages = await _pages(BackendListing([Root("one", "", reader)], workers=1))
    assert [(page.part, page.found, page.done) for page in pages] == [
        ("", ("a/", "b/"), True),
        ("a/", (), True),
        ("b/", (), False),
        ("b/", (), True),
    ]
    assert ("b/", None, False) in reader.asked, "it was tried"
    assert [(page.cursor) for page in pages if page.part == "b/"] == ["3", ""]


async def test_walked_backends_are_split_at_their_root_only() -> None:
    """Where links may lead back up, every further split would follow them once more."""
    reader = ScriptedReader(["a/b/1", "a/c/1"], directories=True)
    pages = await _pages(BackendListing([Root("one", "", reader)]))
    assert {page.part for page in pages} == {"", "a/"}


async def test_it_goes_on_where_it_was() -> None:
    """Parts that are done are left alone, others begin at their cursors; a root that no page named yet is a part."""
    reader = ScriptedReader(["a/1", "b/1", "b/2", "b/3", "b/4"])
    parts = [ListedPart("p/", done=True), ListedPart("p/a/", done=True), ListedPart("p/b/", "3")]
    other = ScriptedReader(["x"])
    pages = await _pages(BackendListing([Root("one", "p/", reader), Root("two", "q/", other)]), parts)
    assert _keys(pages) == ["p/b/4", "q/x"]


async def test_a_cursor_of_no_use_any_more_begins_its_part_anew() -> None:
    """Sessions of a listing end with the process; only a cursor from before may fail so."""
    reader = ScriptedReader(["b/1", "b/2", "b/3", "b/4"])
    reader.refused_cursor = "3"
    done = ListedPart("", done=True)
    with pytest.raises(ListingFailed):
        await _pages(BackendListing([Root("one", "", reader)]), [done, ListedPart("b/")])
    reader.refused_cursor = "7"
    pages = await _pages(BackendListing([Root("one", "", reader)]), [done, ListedPart("b/", "7")])
    assert _keys(pages) == ["b/1", "b/2", "b/3", "b/4"]


@pytest.mark.parametrize("fault", [AccessDenied("no rights"), Unavailable("no route")])
async def test_a_fault_ends_the_listing_and_is_told(fault: BackendError) -> None:
    """It names backend and place; nothing is concluded from what came before."""
    reader = ScriptedReader(["a/1"])
    reader.fault = fault
    with pytest.raises(ListingFailed) as caught:
        await _pages(BackendListing([Root("one", "p/", reader)]))
    assert caught.value.detail == f"listing 'p/' of backend 'one' failed ({fault.kind}): {fault.detail}"


async def test_a_directory_that_went_is_empty() -> None:
    """Between the listing of its name and its own there is time to be removed."""
    reader = ScriptedReader([])
    reader.fault = ObjectNotFound("gone")
    pages = await _pages(BackendListing([Root("one", "", reader)]))
    assert [(page.part, page.done, len(page.objects)) for page in pages] == [("", True, 0)]


async def test_names_that_cannot_be_kept_are_no_parts() -> None:
    """Parts are written down: a level with raw bytes in a name is listed whole, a cursor with some is not kept."""
    reader = ScriptedReader(["raw\udc80/1", "b"])
    pages = await _pages(BackendListing([Root("one", "", reader)]))
    assert {page.part for page in pages} == {""}
    assert _keys(pages) == ["b", "raw\udc80/1"]


async def test_leaving_early_ends_the_listing() -> None:
    """Whoever has enough leaves; nobody lists on behind the scenes."""
    reader = ScriptedReader([f"{number:04}" for number in range(1000)])
    async with BackendListing([Root("one", "", reader)]).pages(()) as pages, aclosing(pages):  # type: ignore[type-var] # a generator
        async for _ in pages:
            break
    assert len(reader.asked) < 100


def test_roots_show_all_and_each_object_once() -> None:
    """A backend inside another is part of the other's listing; of equals the smaller name lists."""

    def backend(name: str, prefix: str) -> BackendDefinition:
        return BackendDefinition(name=name, type="memory", options={"name": "b"}, prefix=prefix)

    backends = [backend("z", "a/"), backend("c", "a/b/"), backend("b", "ab/"), backend("a", "ab/")]
    assert [(each.name, each.prefix) for each in roots_of(backends)] == [("z", "a/"), ("a", "ab/")]
    assert [each.name for each in roots_of([*backends, backend("all", "")])] == ["all"]
