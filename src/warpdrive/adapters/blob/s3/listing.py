"""ListObjectsV2: the query, and its answer, as fast as Python can take it."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from itertools import repeat
from urllib.parse import unquote_plus

from warpdrive.adapters.blob.s3.http.head import MalformedResponse
from warpdrive.adapters.blob.s3.object_headers import NS, version_of
from warpdrive.adapters.blob.s3.page_scan import ScannedPage, scan
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey

LARGEST_PAGE = 1000
"""Names a page can have; S3 gives no more, whatever is asked."""


def list_query(prefix: ObjectKey, *, cursor: str | None, limit: int, recursive: bool) -> dict[str, str]:
    """Make the query. Names are asked for percent-encoded: XML cannot carry control characters."""
    query = {"list-type": "2", "encoding-type": "url", "max-keys": str(max(1, min(limit, LARGEST_PAGE)))}
    if prefix:
        query["prefix"] = prefix
    if cursor is not None:
        query["continuation-token"] = cursor
    if not recursive:
        query["delimiter"] = "/"
    return query


def parse_page(body: bytes) -> ListPage:
    """Parse the answer. Raises MalformedResponse, also for a document with a DTD, which no S3 sends."""
    page = scan(body) or _parsed(body)
    decode = _decoded if page.encoding == "url" else _plain
    try:
        objects = list(
            map(
                ObjectInfo,
                decode(page.keys),
                map(int, page.sizes),
                map(version_of, page.etags),
                _mtimes_ns(page.modified),
                repeat(None),
                repeat(False),  # noqa: FBT003 - the value of a field
                page.classes,
            )
        )
    except ValueError as error:
        raise MalformedResponse(f"an entry of a listing is unreadable: {error}") from error
    if page.truncated == "true" and not page.token:
        raise MalformedResponse("a truncated listing without a continuation token")
    return ListPage(objects, decode(page.prefixes), page.token if page.truncated == "true" else None)


def _parsed(body: bytes) -> ScannedPage:
    # The parser follows a UTF-16 mark even when told UTF-8; zero bytes betray it, and with it what it could hide.
    if b"\0" in body or b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise MalformedResponse("a listing with a DTD, or not in UTF-8")
    parser = ET.XMLParser(encoding="utf-8")  # noqa: S314 (no DTD, checked above)
    try:
        parser.feed(body)
        root = parser.close()
    except ET.ParseError as error:
        raise MalformedResponse(f"a listing that is not XML: {error}") from error
    space, brace, name = root.tag.rpartition("}")
    if name != "ListBucketResult":
        raise MalformedResponse(f"not a listing: <{name}>")
    space += brace
    entries = root.findall(f"{space}Contents")

    def column(field: str) -> list[str]:
        texts = [entry.findtext(f"{space}{field}") for entry in entries]
        if None in texts:
            raise MalformedResponse(f"an entry of a listing without {field}")
        return [text or "" for text in texts]

    def single(field: str) -> str:
        return root.findtext(f"{space}{field}") or ""

    return ScannedPage(
        keys=column("Key"),
        sizes=column("Size"),
        etags=column("ETag"),
        modified=column("LastModified"),
        classes=[entry.findtext(f"{space}StorageClass") or "" for entry in entries],
        prefixes=[element.findtext(f"{space}Prefix") or "" for element in root.iterfind(f"{space}CommonPrefixes")],
        encoding=single("EncodingType"),
        truncated=single("IsTruncated"),
        token=single("NextContinuationToken"),
    )


def _plain(names: list[str]) -> list[ObjectKey]:
    if "" in names:
        raise MalformedResponse("a listing with an empty name")
    return [ObjectKey(name) for name in names]


def _decoded(names: list[str]) -> list[ObjectKey]:
    together = "".join(names)
    if "%" in together or "+" in together:
        names = [unquote_plus(name, errors="surrogateescape") for name in names]
    return _plain(names)


def _mtimes_ns(texts: list[str]) -> list[int]:
    """Whole seconds, since that is all that HEAD and GET tell: one object shows one time."""
    known: dict[str, int] = {}
    times = []
    for text in texts:
        second = text[:19]
        if second not in known:
            known[second] = int(datetime.fromisoformat(second).replace(tzinfo=UTC).timestamp()) * NS
        times.append(known[second])
    return times
