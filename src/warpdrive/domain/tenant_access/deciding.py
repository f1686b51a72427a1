"""The rule that answers an access: the grant, its moment, its backends, and the network way to the tenant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from warpdrive.domain.content.moments import in_utc
from warpdrive.domain.content.texts import ANY
from warpdrive.domain.tenant_access.sfi import PrivateLinkCheck, ServiceTagCheck, passed_checks, sfi_reasons
from warpdrive.domain.tenant_access.values import (
    AccessDecision,
    AccessGrant,
    AccessRequest,
    Allowed,
    DenialReason,
    Denied,
)

GRANT: Final = "grant"


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """All that a decision is made from, as of a stream version: an agent that watches it decides alike.

    `grant` None: nothing was ever granted. Checks are None until somebody made them.
    """

    version: int
    grant: AccessGrant | None = None
    revoked: bool = False
    private_link: PrivateLinkCheck | None = None
    service_tags: ServiceTagCheck | None = None

    def decide(self, request: AccessRequest, at: datetime) -> AccessDecision:
        """Answer an access at a moment, with every reason against it; of a revoked grant that alone is told.

        Raises ValueError for a moment without a zone.
        """
        moment = in_utc(at)
        if self.grant is None:
            return Denied((DenialReason.NO_GRANT,), self.version)
        if self.revoked:
            return Denied((DenialReason.REVOKED,), self.version)
        reasons = tuple(self._reasons(self.grant, request, moment))
        if reasons:
            return Denied(reasons, self.version)
        return Allowed((GRANT, *passed_checks(self.grant)), self.version)

    def _reasons(self, grant: AccessGrant, request: AccessRequest, moment: datetime) -> Iterator[DenialReason]:
        if grant.expires_at is not None and moment >= grant.expires_at:
            yield DenialReason.EXPIRED
        if ANY not in grant.backends and request.backend not in grant.backends:
            yield DenialReason.BACKEND_NOT_GRANTED
        yield from sfi_reasons(grant, self.private_link, self.service_tags)
