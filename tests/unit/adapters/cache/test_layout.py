"""The cache directory: who may own it and what it may hold."""

import subprocess
import sys
from pathlib import Path

import pytest

from warpdrive.adapters.cache.errors import CacheForeign, CacheFormatUnknown, CacheInUse, CacheUnusable
from warpdrive.adapters.cache.layout import CacheDirectory, object_id
from warpdrive.application.ports.page_cache import ContentId


def test_a_new_directory_is_made(tmp_path: Path) -> None:
    """Missing parents are created and the format is written."""
    directory = CacheDirectory.claim(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "FORMAT").read_text() == "warpdrive page cache, format 1\n"
    directory.release()
    CacheDirectory.claim(tmp_path / "a" / "b").release()


def test_the_root_of_a_fresh_file_system_is_accepted(tmp_path: Path) -> None:
    """`lost+found` is the file system's own."""
    (tmp_path / "lost+found").mkdir()
    CacheDirectory.claim(tmp_path).release()


def test_an_interrupted_first_start_is_continued(tmp_path: Path) -> None:
    """A lock and a half-written format are ours."""
    (tmp_path / "LOCK").touch()
    (tmp_path / "FORMAT.new").touch()
    CacheDirectory.claim(tmp_path).release()


def test_a_directory_with_foreign_files_is_refused(tmp_path: Path) -> None:
    """Nothing is written next to somebody else's files."""
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(CacheForeign, match=r"thesis\.tex"):
        CacheDirectory.claim(tmp_path)
    assert [found.name for found in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("words", ["", "something else 1\n"])
def test_a_foreign_format_file_is_refused(tmp_path: Path, words: str) -> None:
    """A FORMAT that we did not write is left as it is."""
    (tmp_path / "FORMAT").write_text(words)
    with pytest.raises(CacheForeign):
        CacheDirectory.claim(tmp_path)
    assert (tmp_path / "FORMAT").read_text() == words


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """The error names both formats; the directory is untouched."""
    (tmp_path / "FORMAT").write_text("warpdrive page cache, format 99\n")
    with pytest.raises(CacheFormatUnknown, match="99") as caught:
        CacheDirectory.claim(tmp_path)
    assert caught.value.supported == 1
    assert [found.name for found in tmp_path.iterdir()] == ["FORMAT"]


def test_a_path_that_is_a_file_is_unusable(tmp_path: Path) -> None:
    """The disk's own words reach the operator."""
    (tmp_path / "file").touch()
    with pytest.raises(CacheUnusable, match="exists"):
        CacheDirectory.claim(tmp_path / "file")


def test_a_directory_has_one_owner(tmp_path: Path) -> None:
    """A second process is told who holds it, and takes over once that one is gone."""
    program = (
        "import sys; from pathlib import Path; from warpdrive.adapters.cache.layout import CacheDirectory;"
        "held = CacheDirectory.claim(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(CacheInUse, match=f"process {owner.pid}") as caught:
            CacheDirectory.claim(tmp_path)
        assert caught.value.holder == owner.pid
        owner.communicate("")
    CacheDirectory.claim(tmp_path).release()


def test_names_depend_on_every_field_and_its_cut() -> None:
    """No two different contents share a name by moving bytes between fields."""
    names = {
        object_id(ContentId(*fields)) for fields in [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c")]
    }
    assert len(names) == 4
