"""Rules about the network way to a tenant (the Secure Future Initiative's): private link and service tags.

Pure: what the network looks like was seen by somebody else and is passed in as facts. Whatever has not been seen
is denied when it is enforced.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from warpdrive.domain.tenant_access.values import AccessGrant, DenialReason

_PRIVATE: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
"""Where a private endpoint can lie: RFC 1918, RFC 6598 and RFC 4193. Loopback and link-local are on no network."""

PRIVATE_LINK: Final = "private_link"
SERVICE_TAGS: Final = "service_tags"


@dataclass(frozen=True, slots=True)
class PrivateLinkCheck:
    """How somebody saw the way to the tenant: `valid` if it is private, and the addresses it led to, sorted."""

    valid: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceTagCheck:
    """Which service tags the way's addresses belong to, sorted, and whether the checker allowed them."""

    tags: tuple[str, ...]
    allowed: bool


def is_address(text: str) -> bool:
    """Tell whether it is an IP address in its one spelling, without a zone."""
    try:
        return str(ip_address(text)) == text and "%" not in text
    except ValueError:
        return False


def not_private(addresses: Iterable[str]) -> tuple[str, ...]:
    """Choose the addresses that no private endpoint can have. Raises ValueError for what is no address."""
    parsed = [(each, ip_address(each)) for each in addresses]
    return tuple(
        text
        for text, address in parsed
        if not any(address.version == network.version and address in network for network in _PRIVATE)
    )


def not_allowed(tags: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """Choose the tags that are not among the allowed; none when nothing is said about what is allowed."""
    known = frozenset(allowed)
    return tuple(tag for tag in tags if known and tag not in known)


def sfi_reasons(
    grant: AccessGrant, private_link: PrivateLinkCheck | None, service_tags: ServiceTagCheck | None
) -> Iterator[DenialReason]:
    """Give every reason that the network way has against an access; a check is None until somebody made it.

    A checker's own refusal of tags counts even where the grant allows any: it knows the house's rules.
    """
    if grant.enforce_private_link:
        if private_link is None:
            yield DenialReason.PRIVATE_LINK_NOT_VALIDATED
        elif not private_link.valid:
            yield DenialReason.PRIVATE_LINK_VIOLATED
    if service_tags is None:
        if grant.service_tags:
            yield DenialReason.SERVICE_TAGS_NOT_CHECKED
    elif not service_tags.allowed or not_allowed(service_tags.tags, grant.service_tags):
        yield DenialReason.SERVICE_TAG_NOT_ALLOWED


def passed_checks(grant: AccessGrant) -> Iterator[str]:
    """Name the checks that the grant demands: those an allowed access has passed."""
    if grant.enforce_private_link:
        yield PRIVATE_LINK
    if grant.service_tags:
        yield SERVICE_TAGS
