"""Reports of all three providers, as documented, become the objects that a listing would show."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.inventory_reports import MOMENT, AzureReport, GcsReport, S3Report, Stored, put
from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.adapters.lake import ParquetFiles
from warpdrive.application.control.inventory import Inventory, InventorySource, Provider, ReportFault, open_listing
from warpdrive.application.control.inventory.manifests import parse_manifest
from warpdrive.application.control.inventory.objects import reading
from warpdrive.application.control.inventory.report import Encoding
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.application.ports.listing_source import ListedPart, ListingFailed, NothingNew
from warpdrive.application.ports.objects import Digest, ObjectInfo, ObjectKey
from warpdrive.domain.namespace.values import BackendDefinition

PROVIDERS: dict[type, Provider] = {S3Report: Provider.S3, AzureReport: Provider.AZURE, GcsReport: Provider.GCS}
KINDS: tuple[S3Report | AzureReport | GcsReport, ...] = (
    S3Report(),
    S3Report(encoding="Parquet"),
    AzureReport(),
    AzureReport(encoding="parquet"),
    GcsReport(),
    GcsReport(encoding="parquet"),
    GcsReport(header=False, delimiter=";", camel=True),
)
NAMES = [f"{type(each).__name__}-{each.encoding}-{number}" for number, each in enumerate(KINDS)]

ODD_KEYS = (
    "plain/a.bin",
    'quotes "and" one"',
    "comma,semicolon;tab\tend",
    "line\nbreak\r\nin it",
    "100%25 + plus & amp?",
    "%2F is no slash",
    "ünïcode/日本語/🙂",
    " leading and trailing ",
    "\u2028line separator\x0b\x0c\x1c",
    "'" * 3,
    '""',
)


@pytest.fixture
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """Where reports are put: a place of each test's own."""
    backend = build_backend(BackendDefinition("reports", "memory", {"name": request.node.nodeid}), Anonymous())
    yield backend
    await backend.aclose()


def source(place: Backend, report: Any, *prefixes: str) -> InventorySource:
    """Make what reads the reports about `lake` below inv/."""
    inventory = Inventory(
        PROVIDERS[type(report)], place.reader, ObjectKey("inv/"), "lake", prefixes or ("",)
    )  # fmt: skip
    return InventorySource(inventory, ParquetFiles())


async def objects_of(place: Backend, report: Any, *roots: str) -> list[ObjectInfo]:
    """Read the newest report as a crawl does."""
    return await listed(source(place, report, *roots), roots or ("",))


async def listed(inventory: InventorySource, roots: tuple[str, ...]) -> list[ObjectInfo]:
    """Read the newest report as a crawl does."""
    listing = await open_listing(inventory, roots, None)
    async with listing.pages(()) as pages:
        return [each async for page in pages for each in page.objects]


@pytest.mark.parametrize("report", KINDS, ids=NAMES)
async def test_every_column_becomes_what_a_listing_says(place: Backend, report: Any) -> None:
    """Key, size, version, time, checksum and storage class, all as the adapters of the same providers say them."""
    stored = Stored("a/b.bin", 12345, datetime(2026, 2, 3, 4, 5, 6, 789000, UTC), b"content", "COLD")
    await report.write(place.writer, "inv/", [stored, *(Stored(f"other/{n}") for n in range(7))])
    found = {str(each.key): each for each in await objects_of(place, report)}
    assert len(found) == 8
    version = {
        S3Report: stored.md5.hex(),
        AzureReport: f"0x{stored.md5.hex()[:15].upper()}",
        GcsReport: "1700000000000001",
    }[type(report)]
    seconds = int(datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp())
    assert found["a/b.bin"] == (
        "a/b.bin",
        12345,
        version,
        seconds * 1_000_000_000,
        Digest("md5", stored.md5),
        False,
        "COLD",
    )


@pytest.mark.parametrize("report", KINDS, ids=NAMES)
async def test_odd_keys_come_out_as_they_are(place: Backend, report: Any) -> None:
    """Separators, quotes, line ends, percent signs and every script survive."""
    await report.write(place.writer, "inv/", [Stored(key) for key in ODD_KEYS])
    assert {each.key for each in await objects_of(place, report)} == set(ODD_KEYS)


async def test_keys_that_are_no_utf8_come_as_surrogate_escapes(place: Backend) -> None:
    """As from a listing."""
    await S3Report().write(place.writer, "inv/", [Stored("raw\udcff")])
    assert [each.key for each in await objects_of(place, S3Report())] == ["raw\udcff"]


@pytest.mark.parametrize("report", KINDS, ids=NAMES)
async def test_an_empty_report_lists_nothing(place: Backend, report: Any) -> None:
    """A bucket without objects has a report without rows."""
    await report.write(place.writer, "inv/", [])
    assert await objects_of(place, report) == []


async def test_a_report_without_files_lists_nothing(place: Backend) -> None:
    """Nor need there be a file."""
    await S3Report(files=0).write(place.writer, "inv/", [])
    assert await objects_of(place, S3Report()) == []


@pytest.mark.parametrize("encoding", ["CSV", "Parquet"])
async def test_only_the_latest_versions_of_s3_count(place: Backend, encoding: str) -> None:
    """Old versions and delete markers are no objects."""
    text = encoding == "CSV"
    marker = {"IsDeleteMarker": "true" if text else True, "Size": "" if text else None, "ETag": "" if text else None}
    old = {"IsLatest": "false" if text else False, "VersionId": "v0"}
    report = S3Report(encoding=encoding)
    await report.write(
        place.writer,
        "inv/",
        [Stored("kept", 2), Stored("kept", 1, more=old), Stored("gone", more=marker), Stored("gone", 1, more=old)],
    )
    assert [(each.key, each.size) for each in await objects_of(place, report)] == [("kept", 2)]


async def test_what_azure_keeps_beside_blobs_does_not_count(place: Backend) -> None:
    """Snapshots, old versions, soft-deleted blobs and other containers' blobs are left out."""
    report = AzureReport()
    await report.write(
        place.writer,
        "inv/",
        [
            Stored("kept"),
            Stored("kept", more={"Snapshot": "2026-11-01T00:00:00.0000000Z"}),
            Stored("kept", more={"IsCurrentVersion": "false"}),
            Stored("gone", more={"Deleted": "true"}),
            Stored("x", more={"Name": "lake2/other"}),
        ],
    )
    assert [each.key for each in await objects_of(place, report)] == ["kept"]


async def test_noncurrent_objects_of_gcs_do_not_count(place: Backend) -> None:
    """They have a time of deletion; composite ones have no MD5."""
    report = GcsReport()
    gone = {"timeDeleted": "2026-11-01T00:00:00Z"}
    await report.write(place.writer, "inv/", [Stored("a", more={"md5Hash": ""}), Stored("b", more=gone)])
    [found] = await objects_of(place, report)
    assert (found.key, found.digest) == ("a", Digest("crc32c", b"\x01\x02\x03\x04"))


@pytest.mark.parametrize("status", ["SSE-KMS", "SSE-C", ""])
async def test_an_etag_is_a_checksum_only_where_s3_says_so(place: Backend, status: str) -> None:
    """Under other encryptions, of uploads in parts, and where nobody says, nothing is known."""
    rows = [Stored("a", more={"EncryptionStatus": status}), Stored("b", more={"ETag": "0" * 32 + "-2"})]
    await S3Report().write(place.writer, "inv/", rows)
    assert [each.digest for each in await objects_of(place, S3Report())] == [None, None]
    unsaid = S3Report(columns=S3Report.columns[:-1], taken_at=MOMENT + timedelta(days=1))
    await unsaid.write(place.writer, "inv/", [Stored("a")])
    assert [each.digest for each in await objects_of(place, S3Report())] == [None]


@pytest.mark.parametrize("report", KINDS, ids=NAMES)
async def test_the_newest_complete_report_is_taken(place: Backend, report: Any) -> None:
    """Not the one whose name comes last in another year's order, nor one that is still being written."""
    later = replace(report, taken_at=MOMENT + timedelta(hours=25))
    unfinished = replace(report, taken_at=MOMENT + timedelta(days=2))
    await report.write(place.writer, "inv/", [Stored("old")])
    await later.write(place.writer, "inv/", [Stored("new")])
    if not isinstance(report, GcsReport):
        key = await unfinished.write(place.writer, "inv/", [Stored("unfinished")])
        await place.writer.delete(ObjectKey(key.removesuffix(".json") + ".checksum"))
    listing = await open_listing(source(place, report), ("",), None)
    assert listing.as_of == later.taken_at
    assert listing.kind == "inventory of 2026-11-23T01:00:00Z"
    assert [each.key for each in await objects_of(place, report)] == ["new"]


async def test_a_report_that_is_no_newer_than_the_index_is_not_taken_again(place: Backend) -> None:
    """An hour after it was taken there is nothing new, an hour before it would have been."""
    report = S3Report()
    await report.write(place.writer, "inv/", [])
    for known in (MOMENT, MOMENT + timedelta(hours=1)):
        with pytest.raises(NothingNew, match="2026-11-22T00:00:00Z") as told:
            await open_listing(source(place, report), ("",), known)
        assert told.value.as_of == known
    assert (await open_listing(source(place, report), ("",), MOMENT - timedelta(hours=1))).as_of == MOMENT


async def test_no_report_is_a_failure_and_not_an_empty_bucket(place: Backend) -> None:
    """Nothing may be concluded from it."""
    with pytest.raises(ListingFailed, match="no complete inventory report"):
        await open_listing(source(place, S3Report()), ("",), None)


async def refused(place: Backend, report: Any, words: str, *roots: str) -> None:
    """Hold that reading the newest report fails with these words."""
    with pytest.raises(ListingFailed, match=words):
        await objects_of(place, report, *roots)


async def test_reports_that_cannot_be_believed_are_refused(place: Backend) -> None:
    """Another bucket's, another format's, one of two configurations, one that leaves something out."""
    at = MOMENT
    cases: list[tuple[Any, str]] = [
        (S3Report(encoding="ORC"), "a report in ORC; only CSV and Parquet"),
        (S3Report(bucket="pond"), "is about 'pond', not 'lake'"),
        (S3Report(columns=("Bucket", "Key", "Size", "ETag")), "lacks the columns LastModifiedDate"),
        (AzureReport(status="Failed"), "a run that is Failed"),
        (AzureReport(filters={"excludePrefix": ["lake/tmp"]}), "leaves blobs out"),
        (AzureReport(filters={"prefixMatch": ["lake/only"]}), "lists only lake/only"),
        (GcsReport(columns=("name", "size", "updated")), "lacks the columns generation"),
        (GcsReport(records=9), "counts 9 rows, its files have 1"),
    ]
    for number, (report, words) in enumerate(cases):
        prefix = f"inv/{type(report).__name__}/"
        moved = replace(report, taken_at=at + timedelta(hours=number))
        await moved.write(place.writer, prefix, [Stored("a")])
        inventory = Inventory(PROVIDERS[type(report)], place.reader, ObjectKey(prefix), "lake")
        with pytest.raises(ListingFailed, match=words):
            await listed(InventorySource(inventory, ParquetFiles()), ("",))


async def test_a_prefix_with_reports_of_two_configurations_is_refused(place: Backend) -> None:
    """They would take turns in saying what is gone."""
    for config in ("daily", "weekly"):
        await S3Report().write(place.writer, f"inv/lake/{config}/", [])
    await refused(place, S3Report(), "reports of 2 configurations")


async def test_a_bounded_report_does_where_no_backend_shows_more(place: Backend) -> None:
    """A rule about a prefix that all of the backend's keys have leaves nothing out."""
    report = AzureReport(filters={"prefixMatch": ["lake/only"]})
    await report.write(place.writer, "inv/", [Stored("only/here/a"), Stored("only/there/b"), Stored("only/here/")])
    assert [each.key for each in await objects_of(place, report, "only/here/")] == ["only/here/a"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: raw[:-9], "bytes, its manifest says"),
        # The time in the archive's head: it unpacks to the same all the same.
        (lambda raw: raw[:4] + b"\1\2\3\4" + raw[8:], "another checksum"),
        (lambda raw: raw[:40] + bytes([raw[40] ^ 1]) + raw[41:], "is damaged|another checksum|no CSV|cannot be read"),
    ],
)
async def test_a_data_file_that_is_damaged_fails_the_crawl(place: Backend, damage: Any, words: str) -> None:
    """By its size, or by its checksum at the latest."""
    await S3Report(files=1).write(place.writer, "inv/", [Stored(f"key-{n}") for n in range(100)])
    key = ObjectKey("inv/data/0000-0.csv.gz")
    info = await place.reader.stat(key)
    raw = bytearray(info.size)
    await place.reader.read_range(key, 0, memoryview(raw))
    await put(place.writer, key, damage(bytes(raw)))
    await refused(place, S3Report(), words)


async def test_files_that_were_read_are_not_read_again(place: Backend) -> None:
    """To go on after a break, a crawl gives the parts that it knew."""
    await S3Report(files=3).write(place.writer, "inv/", [Stored(f"key-{n}") for n in range(9)])
    listing = await open_listing(source(place, S3Report()), ("",), None)
    async with listing.pages(()) as pages:
        first = await anext(pages)
        rest = [page async for page in pages]
    parts = [first.part, *first.found]
    assert len(parts) == 3
    assert [page.part for page in rest if page.done] == parts
    known = [ListedPart(parts[0], done=True), ListedPart(parts[1]), ListedPart(parts[2])]
    async with listing.pages(known) as pages:
        again = [each.key async for page in pages for each in page.objects]
    assert sorted(again) == sorted(f"key-{n}" for n in range(9) if n % 3)


async def test_a_manifest_that_is_none_is_refused(place: Backend) -> None:
    """Whatever it is instead."""
    inventory = source(place, GcsReport())
    name = "inv/x_2026-11-22T00:00_manifest.json"
    for content in (b"", b"[]", b"{}", b"\xff", b'{"report_config": 1}', b"[" * 200_000):
        await put(place.writer, name, content)
        with pytest.raises(ReportFault):
            await inventory.newest()


@pytest.mark.parametrize(
    "change",
    [
        {"files": [{"key": 5, "size": 1, "MD5checksum": ""}]},
        {"files": [{"key": "a", "size": 1, "MD5checksum": ""}] * 2},
        {"sourceBucket": 7},
        {"creationTimestamp": "99999999999999999999"},
    ],
)
def test_a_manifest_of_other_types_is_refused(change: dict[str, Any]) -> None:
    """What is used much later is looked at here."""
    manifest = {"sourceBucket": "lake", "fileFormat": "CSV", "fileSchema": "Key", "creationTimestamp": "0", "files": []}
    parse_manifest(Provider.S3, ObjectKey("m"), json.dumps(manifest).encode())
    with pytest.raises(ReportFault):
        parse_manifest(Provider.S3, ObjectKey("m"), json.dumps({**manifest, **change}).encode())


ROW = ("a", "1", "2026-11-22T00:00:00Z", '"e"')


@pytest.mark.parametrize(
    "row",
    [
        ("a", "-1", *ROW[2:]),
        ("a", str(2**63), *ROW[2:]),
        ("a", "1_0.5", *ROW[2:]),
        ("a", float("inf"), *ROW[2:]),
        (None, *ROW[1:]),
        (b"a", *ROW[1:]),
        (5, *ROW[1:]),
        ("a", "1", "Mon, 01 Jan 99999 00:00:00 GMT", '"e"'),
        ("a", "1", 7, '"e"'),
        ROW[:3],
    ],
)
def test_rows_that_no_listing_could_show_are_refused(row: tuple[Any, ...]) -> None:
    """A negative size would make a team's sum smaller; Parquet has types of its own."""
    objects = reading(Provider.S3, Encoding.PARQUET, ("Key", "Size", "LastModifiedDate", "ETag"), "lake")
    assert [each.size for each in objects([ROW])] == [1]
    with pytest.raises(ReportFault, match="rows that cannot be read"):
        objects([row])
