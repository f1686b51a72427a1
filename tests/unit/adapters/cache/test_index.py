"""The index keeps the latest word on every extent, and loses none when the disk refuses."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from warpdrive.adapters.cache.extents import ExtentRow
from warpdrive.adapters.cache.index import Change, Index, ObjectRow
from warpdrive.application.ports.page_cache import ContentId

NAME = b"n" * 16
ROW = ObjectRow(ContentId("b", "k\udcff", "v"), 100)


def extent(byte: int) -> ExtentRow:
    """Make a small row."""
    return ExtentRow(bytes([byte]), bytes(8), suspect=False)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """Start a new index."""
    index = Index(tmp_path / "index.sqlite")
    index.start("boot")
    yield index
    index.close()


def test_rows_come_back(index: Index) -> None:
    """What was applied is loaded, raw bytes in keys included."""
    index.apply({NAME: Change(row=ROW, extents={0: extent(1), 3: extent(2)})})
    assert index.load(NAME) == (ROW, {0: extent(1), 3: extent(2)})
    assert index.contents() == [ROW.content]
    index.apply({NAME: Change(extents={3: ExtentRow(b"", b"", suspect=False)})})
    assert index.load(NAME) == (ROW, {0: extent(1)})


def test_a_wipe_removes_everything_before_it(index: Index) -> None:
    """Rows that follow the wipe in the same change stay."""
    index.apply({NAME: Change(row=ROW, extents={0: extent(1), 1: extent(1)})})
    index.apply({NAME: Change(wiped=True, row=ROW, extents={1: extent(2)})})
    assert index.load(NAME) == (ROW, {1: extent(2)})
    index.apply({NAME: Change(wiped=True)})
    assert index.load(NAME) == (None, {})
    assert index.contents() == []


def test_refused_changes_stay_pending_in_order(index: Index, tmp_path: Path) -> None:
    """While another connection blocks the index, later changes win over earlier ones and loads see them."""
    index.apply({NAME: Change(row=ROW, extents={0: extent(1)})})
    index._db.execute("PRAGMA busy_timeout = 0")
    blocker = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        index.apply({NAME: Change(extents={0: extent(7), 1: extent(7)})})
    with pytest.raises(sqlite3.OperationalError):
        index.apply({NAME: Change(wiped=True)})
    with pytest.raises(sqlite3.OperationalError):
        index.apply({NAME: Change(row=ROW, extents={2: extent(3)})})
    assert index.load(NAME) == (ROW, {2: extent(3)})
    blocker.execute("ROLLBACK")
    blocker.close()
    index.apply({})
    assert index._pending == {}
    assert index.load(NAME) == (ROW, {2: extent(3)})


@pytest.mark.parametrize(
    ("finish", "boot", "suspect"), [("boot", "boot", False), (None, "boot", True), ("boot", "other", True)]
)
def test_rows_are_trusted_after_an_orderly_shutdown_in_the_same_boot(
    tmp_path: Path, finish: str | None, boot: str, *, suspect: bool
) -> None:
    """A crash, or a boot in between, makes every earlier row suspect; rows written since are not."""
    path = tmp_path / "index.sqlite"
    index = Index(path)
    assert index.start("boot")
    index.apply({NAME: Change(row=ROW, extents={0: extent(1), 1: extent(1)})})
    if finish is not None:
        index.finish(finish)
    index.close()
    index = Index(path)
    assert index.start(boot) is not suspect
    index.apply({NAME: Change(extents={1: extent(3)})})
    _, extents = index.load(NAME)
    assert extents[0].suspect is suspect
    assert not extents[1].suspect
    index.finish(boot)
    index.close()
    index = Index(path)
    assert index.start(boot)
    assert index.load(NAME)[1][0].suspect is suspect, "an orderly shutdown later does not make a row right"
    index.close()
