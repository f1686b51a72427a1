"""Parquet in a backend: read in ranges, in batches, and refused when it is something else."""

import io
from collections.abc import AsyncIterator, Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.inventory_reports import put
from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.adapters.lake import ParquetFiles, extra
from warpdrive.adapters.lake.parquet_files import BATCH, BUFFER
from warpdrive.application.ports.column_files import ColumnFileFault
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.application.ports.errors import Unavailable
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.domain.namespace.values import BackendDefinition

KEY = ObjectKey("a.parquet")
ROWS = 60_000


def table() -> bytes:
    """A file of two row groups, most of it in a column that nobody asks for."""
    sink = io.BytesIO()
    columns = {
        "n": range(ROWS),
        "text": [f"row {n}" for n in range(ROWS)],
        "noise": [f"{n * n:060d}" for n in range(ROWS)],
    }
    written = pa.table({name: list(values) for name, values in columns.items()})
    pq.write_table(
        written, sink, row_group_size=ROWS // 2, compression="none", use_dictionary=False, write_page_checksum=True
    )
    return sink.getvalue()


CONTENT = table()


class Watched:
    """A reader that notes what is asked, and may be away."""

    def __init__(self, backend: Backend) -> None:
        self._reader = backend.reader
        self.asked: list[int] = []
        self.away = False

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
        if self.away:
            raise Unavailable("gone")
        self.asked.append(len(into))
        return await self._reader.read_range(key, offset, into, version=version, sink=sink)


@pytest.fixture
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """A backend with the file."""
    opened = build_backend(BackendDefinition("lake", "memory", {"name": request.node.nodeid}), Anonymous())
    await put(opened.writer, KEY, CONTENT)
    yield opened
    await opened.aclose()


async def test_only_what_is_asked_for_is_read_and_little_at_a_time(backend: Backend) -> None:
    """The column that nobody wants stays where it is; batches and reads are bounded."""
    watched = Watched(backend)
    async with ParquetFiles().open(watched, await backend.reader.stat(KEY)) as file:  # type: ignore[arg-type] # one verb is enough
        assert (list(file.columns), file.row_count) == (["n", "text", "noise"], ROWS)
        batches = [rows async for rows in file.rows(["text", "n"])]
    assert [row for rows in batches for row in rows] == [(f"row {n}", n) for n in range(ROWS)]
    assert max(map(len, batches)) <= BATCH
    assert max(watched.asked) <= BUFFER
    assert sum(watched.asked) < len(CONTENT) / 2


async def test_a_backend_that_goes_away_is_no_damage(backend: Backend) -> None:
    """The backend's own words come through the library."""
    watched = Watched(backend)
    async with ParquetFiles().open(watched, await backend.reader.stat(KEY)) as file:  # type: ignore[arg-type] # as above
        rows = file.rows(["n"])
        watched.away = True
        with pytest.raises(Unavailable):
            await anext(aiter(rows))


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"x" * 5000,
        lambda content: content[:1000] + content[-30_000:],
        lambda content: content[:3000] + b"\xff" * 50 + content[3050:],
    ],
)
async def test_what_is_no_parquet_or_damaged_is_refused(backend: Backend, damage: Callable[[bytes], bytes]) -> None:
    """Nothing, something else, a file without its middle, and a page that does not fit its checksum."""
    await put(backend.writer, KEY, damage(CONTENT))
    with pytest.raises(ColumnFileFault, match="cannot be read as Parquet"):
        await _read_all(backend)


def _no_text() -> pa.Array:
    buffers = [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    return pa.Array.from_buffers(pa.string(), 1, buffers)


@pytest.mark.parametrize(
    "table",
    [
        pa.table([_no_text(), [1]], names=["text", "n"]),
        pa.table([["a"], [1], [2]], names=["text", "n", "n"]),
        pa.table([pa.array([2**62], pa.timestamp("ms")), [1]], names=["text", "n"]),
        pa.table([pa.array([2**62 + 1], pa.timestamp("ns")), [1]], names=["text", "n"]),
    ],
    ids=["no text", "two columns of one name", "after the year 9999", "nanoseconds"],
)
async def test_values_that_cannot_be_had_are_a_fault_of_the_file(backend: Backend, table: pa.Table) -> None:
    """A file that is whole may hold what no text and no time can be made of."""
    content = io.BytesIO()
    pq.write_table(table, content)
    await put(backend.writer, KEY, content.getvalue())
    with pytest.raises(ColumnFileFault, match="cannot be read as Parquet"):
        await _read_all(backend)


async def test_without_the_extra_it_says_what_to_install(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report in CSV needs none, so nobody looks before."""
    monkeypatch.setattr(extra, "find_spec", lambda _: None)
    with pytest.raises(ColumnFileFault, match=r"pip install 'warpdrive\[lake\]'"):
        await _read_all(backend)


async def _read_all(backend: Backend) -> None:
    async with ParquetFiles().open(backend.reader, await backend.reader.stat(KEY)) as file:
        async for _ in file.rows(["n", "text"]):
            pass
