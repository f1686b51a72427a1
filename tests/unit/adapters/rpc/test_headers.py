"""Request headers: what becomes a call, and what is passed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.adapters.rpc.headers import Headers, passed_on, refusal_of, timeout_header, timeout_of

METHODS = {"/a.B/C"}
GOOD = [
    (":method", "POST"),
    (":path", "/a.B/C"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
]


@pytest.mark.parametrize(
    ("text", "seconds"), [("1H", 3600.0), ("2M", 120.0), ("3S", 3.0), ("4m", 0.004), ("5u", 5e-6), ("6n", 6e-9)]
)
def test_every_unit_of_a_timeout_is_known(text: str, seconds: float) -> None:
    """Hours to nanoseconds."""
    assert timeout_of([("grpc-timeout", text)]) == pytest.approx(seconds)


def test_of_several_timeouts_the_shortest_counts() -> None:
    """A proxy may have added its own."""
    assert timeout_of([("grpc-timeout", "9S"), ("grpc-timeout", "50m")]) == pytest.approx(0.05)
    assert timeout_of([("te", "trailers")]) is None


@pytest.mark.parametrize("text", ["", "1", "S", "-1S", "+1S", "1.5S", "123456789S", "1 S", "1s", "\u0661S", "1S\n"])
def test_what_is_no_timeout_is_refused(text: str) -> None:
    """At most eight ASCII digits and a unit, as the specification has it."""
    with pytest.raises(ValueError, match="grpc-timeout"):
        timeout_of([("grpc-timeout", text)])
    refusal = refusal_of([*GOOD, ("grpc-timeout", text)], METHODS)
    assert refusal is not None
    assert refusal.status.name == "INVALID_ARGUMENT"


@given(st.floats(min_value=0.001, max_value=1e9))
def test_a_timeout_that_is_passed_on_can_be_read_and_is_never_longer(seconds: float) -> None:
    """It is written in milliseconds where eight digits allow it."""
    read = timeout_of([timeout_header(seconds)])
    assert read is not None
    assert read <= seconds + 1e-6
    assert read >= min(seconds - 1.0, 99_999_999) or read >= seconds - 0.001


def test_binary_metadata_and_the_clients_timeout_are_not_passed_on() -> None:
    """Ours replaces it; everything else stays as it was, in order."""
    headers: Headers = [*GOOD, ("x-bin", "!"), ("grpc-timeout", "5S"), ("authorization", "Bearer x")]
    assert passed_on(headers, timeout=2.0) == [*GOOD, ("authorization", "Bearer x"), ("grpc-timeout", "2000m")]
    assert passed_on(headers, timeout=None) == [*GOOD, ("authorization", "Bearer x")]


def test_good_headers_are_not_refused() -> None:
    """With and without the codec's name."""
    assert refusal_of(GOOD, METHODS) is None
    assert refusal_of([*GOOD[:3], ("content-type", "application/grpc+proto")], METHODS) is None
    assert refusal_of([*GOOD, ("grpc-encoding", "identity")], METHODS) is None
