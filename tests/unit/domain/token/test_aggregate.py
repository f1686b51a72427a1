"""The Token: given events, when a command, then events; and whenever it is asked, it is valid or it is not."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.replay import assert_snapshot_is_the_same, names_of, replay
from warpdrive.domain.token.aggregate import Token
from warpdrive.domain.token.errors import InvalidRevocation, InvalidTokenGrant, TokenRevoked
from warpdrive.domain.token.values import Role, TokenGrant

ID = UUID("5a1f6c8e-0000-4000-8000-000000000001")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DIGEST = sha256(b"a secret of 256 bits, were this not a test").hexdigest()


def issued(**fields: Any) -> Token:
    """Issue a viewer's token unless said otherwise."""
    return Token.issue(ID, TokenGrant(**{"role": Role.VIEWER, "digest": DIGEST, **fields}), at=AT)


def test_a_token_is_issued_with_what_it_grants() -> None:
    """Issuing is one event; it holds the digest and never the secret."""
    grant = TokenGrant(Role.AGENT, DIGEST, ("speech", "vision"), ("t",), "gpu-7", "rack 4", AT + SECOND)
    token = Token.issue(ID, grant, at=AT)
    assert (token.id, token.grant, token.revoked) == (ID, grant, False)
    (event,) = token.collect_events()
    assert isinstance(event, Token.Issued)
    assert event.grant["digest"] == DIGEST
    assert event.timestamp == AT


def test_scopes_are_sets() -> None:
    """The same names in another order, or twice, are the same scope; none means all."""
    assert (
        issued(namespaces=("b", "a", "b"), teams=("x", "x")).grant == issued(namespaces=("a", "b"), teams=("x",)).grant
    )
    assert issued().grant.namespaces == ()


@pytest.mark.parametrize("role", Role)
def test_agents_and_only_agents_name_a_node(role: Role) -> None:
    """An agent's token is for one node, and no other token is for any."""
    nodes = {"gpu-7", ""}
    right = "gpu-7" if role is Role.AGENT else ""
    (wrong,) = nodes - {right}
    assert issued(role=role, node=right).grant.role is role
    with pytest.raises(InvalidTokenGrant) as caught:
        issued(role=role, node=wrong)
    assert caught.value.field == "node"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"digest": ""}, "digest"),
        ({"digest": DIGEST.upper()}, "digest"),
        ({"digest": DIGEST + "\n"}, "digest"),
        ({"digest": DIGEST[:-1]}, "digest"),
        ({"namespaces": ("",)}, "namespaces"),
        ({"namespaces": ("a\nb",)}, "namespaces"),
        ({"teams": ("\udcff",)}, "teams"),
        ({"role": Role.AGENT, "node": "a\nb"}, "node"),
        ({"note": "\0"}, "note"),
        ({"note": "x" * 1001}, "note"),
        ({"expires_at": AT}, "expiry"),
        ({"expires_at": AT - SECOND}, "expiry"),
    ],
)
def test_a_grant_that_cannot_be_right_is_refused(fields: dict[str, Any], named: str) -> None:
    """The error names the field and never repeats a digest."""
    with pytest.raises(InvalidTokenGrant) as caught:
        issued(**fields)
    assert caught.value.field == named
    assert caught.value.reason in str(caught.value)
    assert DIGEST[:-1] not in str(caught.value).lower()


def test_a_revoked_token_is_valid_no_more() -> None:
    """Given a token, when it is revoked, then it opens nothing; and it is revoked once."""
    token = issued()
    assert token.is_valid(AT)
    token.revoke("lost", at=AT + SECOND)
    assert not token.is_valid(AT + SECOND)
    assert names_of(token) == ["Issued", "Revoked"]
    with pytest.raises(TokenRevoked) as caught:
        token.revoke("again", at=AT)
    assert caught.value.token_id == str(ID)
    assert token.version == 2


def test_an_expired_token_may_be_revoked() -> None:
    """It opens nothing anyway, but a list should say that it was taken back."""
    token = issued(expires_at=AT + SECOND)
    token.revoke("tidy", at=AT + 2 * SECOND)
    assert token.revoked


@pytest.mark.parametrize("reason", ["\0", "\udcff", "x" * 1001])
def test_a_revocation_has_words_that_can_be_kept(reason: str) -> None:
    """What cannot be stored is refused before anything happens."""
    token = issued()
    with pytest.raises(InvalidRevocation):
        token.revoke(reason, at=AT)
    assert token.is_valid(AT)


def test_a_moment_without_a_zone_is_refused() -> None:
    """Issue, expiry, revocation and question each need a zone."""
    naive = AT.replace(tzinfo=None)
    token = issued(expires_at=AT + SECOND)
    with pytest.raises(ValueError, match="time zone"):
        Token.issue(ID, token.grant, at=naive)
    with pytest.raises(ValueError, match="time zone"):
        issued(expires_at=naive)
    with pytest.raises(ValueError, match="time zone"):
        token.revoke("", at=naive)
    with pytest.raises(ValueError, match="time zone"):
        token.is_valid(naive)


@given(
    expires=st.none() | st.integers(1, 5),
    revoked=st.none() | st.integers(0, 5),
    asked=st.integers(0, 6),
)
def test_validity_is_the_plain_rule_and_replay_agrees(expires: int | None, revoked: int | None, asked: int) -> None:
    """Valid is: not revoked, and before the expiry; the stored events and a snapshot say the same."""
    token = issued(expires_at=None if expires is None else AT + expires * SECOND)
    if revoked is not None:
        token.revoke("", at=AT + revoked * SECOND)
    expected = revoked is None and (expires is None or asked < expires)
    moment = AT + asked * SECOND
    assert token.is_valid(moment) is expected
    assert replay(Token, token.pending_events).is_valid(moment) is expected
    assert_snapshot_is_the_same(token)
