"""Grants as events carry them: plain dicts of texts, which any transcoder stores and any version reads.

Stored bytes are kept for ever, so a key here is never renamed and a new one comes with an upcaster.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from warpdrive.domain.content.moments import in_utc, moment_text, moment_value
from warpdrive.domain.content.texts import why_no_word
from warpdrive.domain.tenant_access.errors import InvalidGrant
from warpdrive.domain.tenant_access.values import AccessGrant


class GrantPayload(TypedDict):
    """An `AccessGrant`; names sorted, each once; "" for an endpoint or expiry that there is not."""

    backends: list[str]
    private_endpoint: str
    expires_at: str
    enforce_private_link: bool
    service_tags: list[str]


def grant_payload(grant: AccessGrant, at: datetime) -> GrantPayload:
    """Write a grant down that is given at `at`. Raises InvalidGrant for what cannot be right."""
    if not grant.backends:
        raise InvalidGrant("backends", 'are none; "*" stands for all of the tenant\'s')
    _check_words("backends", grant.backends)
    _check_words("service tags", grant.service_tags)
    _check_endpoint(grant.private_endpoint)
    if grant.expires_at is not None and in_utc(grant.expires_at) <= in_utc(at):
        raise InvalidGrant("expiry", "is not in the future")
    return GrantPayload(
        backends=sorted(set(grant.backends)),
        private_endpoint=grant.private_endpoint,
        expires_at=moment_text(grant.expires_at),
        enforce_private_link=grant.enforce_private_link,
        service_tags=sorted(set(grant.service_tags)),
    )


def grant_value(payload: GrantPayload) -> AccessGrant:
    """Read a grant back. What was stored is believed: rules may have changed since."""
    return AccessGrant(
        backends=tuple(payload["backends"]),
        private_endpoint=payload["private_endpoint"],
        expires_at=moment_value(payload["expires_at"]),
        enforce_private_link=payload["enforce_private_link"],
        service_tags=tuple(payload["service_tags"]),
    )


def _check_words(field: str, words: Iterable[str]) -> None:
    for word in words:
        reason = why_no_word(word)
        if reason is not None:
            raise InvalidGrant(field, f"hold {word!r}, which {reason}")


def _check_endpoint(endpoint: str) -> None:
    """A host name or a resource's path; a query or a user's name could carry a secret into an event."""
    reason = why_no_word(endpoint, longest=1000) if endpoint else None
    if reason is None and any(sign in endpoint for sign in "@?#"):
        reason = "has credentials or a query"
    if reason is not None:
        raise InvalidGrant("private endpoint", reason)
