"""Names, keys and paths."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.content.paths import (
    HiddenReason,
    components,
    is_normal,
    join,
    name_bytes,
    name_length,
    normalise_mount_path,
    split,
    why_hidden,
    why_prefix_hidden,
)

RAW_NAMES = st.binary(min_size=1, max_size=300).filter(lambda raw: b"/" not in raw)


@pytest.mark.parametrize(
    ("key", "below", "reason"),
    [
        ("a", "", None),
        ("a/b/c", "", None),
        ("...", "", None),
        (".hidden", "", None),
        ("a b\n", "", None),
        ("x" * 255, "", None),
        ("é" * 127, "", None),
        ("", "", HiddenReason.EMPTY_COMPONENT),
        ("/a", "", HiddenReason.ABSOLUTE),
        ("/", "", HiddenReason.ABSOLUTE),
        ("a//b", "", HiddenReason.EMPTY_COMPONENT),
        ("a/", "", HiddenReason.EMPTY_COMPONENT),
        ("a/", "a/", HiddenReason.EMPTY_COMPONENT),
        ("a//b", "a/", HiddenReason.EMPTY_COMPONENT),
        ("..", "", HiddenReason.DOT_COMPONENT),
        ("a/./b", "", HiddenReason.DOT_COMPONENT),
        ("a/../b", "a/", HiddenReason.DOT_COMPONENT),
        ("a/../b", "a/../", None),
        ("a\0b", "", HiddenReason.NUL),
        ("x" * 256, "", HiddenReason.TOO_LONG),
        ("é" * 128, "", HiddenReason.TOO_LONG),
        ("d/" + "x" * 256 + "/f", "d/", HiddenReason.TOO_LONG),
        ("\ud800", "", HiddenReason.NOT_A_NAME),
        ("\udcff", "", None),
    ],
)
def test_a_key_is_hidden_exactly_when_it_cannot_be_a_name(key: str, below: str, reason: HiddenReason | None) -> None:
    """R4: only what comes after the listed directory is judged, component by component."""
    assert why_hidden(key, below) is reason


@pytest.mark.parametrize(
    ("prefix", "below", "reason"),
    [
        ("a/", "", None),
        ("a/b/", "a/", None),
        ("/", "", HiddenReason.ABSOLUTE),
        ("a//", "a/", HiddenReason.EMPTY_COMPONENT),
        ("../", "", HiddenReason.DOT_COMPONENT),
    ],
)
def test_a_sub_prefix_is_judged_without_its_last_slash(prefix: str, below: str, reason: HiddenReason | None) -> None:
    """The "/" that ends every listed prefix is not an empty component."""
    assert why_prefix_hidden(prefix, below) is reason


@given(raw=RAW_NAMES)
def test_hiding_agrees_with_what_posix_allows_for_raw_bytes(raw: bytes) -> None:
    """Any bytes but NUL and "/" up to 255 of them are a name, except "." and ".."."""
    allowed = len(raw) <= 255 and b"\0" not in raw and raw not in {b".", b".."}
    assert (why_hidden(os.fsdecode(raw)) is None) == allowed


@given(raw=RAW_NAMES)
def test_raw_names_survive_the_round_trip(raw: bytes) -> None:
    """Bytes that are not UTF-8 come back unchanged and are counted as bytes."""
    assert name_bytes(os.fsdecode(raw)) == raw
    assert name_length(os.fsdecode(raw)) == len(raw)


@given(
    names=st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), max_size=4)
)
def test_join_and_split_undo_each_other(names: list[str]) -> None:
    """Joining names from the root and splitting again gives them back in reverse."""
    path = "/"
    for name in names:
        parent, path = path, join(path, name)
        assert split(path) == (parent, name)
    assert components(path) == tuple(names)
    assert join(path, "") == path


def test_the_root_splits_into_itself() -> None:
    """The root has no name."""
    assert split("/") == ("/", "")
    assert components("/") == ()


@pytest.mark.parametrize(
    ("typed", "path"),
    [("/", "/"), ("data", "/data"), ("/data/", "/data"), ("//a///b//", "/a/b"), ("/a/...", "/a/...")],
)
def test_mount_paths_are_normalised(typed: str, path: str) -> None:
    """Slashes too many or too few do not matter."""
    assert normalise_mount_path(typed) == path
    assert is_normal(path)


@pytest.mark.parametrize("typed", ["", "/a/../b", ".", "/a\0", "/" + "x" * 256])
def test_a_mount_path_that_cannot_be_is_refused(typed: str) -> None:
    """Components like ".." and impossible names are never guessed away."""
    with pytest.raises(ValueError, match=r"empty|component|NUL"):
        normalise_mount_path(typed)


@given(typed=st.text(max_size=30))
def test_normalising_gives_normal_paths_or_a_refusal(typed: str) -> None:
    """Whatever is typed, the result is normal and normalising it again changes nothing."""
    try:
        path = normalise_mount_path(typed)
    except ValueError:
        return
    assert is_normal(path)
    assert normalise_mount_path(path) == path
