"""Pages: sizes, tokens, and what is no token of ours."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.paging import LARGEST, USUAL, page_of, page_size, page_start, page_token

_printable = st.text().filter(lambda text: text.isprintable())


def test_nothing_asked_for_is_the_usual_size() -> None:
    """Size 0, proto3's "not set", means a hundred items."""
    assert page_size(0) == USUAL


@pytest.mark.parametrize("size", [-1, LARGEST + 1, 2**31 - 1])
def test_a_size_out_of_bounds_is_refused_by_its_field(size: int) -> None:
    """A huge page would be a way to make us hold everything at once."""
    with pytest.raises(Malformed) as refused:
        page_size(size)
    assert refused.value.field == "page_size"


@given(st.lists(_printable, min_size=1, max_size=4))
def test_a_token_leads_to_where_the_page_ended(last: list[str]) -> None:
    """Whatever printable names a page ends with, its token brings them back."""
    assert page_start(page_token(last), len(last)) == last


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "ä",
        "====",
        base64.urlsafe_b64encode(b"{}").decode(),
        base64.urlsafe_b64encode(b'["a"]').decode(),
        base64.urlsafe_b64encode(b'["a", 1]').decode(),
        base64.urlsafe_b64encode(json.dumps(["a", "\0"]).encode()).decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    """Garbage, other shapes and unprintable values never reach the store."""
    with pytest.raises(Malformed) as refused:
        page_start(token, 2)
    assert refused.value.field == "page_token"


def test_only_a_page_that_is_followed_by_another_has_a_token() -> None:
    """One row more than the page holds is the sign that there are more."""
    rows = [{"name": name, "id": name * 2} for name in "abc"]
    page = page_of(rows, 2, ("name", "id"), lambda row: str(row["name"]))
    assert page.items == ("a", "b")
    assert page_start(page.next_token, 2) == ["b", "bb"]
    assert page_of(rows, 3, ("name", "id"), lambda row: str(row["name"])).next_token == ""
