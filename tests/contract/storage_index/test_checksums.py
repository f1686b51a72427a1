"""Checksums that the index keeps: what a backend tells, and of S3, whose listings tell none, its plain ETags."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.support.indexing import Indexing
from warpdrive.application.ports.listing_source import ListedPage, ListedPart, ListingSource
from warpdrive.application.ports.objects import Digest, ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

ETAG = "0123456789abcdef" * 2


@dataclass
class Told:
    """A source of one page."""

    objects: Sequence[ObjectInfo]
    kind: str = "list"
    roots: tuple[str, ...] = ("",)
    as_of: None = None

    @asynccontextmanager
    async def pages(self, parts: Sequence[ListedPart]) -> AsyncIterator[AsyncIterator[ListedPage]]:
        """Give it."""
        assert not list(parts)

        async def all_of_it() -> AsyncIterator[ListedPage]:
            yield ListedPage("", "", self.objects, "", done=True)

        yield all_of_it()


def info(key: str, version: str, digest: Digest | None = None) -> ObjectInfo:
    """Describe an object of five bytes."""
    return ObjectInfo(ObjectKey(key), 5, ObjectVersion(version), 10**18, digest)


def source(
    objects: Sequence[ObjectInfo],
) -> Callable[[str, Sequence[BackendDefinition]], AbstractAsyncContextManager[ListingSource]]:
    """Open a source of these."""

    @asynccontextmanager
    async def opened(place: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
        assert place == definitions[0].place
        yield Told(objects)

    return opened


async def checksums(indexing: Indexing, backend: BackendDefinition) -> tuple[dict[str, list[str]], int]:
    """Crawl copies, and return keys by the checksum that they share, and how many have none."""
    objects = [
        info("a", ETAG),
        info("b", ETAG),
        info("c", f"{ETAG}-2"),
        info("d", f"{ETAG}-2"),
        info("e", "x", Digest("crc32c", b"\0\1\2\3")),
        info("f", ETAG[::-1], Digest("crc32c", b"\0\1\2\3")),
    ]
    indexing.entries["/d"] = MountEntry("/d", backend)
    await indexing._apply()
    (crawl,) = await indexing.crawl(source=source(objects))
    assert (crawl.objects, crawl.added) == (6, 6)
    (again,) = await indexing.crawl(source=source(objects))
    assert (again.added, again.changed) == (0, 0)
    view = (await indexing.plane.duplicates.page(indexing.call())).value
    return {group.checksum: [copy.key for copy in group.copies] for group in view.groups}, view.unchecked_objects


@pytest.mark.parametrize("kind", ["s3", "gcs"])
async def test_plain_etags_of_s3_compare_and_other_versions_do_not(indexing: Indexing, kind: str) -> None:
    """A backend's own checksum comes first; the ETag of several parts is none."""
    backend = BackendDefinition(name="data", type=kind, options={"bucket": "b"})
    found, unchecked = await checksums(indexing, backend)
    assert found["crc32c:00010203"] == ["e", "f"]
    assert found.get(f"md5:{ETAG}") == (["a", "b"] if kind == "s3" else None)
    assert (len(found), unchecked) == ((2, 2) if kind == "s3" else (1, 4))
