"""What the network says about a tenant's endpoint. Real answers come with the cross-tenant stage."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PrivateLinkReport:
    """`valid`: every address of the endpoint is private. `addresses`: what its name resolved to, sorted."""

    valid: bool
    addresses: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ServiceTagReport:
    """Service tags that the addresses belong to, sorted."""

    tags: tuple[str, ...]
    detail: str = ""


class NetworkCheckFailed(Exception):
    """Raised when a check could not be made, which says nothing about the endpoint."""


class NetworkChecks(Protocol):
    """Looks at the network as this process sees it. Every method raises NetworkCheckFailed."""

    async def private_link(self, endpoint: str) -> PrivateLinkReport:
        """Tell whether an endpoint's host name leads to private addresses only."""

    async def service_tags(self, endpoint: str) -> ServiceTagReport:
        """Tell which service tags the endpoint's addresses belong to."""
