"""Manifests as people and samplers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.application.mount.manifest import ManifestEntry, ManifestError, parse_manifest


def parsed(text: str) -> list[ManifestEntry]:
    """Parse all of it."""
    return list(parse_manifest(text.splitlines(keepends=True)))


def test_one_path_a_line_in_order() -> None:
    """Comments and empty lines are no entries; spaces belong to the path; Windows line ends do not."""
    text = "# epoch 1\n/s3/b.tar\n\n/s3/a file .tar\r\n   \n/s3/b.tar\n"
    assert [entry.path for entry in parsed(text)] == ["/s3/b.tar", "/s3/a file .tar", "/s3/b.tar"]


def test_ranges_after_a_tab_include_their_last_byte() -> None:
    """As in HTTP: 0-99 is a hundred bytes; an open range goes to the end."""
    assert parsed("/a\t0-99\n/b\t0-0, 4096-8191,100000-\n") == [
        ManifestEntry("/a", ((0, 100),)),
        ManifestEntry("/b", ((0, 1), (4096, 8192), (100000, None))),
    ]


def test_json_lines_mean_the_same() -> None:
    """A line that starts with a brace; mixed with text lines."""
    assert parsed('{"path": "/a", "ranges": [[0, 99], [200, null]]}\n/b\n{"path": "#c"}\n') == [
        ManifestEntry("/a", ((0, 100), (200, None))),
        ManifestEntry("/b"),
        ManifestEntry("#c"),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/a\t", "no range after the TAB"),
        ("\t0-1", "no path"),
        ("/a\t5", "start-end"),
        ("/a\t-5", "start-end"),
        ("/a\t9-5", "ends before it starts"),
        ("/a\t0-1;2-3", "start-end"),
        ('{"path": "/a"', "not JSON"),
        ('{"path": 3}', "path must be"),
        ('{"ranges": []}', "path must be"),
        ('{"path": "/a", "range": []}', "unknown field 'range'"),
        ('{"path": "/a", "ranges": [[1]]}', r"\[start, end\]"),
        ('{"path": "/a", "ranges": [["0", "1"]]}', r"\[start, end\]"),
        ('{"path": "/a", "ranges": [[-1, 5]]}', "ends before"),
        ('{"path": "/a", "ranges": {}}', None),
        ('{"path": "/a", "ranges": {"0": 1}}', "ranges must be a list"),
    ],
)
def test_a_bad_line_is_named_by_its_number(line: str, words: str | None) -> None:
    """The number counts every line of the file, comments too."""
    text = f"# comment\n\n/fine\n{line}\n/after\n"
    if words is None:  # an empty object means no ranges, like null
        assert len(parsed(text)) == 3
        return
    with pytest.raises(ManifestError, match=words) as raised:
        parsed(text)
    assert raised.value.line == 4
    assert str(raised.value).startswith("line 4: ")


@given(
    st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1),
    st.lists(st.tuples(st.integers(0, 1 << 50), st.integers(0, 1 << 40))),
)
def test_any_path_survives(path: str, spans: list[tuple[int, int]]) -> None:
    """What a sampler writes down is what is fetched."""
    ranges = tuple((start, start + length + 1) for start, length in spans)
    line = "/" + path
    if ranges:
        line += "\t" + ",".join(f"{start}-{stop - 1}" for start, stop in ranges)
    assert list(parse_manifest([line + "\n"])) == [ManifestEntry("/" + path, ranges)]
