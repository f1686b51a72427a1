"""Paths before the framework sees them."""

import pytest

from warpdrive.adapters.rest.front import encoded_path


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"/api/v1/namespaces", "/api/v1/namespaces"),
        (b"/api/v1/%6eamespaces/a%2fb", "/api/v1/namespaces/a%2Fb"),
        (b"/a/%", "/a/%25"),
        (b"/a/b:c@d", "/a/b:c@d"),
        (b"/a/\xff", "/a/%FF"),
    ],
)
def test_a_path_has_one_spelling(raw: bytes, path: str) -> None:
    """Whatever was encoded without need is plain, and a slash in a name stays encoded."""
    assert encoded_path(raw) == path


@pytest.mark.parametrize("raw", [b"//", b"/a/", b"/a//b", b"//a"])
def test_an_empty_segment_leads_nowhere(raw: bytes) -> None:
    """No route holds a NUL."""
    assert encoded_path(raw) == "/%00"
