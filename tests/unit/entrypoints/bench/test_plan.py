"""Which bytes each reader reads."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.entrypoints.bench.plan import File, Pattern, Piece, Share, collect, deal, pieces


def listed(**sizes: int) -> list[File]:
    """Return files of these sizes."""
    return [File(name, size, name) for name, size in sizes.items()]


FILES = listed(a=10, b=25, c=1, d=40)


def test_directories_are_collected_wholly_and_in_name_order(tmp_path: Path) -> None:
    """Empty files have nothing to read; raw names count; a file may be named singly, and twice counts once."""
    for name, size in ((b"b/2", 2), (b"b/1", 1), (b"a/x", 3), (b"a/empty", 0), (b"z\xff", 4)):
        path = Path(os.fsdecode(bytes(tmp_path) + b"/tree/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"." * size)
    found = collect([tmp_path / "tree", tmp_path / "tree" / "a" / "x"])
    assert [(os.path.relpath(path, tmp_path / "tree"), file.size) for path, file in found.items()] == [
        ("z\udcff", 4),
        ("a/x", 3),
        ("b/1", 1),
        ("b/2", 2),
    ]
    assert [file.name for file in collect([tmp_path / "tree" / "b"]).values()] == ["1", "2"]


def test_an_absent_path_is_an_error(tmp_path: Path) -> None:
    """Not an empty result."""
    with pytest.raises(FileNotFoundError):
        collect([tmp_path / "none"])


def test_files_are_dealt_like_shards() -> None:
    """Every reader gets every nth file, whole."""
    assert deal(FILES, 2, 10) == [[Share("a", 0, 10), Share("c", 0, 1)], [Share("b", 0, 25), Share("d", 0, 40)]]


def test_fewer_files_than_readers_are_cut_at_chunks() -> None:
    """Each reader gets a run of its own; one for whom no chunk is left gets none."""
    assert deal(listed(big=95), 4, 30) == [
        [Share("big", 0, 30)],
        [Share("big", 30, 60)],
        [Share("big", 60, 90)],
        [Share("big", 90, 95)],
    ]
    assert [len(hand) for hand in deal(listed(small=5), 4, 30)] == [0, 0, 0, 1]


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=8), st.integers(1, 12), st.integers(1, 300), st.booleans())
def test_all_readers_together_read_every_byte_once(sizes: list[int], readers: int, chunk: int, shuffled: bool) -> None:
    """One pass, in order or shuffled, whatever the sizes."""
    files = listed(**{f"f{number}": size for number, size in enumerate(sizes)})
    seen: Counter[tuple[str, int]] = Counter()
    for hand in deal(files, readers, chunk):
        for piece in pieces(hand, "shuffled" if shuffled else "sequential", chunk, random.Random(1)):
            assert 0 < piece.length <= chunk
            seen.update((piece.path, byte) for byte in range(piece.offset, piece.offset + piece.length))
    assert seen == Counter({(path, byte): 1 for path, size, _ in files for byte in range(size)})


def test_sequential_is_in_order_and_shuffled_keeps_each_file_in_order() -> None:
    """What differs is the order of the files."""
    shares = [Share(str(number), 0, 30) for number in range(20)]
    in_order = list(pieces(shares, "sequential", 10, random.Random(1)))
    shuffled = list(pieces(shares, "shuffled", 10, random.Random(1)))
    assert in_order[:4] == [Piece("0", 0, 10), Piece("0", 10, 10), Piece("0", 20, 10), Piece("1", 0, 10)]
    assert shuffled != in_order
    assert [piece.offset for piece in shuffled] == [0, 10, 20] * 20


def test_random_stays_inside_the_shares_and_reads_as_many_chunks() -> None:
    """Pieces at chunk boundaries of the share, the last one short."""
    shares = [Share("a", 20, 45), Share("b", 0, 10)]
    drawn = [piece for seed in range(50) for piece in pieces(shares, "random", 10, random.Random(seed))]
    assert len(drawn) == 50 * 4
    assert set(drawn) == {Piece("a", 20, 10), Piece("a", 30, 10), Piece("a", 40, 5), Piece("b", 0, 10)}


@pytest.mark.parametrize("pattern", ["shuffled", "random"])
def test_the_same_seed_gives_the_same_order(pattern: Pattern) -> None:
    """So that two mounts can be compared."""
    shares = [Share(str(number), 0, 50) for number in range(10)]
    first = list(pieces(shares, pattern, 10, random.Random(7)))
    assert first == list(pieces(shares, pattern, 10, random.Random(7)))
