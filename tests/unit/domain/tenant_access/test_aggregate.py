"""Access to a tenant: given events, when a command, then events; given a policy, when asked, then an answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from tests.support.replay import assert_snapshot_is_the_same, names_of
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.tenant_access.errors import (
    InvalidAccessReason,
    InvalidAccessRecord,
    InvalidGrant,
    InvalidNetworkCheck,
    InvalidTenant,
    NotGranted,
)
from warpdrive.domain.tenant_access.values import (
    NOTHING_GRANTED,
    AccessGrant,
    AccessRequest,
    Allowed,
    DenialReason,
    Denied,
)

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
GRANT = AccessGrant(("vault", "weights"))
PRIVATE = replace(GRANT, private_endpoint="in.example.net", enforce_private_link=True)
WANTED = AccessRequest("ann", "vault", "/models/a", "gpu-7")
DENIED = Denied((DenialReason.EXPIRED, DenialReason.BACKEND_NOT_GRANTED), 2)


def granted(grant: AccessGrant = GRANT) -> TenantAccess:
    """Open a tenant's stream with a grant."""
    return TenantAccess.grant_first(TENANT, grant, at=AT)


def revoked() -> TenantAccess:
    """Grant, look at the network, and take the grant back."""
    access = granted(PRIVATE)
    access.record_private_link(valid=True, addresses=("10.0.0.4",), at=AT)
    access.record_service_tags(("Storage",), allowed=True, at=AT)
    access.revoke("done", at=AT)
    return access


def reasons(access: TenantAccess, request: AccessRequest = WANTED, at: datetime = AT) -> list[DenialReason]:
    """Ask, and give the reasons of a denial; none when it is allowed."""
    decision = access.decide(request, at)
    assert decision.policy_version == access.policy_version
    return list(decision.reasons) if isinstance(decision, Denied) else []


def test_a_first_grant_opens_the_stream_and_then_grants() -> None:
    """Two events, so that a stream can also be opened for what nobody granted."""
    access = granted()
    assert names_of(access) == ["Opened", "Granted"]
    assert (access.tenant_id, access.granted, access.revoked) == (TENANT, GRANT, False)
    assert access.id == TenantAccess.id_of(TENANT) == uuid5(UUID(TENANT), "warpdrive.tenant_access")
    assert access.decide(WANTED, AT) == Allowed(("grant",), policy_version=2)


def test_an_opened_stream_grants_nothing_and_keeps_denials() -> None:
    """Given no grant, when an access is denied, then that is kept; a grant may follow."""
    access = TenantAccess.open(TENANT, at=AT)
    assert (access.granted, access.policy_version) == (None, 1)
    assert reasons(access) == [DenialReason.NO_GRANT]
    access.record_denial(WANTED, NOTHING_GRANTED, at=AT)
    access.grant(GRANT, at=AT)
    assert names_of(access) == ["Opened", "AccessDenied", "Granted"]
    assert reasons(access) == []


@pytest.mark.parametrize("tenant_id", ["", "contoso", TENANT.upper(), f"{{{TENANT}}}", "\udcff"])
def test_a_tenant_is_named_by_its_id(tenant_id: str) -> None:
    """One spelling, so that one tenant has one stream."""
    with pytest.raises(InvalidTenant) as caught:
        TenantAccess.id_of(tenant_id)
    assert caught.value.tenant_id == tenant_id
    with pytest.raises(InvalidTenant):
        TenantAccess.grant_first(tenant_id, GRANT, at=AT)


def test_a_grant_replaces_and_the_same_is_no_event() -> None:
    """Names are sets: another order is the same grant."""
    access = granted()
    access.grant(AccessGrant(("weights", "vault", "vault")), at=AT)
    assert names_of(access) == ["Opened", "Granted"]
    access.grant(AccessGrant(("*",)), at=AT)
    assert (access.granted, access.policy_version) == (AccessGrant(("*",)), 3)


def test_every_reason_against_an_access_is_told() -> None:
    """Whoever fixes one learns of the others at once."""
    grant = replace(PRIVATE, expires_at=AT + HOUR, service_tags=("Storage",))
    access = granted(grant)
    assert reasons(access, replace(WANTED, backend="other"), AT + HOUR) == [
        DenialReason.EXPIRED,
        DenialReason.BACKEND_NOT_GRANTED,
        DenialReason.PRIVATE_LINK_NOT_VALIDATED,
        DenialReason.SERVICE_TAGS_NOT_CHECKED,
    ]


def test_a_grant_ends_at_its_expiry() -> None:
    """It counts until the moment before."""
    access = granted(replace(GRANT, expires_at=AT + HOUR))
    assert reasons(access, at=AT + HOUR - timedelta(microseconds=1)) == []
    assert reasons(access, at=AT + HOUR) == [DenialReason.EXPIRED]


def test_an_allowed_access_says_what_allowed_it() -> None:
    """The grant, and each check that it demands."""
    access = granted(replace(PRIVATE, service_tags=("Storage",)))
    access.record_private_link(valid=True, addresses=("10.0.0.4",), at=AT)
    access.record_service_tags(("Storage",), allowed=True, at=AT)
    assert access.decide(WANTED, AT) == Allowed(("grant", "private_link", "service_tags"), policy_version=4)


def test_a_violated_private_link_denies_until_it_is_validated_again() -> None:
    """Each change of what is seen is an event; seeing the same again is none."""
    access = granted(PRIVATE)
    for valid, addresses in (
        (True, ("10.0.0.4",)),
        (True, ("10.0.0.4",)),
        (False, ("20.1.1.1",)),
        (False, ("20.1.1.1",)),
    ):
        access.record_private_link(valid, addresses, "looked", at=AT)
    assert names_of(access)[2:] == ["PrivateLinkValidated", "PrivateLinkViolated"]
    assert reasons(access) == [DenialReason.PRIVATE_LINK_VIOLATED]
    access.record_private_link(valid=True, addresses=("10.0.0.5", "10.0.0.4"), at=AT)
    assert reasons(access) == []
    last = access.collect_events()[-1]
    assert isinstance(last, TenantAccess.PrivateLinkValidated)
    assert last.addresses == ["10.0.0.4", "10.0.0.5"]


def test_a_tag_that_is_not_allowed_denies_until_it_is_gone() -> None:
    """Seeing the same again is no event."""
    access = granted()
    for allowed in (False, False, True):
        access.record_service_tags(("Sql",), allowed, at=AT)
        assert reasons(access) == ([] if allowed else [DenialReason.SERVICE_TAG_NOT_ALLOWED])
    assert names_of(access)[2:] == ["ServiceTagsChecked", "ServiceTagsChecked"]


@pytest.mark.parametrize(
    ("grant", "kept"),
    [
        (replace(PRIVATE, backends=("vault",)), True),
        (replace(PRIVATE, expires_at=AT + HOUR), True),
        (replace(PRIVATE, private_endpoint="other.example.net"), False),
        (replace(PRIVATE, private_endpoint=""), False),
    ],
)
def test_a_check_counts_for_the_way_that_was_seen(grant: AccessGrant, *, kept: bool) -> None:
    """Given a private way, when the grant names another, then somebody has to look again."""
    access = granted(PRIVATE)
    access.record_private_link(valid=True, addresses=("10.0.0.4",), at=AT)
    access.grant(grant, at=AT)
    assert reasons(access) == ([] if kept else [DenialReason.PRIVATE_LINK_NOT_VALIDATED])


def test_without_an_endpoint_the_way_is_that_of_the_backends() -> None:
    """Given a private way to one backend, when another is granted, then nobody has seen the way there."""
    access = granted(AccessGrant(("vault",), enforce_private_link=True))
    access.record_private_link(valid=True, addresses=("10.0.0.4",), at=AT)
    assert reasons(access) == []
    access.grant(AccessGrant(("vault", "other"), enforce_private_link=True), at=AT)
    assert reasons(access) == [DenialReason.PRIVATE_LINK_NOT_VALIDATED]


def test_a_revoked_grant_denies_and_may_be_given_again() -> None:
    """Of a revoked grant only that is told; the same grant given again is looked at anew."""
    access = revoked()
    assert reasons(access, replace(WANTED, backend="other")) == [DenialReason.REVOKED]
    access.grant(PRIVATE, at=AT)
    assert names_of(access)[-2:] == ["Revoked", "Granted"]
    assert not access.revoked
    assert reasons(access) == [DenialReason.PRIVATE_LINK_NOT_VALIDATED]


def test_records_do_not_change_the_policy() -> None:
    """Given denials and allows, when a decision names its version, then it is that of the grant."""
    access = granted()
    access.record_denial(WANTED, DENIED, 12, at=AT)
    access.record_allows("ann", "/models", 2, AT, AT + HOUR, 4711, at=AT)
    assert (access.version, access.policy_version) == (4, 2)
    denial, allows = access.collect_events()[2:]
    assert isinstance(denial, TenantAccess.AccessDenied)
    assert (denial.subject, denial.backend, denial.resource, denial.node) == ("ann", "vault", "/models/a", "gpu-7")
    assert (denial.reasons, denial.policy_version, denial.count) == (["expired", "backend_not_granted"], 2, 12)
    assert isinstance(allows, TenantAccess.AllowsAggregated)
    assert (allows.subject, allows.resource, allows.count) == ("ann", "/models", 4711)
    assert (allows.window_start, allows.window_end) == ("2026-01-02T03:04:05+00:00", "2026-01-02T04:04:05+00:00")


def test_no_denial_is_lost_because_of_its_bytes() -> None:
    """A path that is not UTF-8 is kept in an escaped form, and a revoked grant still keeps what it denies."""
    access = revoked()
    access.record_denial(replace(WANTED, resource="/a\udcff\0"), DENIED, at=AT)
    last = access.collect_events()[-1]
    assert isinstance(last, TenantAccess.AccessDenied)
    assert last.resource == "/a\\udcff\\x00"


COMMANDS: dict[str, Callable[[TenantAccess, datetime], None]] = {
    "grant": lambda it, at: it.grant(AccessGrant(("other",)), at=at),
    "revoke": lambda it, at: it.revoke("done", at=at),
    "record_private_link": lambda it, at: it.record_private_link(valid=False, addresses=(), at=at),
    "record_service_tags": lambda it, at: it.record_service_tags(("Sql",), allowed=True, at=at),
    "record_denial": lambda it, at: it.record_denial(WANTED, DENIED, at=at),
    "record_allows": lambda it, at: it.record_allows("ann", "/", 2, AT, AT + HOUR, 1, at=at),
}


@pytest.mark.parametrize("command", ["revoke", "record_private_link", "record_service_tags"])
@pytest.mark.parametrize("access", [TenantAccess.open(TENANT, at=AT), revoked()], ids=["opened", "revoked"])
def test_what_is_about_a_grant_needs_one(access: TenantAccess, command: str) -> None:
    """Never given or taken back: there is nothing to revoke, and no way to look at."""
    version = access.version
    with pytest.raises(NotGranted) as caught:
        COMMANDS[command](access, AT)
    assert caught.value.tenant_id == TENANT
    assert access.version == version


@pytest.mark.parametrize("command", COMMANDS)
def test_a_moment_without_a_zone_is_refused(command: str) -> None:
    """Nothing happens, and nothing is decided, at a moment that readers would have to guess."""
    access = granted()
    with pytest.raises(ValueError, match="time zone"):
        COMMANDS[command](access, AT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        access.decide(WANTED, AT.replace(tzinfo=None))
    assert access.version == 2


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"backends": ()}, "backends"),
        ({"backends": ("a", "")}, "backends"),
        ({"backends": ("a\n",)}, "backends"),
        ({"private_endpoint": "https://me:s3cret@host"}, "private endpoint"),
        ({"private_endpoint": "https://host/?sig=s3cret"}, "private endpoint"),
        ({"private_endpoint": "a\nb"}, "private endpoint"),
        ({"service_tags": ("",)}, "service tags"),
        ({"expires_at": AT}, "expiry"),
    ],
)
def test_a_grant_that_cannot_be_right_is_refused(fields: dict[str, Any], named: str) -> None:
    """The error names the field; no secret gets into an event or an error."""
    access = granted()
    with pytest.raises(InvalidGrant) as caught:
        access.grant(replace(GRANT, **fields), at=AT)
    assert caught.value.field == named
    assert "s3cret" not in str(caught.value)
    assert access.version == 2


@pytest.mark.parametrize(
    ("valid", "addresses", "words"),
    [
        (True, (), "no address"),
        (True, ("10.0.0.4", "20.1.1.1"), "20.1.1.1"),
        (True, ("127.0.0.1",), "127.0.0.1"),
        (True, ("in.example.net",), "no IP address"),
        (False, ("10.0.0.400",), "no IP address"),
    ],
)
def test_a_check_of_the_way_does_not_contradict_itself(valid: bool, addresses: tuple[str, ...], words: str) -> None:
    """A way that leads to a public address is not made private by saying so."""
    access = granted(PRIVATE)
    with pytest.raises(InvalidNetworkCheck, match=words) as caught:
        access.record_private_link(valid, addresses, at=AT)
    assert caught.value.tenant_id == TENANT
    assert reasons(access) == [DenialReason.PRIVATE_LINK_NOT_VALIDATED]


def test_a_check_names_tags_that_can_be_printed() -> None:
    """An empty tag says nothing."""
    with pytest.raises(InvalidNetworkCheck, match="service tag"):
        granted().record_service_tags(("Storage", ""), allowed=True, at=AT)


@pytest.mark.parametrize(
    "record",
    [
        lambda it: it.record_denial(WANTED, DENIED, 0, at=AT),
        lambda it: it.record_denial(WANTED, replace(DENIED, reasons=()), at=AT),
        lambda it: it.record_denial(WANTED, replace(DENIED, policy_version=-1), at=AT),
        lambda it: it.record_allows("ann", "/", 2, AT, AT + HOUR, 0, at=AT),
        lambda it: it.record_allows("ann", "/", -1, AT, AT + HOUR, 1, at=AT),
        lambda it: it.record_allows("ann", "/", 2, AT, AT, 1, at=AT),
    ],
)
def test_a_record_counts_something_in_some_time(record: Callable[[TenantAccess], None]) -> None:
    """A record of nothing, or of no time, is a mistake of whoever counted."""
    access = granted()
    with pytest.raises(InvalidAccessRecord) as caught:
        record(access)
    assert caught.value.field in str(caught.value)
    assert access.version == 2


def test_a_revocation_has_words_that_can_be_kept() -> None:
    """What cannot be stored is refused before anything happens."""
    access = granted()
    with pytest.raises(InvalidAccessReason) as caught:
        access.revoke("\0", at=AT)
    assert caught.value.field in str(caught.value)
    assert not access.revoked


def test_reasons_have_stable_codes_and_words() -> None:
    """A stored code is read back, and people are told in words."""
    assert [DenialReason(reason.code) for reason in DenialReason] == list(DenialReason)
    assert [reason.code for reason in DenialReason] == [reason.name.lower() for reason in DenialReason]
    assert all(len(reason.words.split()) > 3 for reason in DenialReason)


@pytest.mark.parametrize("access", [TenantAccess.open(TENANT, at=AT), granted(), revoked()])
def test_a_snapshot_is_the_same_access(access: TenantAccess) -> None:
    """Snapshot and replay give one state."""
    assert_snapshot_is_the_same(access)
