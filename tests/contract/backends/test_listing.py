"""What every backend promises to those who list: paging, folding, odd names (R4)."""

import asyncio
import os

import pytest

from tests.contract.backends.objects import listed, put
from tests.contract.backends.provider import Provider
from warpdrive.adapters.blob.factory import Backend
from warpdrive.application.ports.errors import CursorUnknown, ObjectNotFound
from warpdrive.application.ports.objects import ObjectKey

MANY = 1_100
"""More than the 1,000 names that most servers put on one page."""

ODD_NAMES = (
    "with space",
    " leading and trailing ",
    "plus+plus",
    "percent%41%2F",
    "question?x=1&y=2",
    "hash#fragment",
    "quotes'\"",
    "angle<>&amp;",
    "semi;colon:at@equals=comma,",
    "tilde~caret^",
    "brackets[0]{1}(2)",
    "dollar$star*bang!",
    "ünïcödé",
    "e\u0301 decomposed",
    "日本語",
    "emoji 🚀",
    "-dash",
    "...",
    "x" * 200,
)


async def _fill(backend: Backend, keys: list[str]) -> None:
    waiting = iter(keys)

    async def work() -> None:
        for key in waiting:
            await put(backend, key, key.encode("utf-8", "surrogateescape")[:16])

    await asyncio.gather(*(work() for _ in range(16)))


class TestPaging:
    async def test_every_name_once_whatever_the_page_size(self, backend: Backend, provider: Provider) -> None:
        """Over a thousand names come complete and once, in pages of the server's limit and in small ones."""
        names = [f"many/file-{number:05}" for number in range(MANY)]
        await _fill(backend, names)
        for limit in (backend.capabilities.list_limit, 300):
            objects, prefixes = await listed(backend, "many/", limit=limit)
            assert sorted(info.key for info in objects) == names
            assert prefixes == []
        info = objects[0]
        described = await backend.reader.stat(info.key)
        assert info == described._replace(digest=info.digest, storage_class=info.storage_class)
        assert {info.storage_class for info in objects} == {provider.storage_class}

    async def test_a_page_is_not_much_longer_than_asked(self, backend: Backend) -> None:
        """`limit` bounds a page."""
        await _fill(backend, [f"few/{number}" for number in range(25)])
        page = await backend.reader.list_page(ObjectKey("few/"), limit=10)
        assert 0 < len(page.objects) + len(page.prefixes) <= 20
        assert page.cursor is not None

    async def test_a_cursor_may_be_used_again(self, backend: Backend) -> None:
        """Asking for the same page twice (a retry) gives the same names."""
        await _fill(backend, [f"few/{number:02}" for number in range(20)])
        first = await backend.reader.list_page(ObjectKey("few/"), limit=7)
        second = await backend.reader.list_page(ObjectKey("few/"), cursor=first.cursor, limit=7)
        again = await backend.reader.list_page(ObjectKey("few/"), cursor=first.cursor, limit=7)
        assert second.objects == again.objects
        assert not {info.key for info in first.objects} & {info.key for info in second.objects}

    async def test_another_instances_cursor_goes_on_or_is_refused(self, backend: Backend, twin: Backend) -> None:
        """After a restart a cursor is good or CursorUnknown; it never leads into another listing under way."""
        await _fill(backend, [f"{'mine' if number < 20 else 'yours'}/{number:02}" for number in range(40)])
        first = await backend.reader.list_page(ObjectKey("mine/"), limit=7, recursive=True)
        # Counted from the beginning, this one's cursor would look the same.
        other = await twin.reader.list_page(ObjectKey("yours/"), limit=7, recursive=True)
        assert None not in (first.cursor, other.cursor)
        seen = [info.key for info in first.objects]
        cursor = first.cursor
        while cursor is not None:
            try:
                page = await twin.reader.list_page(ObjectKey("mine/"), cursor=cursor, limit=7, recursive=True)
            except CursorUnknown:
                return
            seen += [info.key for info in page.objects]
            cursor = page.cursor
        assert sorted(seen) == [f"mine/{number:02}" for number in range(20)]

    async def test_names_that_go_while_paging_disturb_no_other(self, backend: Backend) -> None:
        """What is deleted between two pages may be missing; what stays is listed once."""
        await _fill(backend, [f"few/{number:02}" for number in range(30)])
        first = await backend.reader.list_page(ObjectKey("few/"), limit=10)
        gone = {first.objects[-1].key, ObjectKey("few/15")}
        for key in gone:
            await backend.writer.delete(key)
        rest = []
        cursor = first.cursor
        while cursor is not None:
            page = await backend.reader.list_page(ObjectKey("few/"), cursor=cursor, limit=10)
            rest += [info.key for info in page.objects]
            cursor = page.cursor
        seen = [info.key for info in first.objects] + rest
        assert len(seen) == len(set(seen))
        assert {f"few/{number:02}" for number in range(30)} - gone <= set(seen)


class TestFolding:
    KEYS = ("a", "b/one", "b/two", "b/c/deep", "b-side", "b.txt", "z/z/z/z")

    async def test_sub_prefixes_are_folded_once(self, backend: Backend) -> None:
        """One level at a time: objects here, each sub-prefix once over all pages, with its "/"."""
        await _fill(backend, list(self.KEYS))
        for limit in (1000, 2, 1):
            objects, prefixes = await listed(backend, limit=limit)
            assert sorted(info.key for info in objects) == ["a", "b-side", "b.txt"]
            assert sorted(prefixes) == ["b/", "z/"]
            objects, prefixes = await listed(backend, "b/", limit=limit)
            assert sorted(info.key for info in objects) == ["b/one", "b/two"]
            assert prefixes == ["b/c/"]

    async def test_recursive_lists_every_object_below(self, backend: Backend) -> None:
        """Recursive: whole keys, no prefixes, in pages of any size."""
        await _fill(backend, list(self.KEYS))
        for limit in (1000, 2, 1):
            objects, prefixes = await listed(backend, recursive=True, limit=limit)
            assert sorted(info.key for info in objects) == sorted(self.KEYS)
            assert prefixes == []
            objects, _ = await listed(backend, "b/", recursive=True, limit=limit)
            assert sorted(info.key for info in objects) == ["b/c/deep", "b/one", "b/two"]

    async def test_nothing_below_a_prefix(self, backend: Backend) -> None:
        """An empty prefix is an empty page, or ObjectNotFound where directories exist by themselves."""
        await put(backend, "somewhere/else", b"x")
        if backend.capabilities.directories:
            with pytest.raises(ObjectNotFound):
                await listed(backend, "nothing/")
        else:
            assert await listed(backend, "nothing/") == ([], [])

    async def test_an_empty_place_is_empty(self, backend: Backend) -> None:
        """The root of a place always exists."""
        assert await listed(backend) == ([], [])

    async def test_a_name_that_only_begins_alike_is_not_below(self, backend: Backend) -> None:
        """`b/` does not list `b-side`."""
        await _fill(backend, ["b/one", "b-side/one", "bb"])
        objects, prefixes = await listed(backend, "b/")
        assert [info.key for info in objects] == ["b/one"]
        assert prefixes == []

    async def test_a_file_is_no_directory(self, backend: Backend) -> None:
        """Listing below an object's key finds nothing."""
        await put(backend, "file", b"x")
        if backend.capabilities.directories:
            with pytest.raises(ObjectNotFound):
                await listed(backend, "file/")
        else:
            assert await listed(backend, "file/") == ([], [])


class TestNames:
    async def test_odd_names_survive_the_round_trip(self, backend: Backend) -> None:
        """Spaces, percent signs, plus, quotes, any UTF-8: written, listed, described and read under one name."""
        keys = [f"odd/{name}" for name in ODD_NAMES] + [f"odd/{name}/below" for name in ODD_NAMES[:8]]
        if not backend.capabilities.directories:
            keys += ["odd/both", "odd/both/below"]
        else:
            keys = [key for key in keys if not any(other.startswith(f"{key}/") for other in keys)]
        # Objects before what is below their names: SeaweedFS loses an object that races with a directory of its name.
        await _fill(backend, [key for key in keys if not key.endswith("/below")])
        await _fill(backend, [key for key in keys if key.endswith("/below")])
        objects, _ = await listed(backend, "odd/", recursive=True)
        assert sorted(info.key for info in objects) == sorted(keys)
        for info in objects:
            described = await backend.reader.stat(info.key)
            assert info == described._replace(digest=info.digest, storage_class=info.storage_class)
            buffer = bytearray(info.size)
            await backend.reader.read_range(info.key, 0, memoryview(buffer), version=info.version)
            assert bytes(buffer) == info.key.encode()[:16]


class TestRawNames:
    @staticmethod
    def applies_to(provider: Provider) -> bool:
        """Elsewhere keys are UTF-8 by the protocol."""
        return provider.raw_names

    async def test_raw_bytes_survive_the_round_trip(self, backend: Backend) -> None:
        """Names that are not UTF-8 travel as surrogate escapes."""
        key = os.fsdecode(b"raw/latin1-\xe9\xff.bin")
        await put(backend, key, b"raw")
        objects, _ = await listed(backend, "raw/")
        assert [info.key for info in objects] == [key]
        assert (await backend.reader.stat(ObjectKey(key))).size == 3


class TestOddKeys:
    @staticmethod
    def applies_to(provider: Provider) -> bool:
        """A file tree has no such keys."""
        return provider.odd_keys

    async def test_keys_no_file_can_have_are_told_as_they_are(self, backend: Backend) -> None:
        """An object store's odd keys are listed truly; hiding them is the mount's business."""
        keys = ["deep//double", "deep/plain", "marker/", "marker/file"]
        await _fill(backend, keys)
        objects, _ = await listed(backend, recursive=True)
        assert sorted(info.key for info in objects) == sorted(keys)
        _, prefixes = await listed(backend, "deep/")
        assert prefixes == ["deep//"]


class TestFileTrees:
    @staticmethod
    def applies_to(provider: Provider) -> bool:
        """Elsewhere keys are names, not paths."""
        return not provider.odd_keys

    async def test_keys_that_would_leave_the_place_lead_nowhere(self, backend: Backend) -> None:
        """No key climbs out of a file tree with ".."."""
        await put(backend, "inside/file", b"x")
        for key in ("..", "../", "inside/../inside/file", "../etc/passwd", "/etc/passwd", "inside/./file", "a\0b"):
            with pytest.raises(ObjectNotFound):
                await backend.reader.stat(ObjectKey(key))
            with pytest.raises(ObjectNotFound):
                await backend.reader.read_range(ObjectKey(key), 0, memoryview(bytearray(1)))
