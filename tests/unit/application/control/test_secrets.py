"""Callers' secrets."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.application.control.secrets import make_secret, parse_secret


@given(st.uuids(), st.binary(min_size=32, max_size=32))
def test_a_secret_is_read_back_from_its_text(token_id: UUID, random: bytes) -> None:
    """What the bearer sends leads to the same token and the same digest."""
    secret = make_secret(token_id, random)
    shown = parse_secret(secret.text)
    assert shown == secret
    assert shown is not None
    assert shown.digest == secret.digest
    assert len(secret.digest) == 64


def test_a_secret_does_not_show_its_random_part() -> None:
    """A log line or traceback that has the object has not the secret."""
    secret = make_secret(UUID(int=1), b"\xff" * 32)
    assert secret.random not in repr(secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wd_",
        "Bearer",
        "wd_" + "0" * 32,
        "wd_" + "0" * 32 + "_" + "a" * 42,
        # A digit, but none of ASCII's.
        "wd_" + "\u0660" * 32 + "_" + "a" * 43,
    ],
)
def test_what_was_never_a_secret_of_ours_is_none(text: str) -> None:
    """Nothing is looked up for it."""
    assert parse_secret(text) is None


@given(st.text())
def test_no_text_breaks_the_parsing(text: str) -> None:
    """Whatever a caller sends is a secret or is not."""
    parse_secret(text)
