"""Texts that events carry: what names something, what is kept as words, what UTF-8 holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.content.texts import escaped, is_tenant_id, storable, why_no_label, why_no_note, why_no_word

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a\0b", "a\nb", "\udcff", "x" * 256])
def test_a_label_is_printable_and_does_as_a_file_name(text: str) -> None:
    """What a list cannot print on one line, or a path cannot hold, is no name."""
    assert why_no_label(text) is not None


@pytest.mark.parametrize("text", ["", "a\nb", "a\0", "\udcff", "x" * 256])
def test_a_word_is_printable_and_bounded(text: str) -> None:
    """A word that stands for something elsewhere is printed and compared."""
    assert why_no_word(text) is not None


def test_what_is_fine_has_no_reason() -> None:
    """Labels, words and notes that people write."""
    assert why_no_label("données 2012") is None
    assert why_no_word("user:ann@example.org/x") is None
    assert why_no_note("") is None
    assert why_no_note("two\nlines") is None


@pytest.mark.parametrize("text", ["\0", "\udc80", "x" * 1001])
def test_a_note_is_storable_and_bounded(text: str) -> None:
    """A note goes into bytes and into text columns."""
    assert why_no_note(text) is not None


@pytest.mark.parametrize(("text", "expected"), [("", True), ("日\n", True), ("a\0b", False), ("a\udcff", False)])
def test_what_no_text_column_holds_cannot_be_stored(text: str, *, expected: bool) -> None:
    """Events are bytes and would hold it; the rows made of them would not."""
    assert storable(text) is expected


@given(ANYTHING)
def test_whatever_is_escaped_can_be_stored(text: str) -> None:
    """No fact is lost because of the characters in it, and what can be stored as it is stays as it is."""
    written = escaped(text)
    assert storable(written)
    if storable(text):
        assert written == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("72f988bf-86f1-41af-91ab-2d7cd011db47", True),
        ("72F988BF-86F1-41AF-91AB-2D7CD011DB47", False),
        ("72f988bf86f141af91ab2d7cd011db47", False),
        ("contoso.onmicrosoft.com", False),
        ("", False),
    ],
)
def test_a_tenant_id_has_one_spelling(text: str, *, expected: bool) -> None:
    """Ids are compared as texts, so only one spelling is let in."""
    assert is_tenant_id(text) is expected
