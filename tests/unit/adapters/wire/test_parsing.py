"""Requests' bytes: what betterproto would accept and nobody should."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.parsing import MOST_ITEMS, MOST_MESSAGES, canonical, parse
from warpdrive.application.control.errors import Malformed

POOL = contract().pool
APPLY = POOL.FindMessageTypeByName("warpdrive.v1.ApplyNamespaceRequest")
GRANT = POOL.FindMessageTypeByName("warpdrive.v1.GrantTenantAccessRequest")
TOKEN = POOL.FindMessageTypeByName("warpdrive.v1.CreateTokenRequest")

WHOLE = bytes(
    wire.ApplyNamespaceRequest(
        namespace="train",
        entries=[wire.MountEntry("/a", wire.Backend(name="b", type="s3", options={"bucket": "x"}))],
        expected_version=7,
    )
)


def moment(seconds: int, nanos: int = 0) -> bytes:
    """Write a grant that expires at a moment."""
    message = message_class(GRANT)()
    message.expires_at.seconds = seconds  # type: ignore[attr-defined]  # the class is made at run time
    message.expires_at.nanos = nanos  # type: ignore[attr-defined]
    message.expires_at.SetInParent()  # type: ignore[attr-defined]
    return message.SerializeToString()


def refused(descriptor: object, data: bytes) -> Malformed:
    """Return the error that parsing raises."""
    with pytest.raises(Malformed) as caught:
        parse(descriptor, data)  # type: ignore[arg-type]  # descriptors have two classes in the stubs
    return caught.value


def test_a_whole_message_passes() -> None:
    """What betterproto wrote is read."""
    assert canonical(parse(APPLY, WHOLE)) == canonical(parse(APPLY, canonical(parse(APPLY, WHOLE))))


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_a_truncated_message_never_half_passes(length: int) -> None:
    """Cut anywhere, it is refused, or what is left is a message by itself (a cut between two fields)."""
    try:
        message = parse(APPLY, WHOLE[:length])
    except Malformed:
        return
    assert WHOLE.startswith(message.SerializeToString())


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a\x02\xff\xfe",
        b"\x0a\xff\xff\xff\xff\x7f",
        b"\xff",
        b"\x0b",
        b"\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    ],
    ids=["not UTF-8", "a length beyond the end", "half a tag", "an open group", "an endless length"],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    """Whatever google.protobuf does not read is INVALID_ARGUMENT, not a crash."""
    assert refused(APPLY, data).field == "request"


def test_nesting_has_an_end() -> None:
    """A message nested a thousand deep in unknown groups does not exhaust the stack."""
    assert refused(APPLY, b"\xa3\x06" * 1000 + b"\xa4\x06" * 1000).field == "request"


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(2**62, 0), (-(2**62), 0), (253402300800, 0), (1, -1), (1, 10**9), (0, 0)]
)
def test_a_moment_that_no_calendar_has_is_refused(seconds: int, nanos: int) -> None:
    """Moments outside the years 1 to 9999, and the epoch, which betterproto takes for no moment."""
    assert refused(GRANT, moment(seconds, nanos)).field == "expires_at"


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(-62135596800, 0), (253402300799, 999_999_000), (253402300799, 10**9 - 1)]
)
def test_the_very_ends_of_the_calendar_are_refused(seconds: int, nanos: int) -> None:
    """The database's driver writes them as infinity and reads moments without a zone."""
    assert refused(GRANT, moment(seconds, nanos)).field == "expires_at"


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(-62135596800, 1000), (-1, 0), (1, 0), (253402300799, 0), (253402300799, 999_998_999)]
)
def test_the_moments_at_the_ends_pass(seconds: int, nanos: int) -> None:
    """The first and the last second are moments."""
    assert parse(GRANT, moment(seconds, nanos)).HasField("expires_at")


def test_an_enum_number_without_a_meaning_is_refused() -> None:
    """proto3 keeps unknown numbers; a role of 99 is no role."""
    assert refused(TOKEN, b"\x08\x63").field == "role"


def test_a_nul_is_refused_where_it_stands() -> None:
    """PostgreSQL stores every text but one with a NUL: it is said here, with its place."""
    inner = wire.Backend(name="b", options={"bucket": "a\0b"})
    data = bytes(wire.ApplyNamespaceRequest(namespace="n", entries=[wire.MountEntry("/a", inner)]))
    assert refused(APPLY, data).field == "entries[0].backend.options['bucket']"


def test_a_huge_list_is_refused() -> None:
    """More items than anything of use has are not looked at one by one in the domain."""
    data = bytes(wire.GrantTenantAccessRequest(backends=["b"] * (MOST_ITEMS + 1)))
    assert refused(GRANT, data).field == "backends"
    entries = b"\x12\x03\x0a\x01/" * (MOST_MESSAGES + 1)
    assert refused(APPLY, entries).field == "entries"
    assert len(parse(APPLY, entries[5:]).entries) == MOST_MESSAGES  # type: ignore[attr-defined]  # made at run time


def test_unknown_fields_are_ignored() -> None:
    """A newer client's fields change neither the request nor its hash."""
    assert canonical(parse(APPLY, WHOLE + b"\xf8\x06\x01")) == canonical(parse(APPLY, WHOLE))


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=200), descriptor=st.sampled_from([method.request for method in contract().methods.values()])
)
def test_whatever_comes_is_a_message_or_malformed(data: bytes, descriptor: object) -> None:
    """Nothing but Malformed is ever raised, and what passes, betterproto reads."""
    try:
        message = parse(descriptor, data)  # type: ignore[arg-type]  # descriptors have two classes in the stubs
    except Malformed:
        return
    getattr(wire, message.DESCRIPTOR.name)().parse(canonical(message))
