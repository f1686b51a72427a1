"""Fields from queries and paths, on messages that hold every kind."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.adapters.rest.queries import fill_from_path, fill_from_query, query_fields
from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.application.control.errors import Malformed


def message(name: str) -> Any:
    """Return an empty message of the contract."""
    return message_class(contract().pool.FindMessageTypeByName(f"warpdrive.v1.{name}"))()


def test_dots_reach_into_messages() -> None:
    """As deep as they go, in either spelling."""
    request = message("AddMountEntryRequest")
    fill_from_query(request, "entry.path=%2Fa&entry.backend.name=b&entry.policy.write=on&namespace=n+m")
    assert (request.entry.path, request.entry.backend.name, request.entry.policy.write) == ("/a", "b", "on")
    assert request.namespace == "n m"


def test_a_repeated_field_is_given_several_times() -> None:
    """In order."""
    request = message("GrantTenantAccessRequest")
    fill_from_query(request, "allowedServiceTags=a&allowed_service_tags=b&backends=%2A")
    assert (list(request.allowed_service_tags), list(request.backends)) == (["a", "b"], ["*"])


def test_moments_and_enums_are_read() -> None:
    """A moment as RFC 3339 has it, an enum by name or number."""
    grant = message("GrantTenantAccessRequest")
    fill_from_query(grant, "expiresAt=2026-01-31T08:00:00Z")
    assert grant.expires_at.ToDatetime(UTC) == datetime(2026, 1, 31, 8, tzinfo=UTC)
    for text in ("ROLE_ADMIN", "3"):
        token = message("CreateTokenRequest")
        fill_from_query(token, f"role={text}")
        assert token.role == 3


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("GrantTenantAccessRequest", "expiresAt=yesterday", "expires_at"),
        ("GrantTenantAccessRequest", "expiresAt=99999-01-01T00:00:00Z", "expires_at"),
        ("CreateTokenRequest", "role=99", "role"),
        ("CreateTokenRequest", "role=king", "role"),
        ("AddMountEntryRequest", "entry=x", "entry"),
        ("AddMountEntryRequest", "entry.backend.name=a&entry.backend.name=b", "entry.backend.name"),
        ("CreateNamespaceRequest", "entries=x", "entries"),
        ("HeartbeatRequest", "position=9223372036854775808", "position"),
        ("HeartbeatRequest", "position=0x10", "position"),
        ("HeartbeatRequest", "position=%D9%A1", "position"),
        ("ListNamespacesRequest", "&".join(["a=1"] * 1001), "query"),
    ],
)
def test_what_does_not_fit_is_named(name: str, query: str, field: str) -> None:
    """By the contract's name, with the way to it."""
    with pytest.raises(Malformed) as caught:
        fill_from_query(message(name), query)
    assert caught.value.field == field


@pytest.mark.parametrize("query", ["colour=red", "entries.path=x", "entries.backend.options.a=b", "namespace.x=1"])
def test_what_nothing_is_called_is_ignored(query: str) -> None:
    """Unknown names, and ways through what is repeated or no message."""
    request = message("ApplyNamespaceRequest")
    fill_from_query(request, query)
    assert request.ListFields() == []


def test_a_path_overwrites() -> None:
    """Percent-encoding is taken off once."""
    request = message("ApplyNamespaceRequest")
    request.namespace = "other"
    fill_from_path(request, {"namespace": "a%252Fb"})
    assert request.namespace == "a%2Fb"


def test_the_document_lists_what_a_query_can_hold() -> None:
    """Single fields, repeated texts, and what is inside messages; no lists of messages."""
    names = [name for name, _ in query_fields(message("AddMountEntryRequest").DESCRIPTOR)]
    assert names[:3] == ["namespace", "entry.path", "entry.backend.name"]
    assert [name for name, _ in query_fields(message("CreateNamespaceRequest").DESCRIPTOR)] == ["name"]


@given(query=st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_whatever_comes_is_read_or_malformed(query: str) -> None:
    """No other error leaves."""
    request = message("GrantTenantAccessRequest")
    try:
        fill_from_query(request, f"expiresAt={query}&backends={query}&{query}")
    except Malformed:
        return
    assert len(request.backends) >= 1
