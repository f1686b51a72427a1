"""Variables in values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.entrypoints.settings.expansion import expand

ENVIRON = {"A": "x", "EMPTY": "", "NEST": "${A}"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${A}", "x"),
        ("-${A}-${A}-", "-x-x-"),
        ("${EMPTY}", ""),
        ("${NONE:-y}", "y"),
        ("${EMPTY:-y}", "y"),
        ("${A:-y}", "x"),
        ("${NONE:-}", ""),
        ("${NONE:-a:-b c}", "a:-b c"),
        ("$${A}", "${A}"),
        ("pa$$word$", "pa$$word$"),
        ("$A", "$A"),
        ("${NEST}", "${A}"),
    ],
)
def test_variables_expand_once(text: str, expanded: str) -> None:
    """What a variable holds is not expanded again, and a lone "$" stands for itself."""
    assert expand(text, ENVIRON) == expanded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${B} ${C} ${B}", "environment variable B, C, which is not set"),
        ("${A", "without"),
        ("${}", "names no variable"),
        ("${1A}", "names no variable"),
        ("${A-b}", "names no variable"),
    ],
)
def test_what_cannot_be_expanded_is_said(text: str, message: str) -> None:
    """All missing variables are named; half a variable is never taken literally."""
    with pytest.raises(ValueError, match=message):
        expand(text, ENVIRON)


@given(text=st.text().filter(lambda text: "${" not in text))
def test_texts_without_variables_stay_as_they_are(text: str) -> None:
    """Whatever a password holds, it survives."""
    assert expand(text, {}) == text


@given(text=st.text())
def test_any_text_can_be_written_literally(text: str) -> None:
    """Writing "$${" for "${" keeps every text from being expanded."""
    assume_plain = text.replace("$${", "")
    literal = assume_plain.replace("${", "$${")
    if "$$${" not in literal:
        assert expand(literal, {}) == assume_plain
