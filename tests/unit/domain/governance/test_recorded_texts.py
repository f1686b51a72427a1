"""Texts as records keep them."""

from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.content.texts import escaped
from warpdrive.domain.governance.recorded_texts import LONGEST_KEY, LONGEST_WORD, recorded_key, recorded_word


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_usual_key_is_its_prefix_and_itself(prefix: str, key: str) -> None:
    """Written as the storage index writes it, so that the two meet."""
    assert recorded_key(prefix, key) == escaped(prefix + key)


def test_what_an_index_cannot_hold_is_cut_and_still_told_apart() -> None:
    """By a digest; whatever the length of a character."""
    for text in ("x" * 5_000, "\u4e2d" * 3_000, "\udc80" * 3_000):
        first, second = recorded_key("", text + "a"), recorded_key("", text + "b")
        assert first != second
        assert max(len(first.encode()), len(second.encode())) <= LONGEST_KEY
        assert len(recorded_word(text).encode()) <= LONGEST_WORD
        assert recorded_word(text) == recorded_word(text)


def test_nothing_is_written_that_a_text_column_refuses() -> None:
    """Bytes that are no UTF-8, and NUL."""
    assert recorded_key("\0", "a\udc80") == "\\x00a\\udc80"
    assert recorded_word("a\0") == "a\\x00"
