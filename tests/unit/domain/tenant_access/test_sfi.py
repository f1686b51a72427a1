"""The rules about the network way: what is private, what is allowed, what is denied until somebody looked."""

import pytest

from warpdrive.domain.tenant_access.sfi import (
    PrivateLinkCheck,
    ServiceTagCheck,
    is_address,
    not_allowed,
    not_private,
    passed_checks,
    sfi_reasons,
)
from warpdrive.domain.tenant_access.values import AccessGrant, DenialReason

FREE = AccessGrant(("*",))
PRIVATE = AccessGrant(("*",), enforce_private_link=True)
TAGGED = AccessGrant(("*",), service_tags=("Storage", "Storage.WestEurope"))


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("172.15.255.255", False),
        ("172.16.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.0.1", True),
        ("192.169.0.1", False),
        ("100.64.0.1", True),
        ("100.128.0.1", False),
        ("20.60.1.2", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("fd00::1", True),
        ("fe80::1", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("2603:1030::1", False),
    ],
)
def test_only_addresses_of_private_networks_are_private(address: str, *, private: bool) -> None:
    """This host itself, its link and whatever is written in a roundabout way are on no private network."""
    assert not_private([address]) == (() if private else (address,))


@pytest.mark.parametrize("text", ["", "example.org", "10.0.0", "010.0.0.1", "fe80::1%eth0", "FD00::1", "10.0.0.0/8"])
def test_an_address_has_one_spelling(text: str) -> None:
    """Addresses are compared and sorted as texts."""
    assert not is_address(text)


def test_tags_are_allowed_by_name() -> None:
    """A tag of a region is another than the tag of all; where nothing is said, anything goes."""
    assert not_allowed(("Storage", "Sql"), ("Storage",)) == ("Sql",)
    assert not_allowed(("Storage.WestEurope",), ("Storage",)) == ("Storage.WestEurope",)
    assert not_allowed(("Storage",), ()) == ()


@pytest.mark.parametrize(
    ("grant", "link", "tags", "reasons"),
    [
        (FREE, None, None, []),
        (FREE, False, None, []),
        (FREE, None, (("Sql",), True), []),
        (FREE, None, (("Sql",), False), [DenialReason.SERVICE_TAG_NOT_ALLOWED]),
        (PRIVATE, None, None, [DenialReason.PRIVATE_LINK_NOT_VALIDATED]),
        (PRIVATE, False, None, [DenialReason.PRIVATE_LINK_VIOLATED]),
        (PRIVATE, True, None, []),
        (TAGGED, None, None, [DenialReason.SERVICE_TAGS_NOT_CHECKED]),
        (TAGGED, None, (("Storage",), True), []),
        (TAGGED, None, ((), True), []),
        (TAGGED, None, (("Storage",), False), [DenialReason.SERVICE_TAG_NOT_ALLOWED]),
        (TAGGED, None, (("Storage", "Sql"), True), [DenialReason.SERVICE_TAG_NOT_ALLOWED]),
    ],
)
def test_what_is_enforced_is_denied_until_it_was_seen_to_be_right(
    grant: AccessGrant,
    link: bool | None,
    tags: tuple[tuple[str, ...], bool] | None,
    reasons: list[DenialReason],
) -> None:
    """Nothing seen is no proof; a checker's refusal of tags counts in any case."""
    private_link = None if link is None else PrivateLinkCheck(link, ())
    assert list(sfi_reasons(grant, private_link, None if tags is None else ServiceTagCheck(*tags))) == reasons


def test_an_allowed_access_names_the_checks_it_passed() -> None:
    """Only those that the grant demands."""
    assert list(passed_checks(FREE)) == []
    assert list(passed_checks(PRIVATE)) == ["private_link"]
    assert list(passed_checks(TAGGED)) == ["service_tags"]
