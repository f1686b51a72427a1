"""What travels beside requests."""

from uuid import UUID

import pytest

from warpdrive.adapters.wire.metadata import bearer, command_id, correlation_id, min_position
from warpdrive.application.control.errors import Malformed, Unauthenticated

MADE = UUID(int=5)


def make() -> UUID:
    """Make an id."""
    return MADE


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", "a\nb", "caf\u00e9", "\x00"])
def test_an_unusable_correlation_id_is_replaced(given: str) -> None:
    """What could break a log line or a header, or nobody sent, becomes a new id."""
    assert correlation_id({"x-correlation-id": given}, make) == str(MADE)


def test_a_usable_correlation_id_is_kept() -> None:
    """Up to 128 printable characters come back as they were."""
    assert correlation_id({"x-correlation-id": "job/17:step=3"}, make) == "job/17:step=3"


def test_a_bearer_is_read_whatever_its_case() -> None:
    """Schemes have no case; the secret has."""
    assert bearer({"authorization": "bearer wd_Ab"}) == "wd_Ab"
    assert bearer({}) is None


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Basic YTpi", "wd_secret", "Bearer a b", f"Bearer {'x' * 513}"]
)
def test_another_way_to_say_who_calls_is_refused(given: str) -> None:
    """A header that is no bearer token is not taken for a missing one, which `auth.mode: none` would let in."""
    with pytest.raises(Unauthenticated):
        bearer({"authorization": given})


def test_an_idempotency_key_is_a_uuid() -> None:
    """Any other text would collide sooner or later."""
    key = "0191c7a0-0000-7000-8000-000000000001"
    assert command_id({"idempotency-key": key}, make) == UUID(key)
    assert command_id({}, make) == MADE
    with pytest.raises(Malformed) as caught:
        command_id({"idempotency-key": "retry-1"}, make)
    assert caught.value.field == "idempotency-key"


@pytest.mark.parametrize("given", ["-1", "1.5", "", "\u0661", "9223372036854775808", "1" * 30, "0x1"])
def test_a_position_is_a_whole_number(given: str) -> None:
    """Whatever 64 bits cannot hold, or is no number, is refused."""
    with pytest.raises(Malformed) as caught:
        min_position({"x-warpdrive-min-position": given})
    assert caught.value.field == "x-warpdrive-min-position"


def test_no_position_waits_for_nothing() -> None:
    """0 is the beginning."""
    assert min_position({}) == 0
    assert min_position({"x-warpdrive-min-position": "9223372036854775807"}) == 2**63 - 1
