"""Batches on disk: whole or not at all, oldest first, never more than there is room for."""

import errno
from pathlib import Path
from uuid import UUID

import pytest

from warpdrive.adapters.sinks.batch import Batch, BatchMark, Span
from warpdrive.adapters.sinks.spool import SpoiltBatch, Spool


def batch(sequence: int, size: int = 100) -> Batch:
    """Return a batch told apart by its number."""
    mark = BatchMark(sequence, UUID(int=sequence), 5, sequence, 1, Span(3, 4))
    return Batch(mark, bytes([sequence]) * size)


def opened(folder: Path, *, limit: int = 1000) -> Spool:
    """Return a spool over what is there."""
    spool = Spool(folder, limit=limit)
    spool.open()
    return spool


def test_another_process_finds_everything_in_order(tmp_path: Path) -> None:
    """Marks and bytes; what is half written is no batch, and its remains are cleared away."""
    spool = opened(tmp_path)
    for number in (1, 2, 10):
        spool.put(batch(number))
    (tmp_path / "0000000000000011-1.tmp").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("somebody's")
    spool.close()
    again = opened(tmp_path)
    assert (len(again), again.records, again.last_sequence, again.bytes) == (3, 13, 10, 3 * 112)
    assert again.oldest() == batch(1).mark
    assert again.read(batch(10).mark) == batch(10)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".batch"] * 3 + [".txt"]


@pytest.mark.parametrize("place", [0, 8, 12, 111])
def test_a_spoilt_file_is_set_aside(tmp_path: Path, place: int) -> None:
    """One bit in the head, the checksum or the body is enough; nothing that was not written is ever sent."""
    spool = opened(tmp_path)
    spool.put(batch(1))
    (path,) = tmp_path.glob("*.batch")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(SpoiltBatch):
        spool.read(batch(1).mark)
    assert (len(spool), spool.bytes) == (0, 0)
    assert [path.suffix for path in tmp_path.iterdir()] == [".spoilt"]


def test_the_oldest_go_but_never_the_one_that_is_under_way(tmp_path: Path) -> None:
    """It may have arrived: counting it as lost could be wrong."""
    spool = opened(tmp_path, limit=3 * 112)
    for number in (1, 2, 3):
        spool.put(batch(number))
    assert spool.excess(100, keep=None) == [batch(1).mark]
    assert spool.excess(100, keep=1) == [batch(2).mark]
    assert spool.excess(200, keep=1) == [batch(2).mark, batch(3).mark]


def test_many_small_batches_are_bounded_too(tmp_path: Path) -> None:
    """Each takes a block of the disk, whatever is in it."""
    spool = Spool(tmp_path, most=3)
    for number in (1, 2, 3):
        spool.put(batch(number, size=1))
    assert spool.excess(1, keep=None) == [batch(1).mark]
    assert spool.excess(1, keep=1) == [batch(2).mark]
    spool.remove(batch(2).mark)
    assert spool.excess(1, keep=None) == []


def test_noted_losses_outlive_the_process(tmp_path: Path) -> None:
    """Until they are told; a spoilt note tells nothing."""
    spool = opened(tmp_path)
    spool.note({86_400_000: 7})
    spool.close()
    again = Spool(tmp_path)
    assert again.open() == {86_400_000: 7}
    (tmp_path / "losses.json").write_bytes(b"\0")
    again.close()
    assert again.open() == {}
    again.note({})
    assert list(tmp_path.iterdir()) == []


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """They say who read what."""
    spool = opened(tmp_path / "spool")
    spool.put(batch(1))
    (path,) = (tmp_path / "spool").glob("*.batch")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_directory_is_one_agents_alone(tmp_path: Path) -> None:
    """Two would clear each other's drafts away and count what the other one sent as lost."""
    first, second = opened(tmp_path), Spool(tmp_path)
    draft = tmp_path / "0000000000000001-1.tmp"
    draft.write_bytes(b"the first is writing")
    first.note({86_400_000: 7})
    for attempt in (second.open, lambda: second.put(batch(1)), lambda: second.note({})):
        with pytest.raises(BlockingIOError, match=r"give each its own agent\.state_dir"):
            attempt()
    assert sorted(path.name for path in tmp_path.iterdir()) == [draft.name, "losses.json"]
    first.close()
    second.put(batch(1))
    assert len(second) == 1


def test_a_spoilt_file_that_cannot_be_moved_is_no_part_of_the_spool_either(tmp_path: Path) -> None:
    """A disk that spoils files becomes read-only, too; who reads is told of the file, not of the disk."""
    spool = opened(tmp_path)
    spool.put(batch(1))
    (path,) = tmp_path.glob("*.batch")
    path.write_bytes(b"spoilt")
    path.with_suffix(".spoilt").mkdir()
    (path.with_suffix(".spoilt") / "in the way").touch()
    with pytest.raises(SpoiltBatch):
        spool.read(batch(1).mark)
    assert len(spool) == 0


def test_a_file_that_cannot_be_opened_for_now_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that has no descriptor left has lost no records."""
    spool = opened(tmp_path)
    spool.put(batch(1))

    def refused(_: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refused)
        with pytest.raises(OSError, match="Too many open files"):
            spool.read(batch(1).mark)
    assert spool.read(batch(1).mark) == batch(1)
