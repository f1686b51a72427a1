"""YAML as texts with lines."""

from pathlib import Path

import pytest

from warpdrive.entrypoints.settings.document import Mapping, Scalar, Sequence, parse_document, read_document
from warpdrive.entrypoints.settings.faults import SettingsError


def scalar_of(text: str) -> Scalar:
    """Parse `a: TEXT` and return the value."""
    document, faults = parse_document(f"a: {text}".encode())
    faults.raise_if_any()
    value = document.items["a"]
    assert isinstance(value, Scalar)
    return value


@pytest.mark.parametrize("text", ["022", "on", "1:30", "2024-01-01", "1_000", "0x10", ".inf", "yes", "="])
def test_yaml_never_guesses(text: str) -> None:
    """A value stays the text that somebody wrote."""
    assert scalar_of(text).text == text


@pytest.mark.parametrize(("text", "null"), [("", True), ("~", True), ("null", True), ('""', False), ("'null'", False)])
def test_nothing_is_told_from_an_empty_text(text: str, null: bool) -> None:
    """An unquoted nothing is null, a quoted one is a text."""
    assert scalar_of(text).null is null


def test_lines_and_structure_are_kept() -> None:
    """Every node knows its line, aliases are the node that they name."""
    document, faults = parse_document(b"a: &x\n  - 1\n  - k: v\nb: *x\n")
    faults.raise_if_any()
    expected = Sequence((Scalar("1", 2), Mapping({"k": Scalar("v", 3)}, 3)), 1)  # where its anchor stands
    assert document.items == {"a": expected, "b": expected}


@pytest.mark.parametrize("raw", [b"", b"# only words\n", b"---\n", b"null\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_empty_mapping(raw: bytes) -> None:
    """What is missing is then said key by key."""
    assert parse_document(raw)[0].items == {}


@pytest.mark.parametrize(
    ("raw", "message", "line"),
    [
        (b"a: 1\nb: [1\n", "is not valid YAML", 3),
        (b"a: 1\n\tb: 2\n", "is not valid YAML", 2),
        (b"a: 1\n--- \nb: 2\n", "is not valid YAML", 2),
        (b"a: *nowhere\n", "is not valid YAML", 1),
        (b"a: \xff\n", "is not UTF-8", None),
        (b"a: \x01\n", "character #x0001", None),
        (b'a: "\\UFFFFFFFF"\n', "is not valid YAML", None),
        (b"- a\n", "must be keys with values", None),
        (b"word\n", "must be keys with values", None),
        (b"a: &x\n  b: *x\n", "contains itself", 1),
        (b"[" * 5000, "nested too deeply", None),
        (b"a: " + b"{b: " * 60 + b"1" + b"}" * 60, "nested too deeply", 1),
        (b"#" * (4 * 1024 * 1024 + 1), "larger than 4 MiB", None),
    ],
)
def test_what_is_no_document_is_said_with_its_line(raw: bytes, message: str, line: int | None) -> None:
    """Nothing but SettingsError comes out of bad text."""
    with pytest.raises(SettingsError, match=message) as caught:
        parse_document(raw)
    assert caught.value.faults[0].line == line


def test_aliases_that_multiply_are_stopped() -> None:
    """A few lines that stand for billions of values cost nothing."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(SettingsError, match="too many values"):
        parse_document("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("raw", "path", "message"),
    [
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "b.c", "is given twice, first on line 3"),
        (b"a: &x {k: 1}\nb:\n  <<: *x\n", "b.<<", "merge keys"),
        (b"a: !!python/object/apply:os.system [x]\n", "a", "YAML tag"),
        (b"a: !secret x\n", "a", "YAML tag"),
        (b"a:\n  [1, 2]: x\n", "a", "a key that is not a word"),
    ],
)
def test_what_yaml_would_let_pass_is_a_fault(raw: bytes, path: str, message: str) -> None:
    """Repeated keys, merges, tags and odd keys do not pass, and do not hide other faults."""
    _, faults = parse_document(raw)
    with pytest.raises(SettingsError, match=message) as caught:
        faults.raise_if_any()
    assert [fault.path for fault in caught.value.faults] == [path]


def test_a_syntax_fault_repeats_no_line_of_the_file() -> None:
    """The line may hold a secret."""
    with pytest.raises(SettingsError) as caught:
        parse_document(b'password: "s3cret\n  oops: [\n')
    assert "s3cret" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """A missing file, a directory and an impossible name are told like any other fault."""
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_document(path)
