"""What access to a tenant is made of: the grant, the question, the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """Which backends of the tenant may be reached, until when, and over which network.

    `backends` are names, or "*" for all of the tenant's. `private_endpoint` is the host name of the way in, "" for
    the backend's own. With `enforce_private_link` nothing is reached before that way was seen to be private.
    `service_tags`, unless empty, are the only ones that the endpoint's addresses may belong to. `expires_at` None:
    never.
    """

    backends: tuple[str, ...]
    private_endpoint: str = ""
    expires_at: datetime | None = None
    enforce_private_link: bool = False
    service_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who (`subject`) wants what (`resource`, such as a path) of which backend, on which node."""

    subject: str
    backend: str
    resource: str
    node: str


class DenialReason(Enum):
    """Why an access is denied. The value is the stable code that events and APIs carry; `words` say it to people."""

    NO_GRANT = "no_grant"
    REVOKED = "revoked"
    EXPIRED = "expired"
    BACKEND_NOT_GRANTED = "backend_not_granted"
    PRIVATE_LINK_NOT_VALIDATED = "private_link_not_validated"
    PRIVATE_LINK_VIOLATED = "private_link_violated"
    SERVICE_TAGS_NOT_CHECKED = "service_tags_not_checked"
    SERVICE_TAG_NOT_ALLOWED = "service_tag_not_allowed"

    @property
    def code(self) -> str:
        """The stable word; `DenialReason(code)` reads it back."""
        return self.value

    @property
    def words(self) -> str:
        """A sentence without its end."""
        return _WORDS[self]


_WORDS: Mapping[DenialReason, str] = MappingProxyType(
    {
        DenialReason.NO_GRANT: "nothing was ever granted for this tenant",
        DenialReason.REVOKED: "the grant was revoked",
        DenialReason.EXPIRED: "the grant has expired",
        DenialReason.BACKEND_NOT_GRANTED: "the grant does not name this backend",
        DenialReason.PRIVATE_LINK_NOT_VALIDATED: "nobody has seen yet that the way there is private",
        DenialReason.PRIVATE_LINK_VIOLATED: "the way there was seen to leave the private network",
        DenialReason.SERVICE_TAGS_NOT_CHECKED: "nobody has checked yet which service tags the way has",
        DenialReason.SERVICE_TAG_NOT_ALLOWED: "the way there has a service tag that is not allowed",
    }
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The access is let in. `by` names what let it in: "grant", and each check that had to pass."""

    by: tuple[str, ...]
    policy_version: int


@dataclass(frozen=True, slots=True)
class Denied:
    """The access is not let in, for all of these reasons; there is at least one."""

    reasons: tuple[DenialReason, ...]
    policy_version: int


AccessDecision: TypeAlias = Allowed | Denied
"""An answer with its reasons. `policy_version` is the stream version of the last event that can have changed it."""

NOTHING_GRANTED = Denied((DenialReason.NO_GRANT,), policy_version=0)
"""The answer for a tenant that has no stream."""
