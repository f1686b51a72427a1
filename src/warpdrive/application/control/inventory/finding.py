"""The newest complete report below a prefix."""

import re
from collections.abc import Mapping
from hashlib import md5
from types import MappingProxyType
from typing import Final

from warpdrive.application.control.inventory.manifests import parse_manifest
from warpdrive.application.control.inventory.report import Provider, Report, ReportFault
from warpdrive.application.ports.errors import ObjectNotFound
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectKey

LARGEST_MANIFEST: Final = 64 * 1024 * 1024
"""Bytes; a report of a hundred billion objects has a manifest of some ten."""

_NAMES: Final[Mapping[Provider, re.Pattern[str]]] = MappingProxyType(
    {
        # .../config-ID/2016-11-06T21-32Z/manifest.json
        Provider.S3: re.compile(r"(?P<series>.*/|)(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\dZ)/manifest\.json"),
        # .../2021/05/26/13-25-36/Rule_1/Rule_1-manifest.json
        Provider.AZURE: re.compile(
            r"(?:.*/|)(?P<time>\d{4}/\d\d/\d\d/\d\d-\d\d-\d\d)/(?P<series>[^/]+)/(?P=series)-manifest\.json"
        ),
        # .../<id of the configuration>_2022-05-01T07:00_manifest.json
        Provider.GCS: re.compile(r"(?P<series>.*)_(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)_manifest\.json"),
    }
)
_CHECKED: Final = (Provider.S3, Provider.AZURE)
"""These put a checksum beside the manifest when everything is there."""


async def newest_report(reader: ObjectReader, provider: Provider, prefix: ObjectKey) -> Report | None:
    """Find the newest report whose manifest and checksum are there; None when there is none.

    Raises ReportFault when it cannot be read, or when the prefix holds reports of several kinds; any BackendError.
    """
    found, series = await _manifests(reader, provider, prefix)
    if len(series) > 1:
        names = ", ".join(sorted(series)[:5])
        raise ReportFault(f"the prefix {prefix!r} holds reports of {len(series)} configurations ({names}); name one")
    for _, key in sorted(found, reverse=True):
        raw = await whole(reader, key, LARGEST_MANIFEST)
        if provider in _CHECKED and not await _sealed(reader, key, raw):
            continue
        return parse_manifest(provider, key, raw)
    return None


async def whole(reader: ObjectReader, key: ObjectKey, largest: int) -> bytes:
    """Read a small object. Raises ReportFault when it is larger than `largest` bytes; any BackendError."""
    info = await reader.stat(key)
    if info.size > largest:
        raise ReportFault(f"{key} has {info.size} bytes; that is no manifest")
    content = bytearray(info.size)
    if content:
        await reader.read_range(key, 0, memoryview(content), version=info.version)
    return bytes(content)


async def _manifests(
    reader: ObjectReader, provider: Provider, prefix: ObjectKey
) -> tuple[list[tuple[str, ObjectKey]], set[str]]:
    """Return (time, key) of every manifest, and what they are manifests of."""
    found: list[tuple[str, ObjectKey]] = []
    series: set[str] = set()
    cursor = None
    while True:
        try:
            page = await reader.list_page(prefix, cursor=cursor, recursive=True)
        except ObjectNotFound:
            return found, series
        for info in page.objects:
            match = _NAMES[provider].fullmatch(info.key)
            if match is not None:
                found.append((match["time"], info.key))
                series.add(match["series"])
        cursor = page.cursor
        if cursor is None:
            return found, series


async def _sealed(reader: ObjectReader, key: ObjectKey, raw: bytes) -> bool:
    """Whether the checksum is there and fits: until then the report is still being written."""
    try:
        text = await whole(reader, ObjectKey(key.removesuffix(".json") + ".checksum"), 1024)
    except ObjectNotFound:
        return False
    return text.decode("ascii", "replace").strip().lower() == md5(raw, usedforsecurity=False).hexdigest()
