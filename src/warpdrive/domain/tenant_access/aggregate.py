"""Access to a tenant as a stream of events: grants, checks of the network, and what was denied and allowed.

The stream begins with `Opened`, which grants nothing, so that denials are kept for tenants that nobody granted.
"""

from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID, uuid5

from eventsourcing.domain import Aggregate

from warpdrive.domain.content.moments import in_utc, moment_text
from warpdrive.domain.content.texts import escaped, is_tenant_id, why_no_note, why_no_word
from warpdrive.domain.tenant_access.deciding import AccessPolicy
from warpdrive.domain.tenant_access.errors import (
    InvalidAccessReason,
    InvalidAccessRecord,
    InvalidNetworkCheck,
    InvalidTenant,
    NotGranted,
)
from warpdrive.domain.tenant_access.payloads import GrantPayload, grant_payload, grant_value
from warpdrive.domain.tenant_access.sfi import PrivateLinkCheck, ServiceTagCheck, is_address, not_private
from warpdrive.domain.tenant_access.values import AccessDecision, AccessGrant, AccessRequest, Denied

_STREAM: Final = "warpdrive.tenant_access"
"""Second half of a stream's id; fixed for ever, as ids are stored."""


class TenantAccess(Aggregate):
    """Who may reach which backends of one Entra tenant.

    There is one stream per tenant, for ever: after a revocation it is granted again in it. Every command takes
    `at`, a moment with a time zone (ValueError without).
    """

    TOPIC = "warpdrive.tenant_access:TenantAccess"

    class Event(Aggregate.Event):
        """Something that happened to the access to a tenant."""

    class Opened(Event, Aggregate.Created):
        """The tenant got a stream; nothing is granted. The state begins in `TenantAccess.__init__`."""

        TOPIC = "warpdrive.tenant_access:Opened.v1"
        tenant_id: str

    Created = Opened
    """The library wants this name on every aggregate, and would make an event of its own otherwise."""

    class Granted(Event):
        """Backends of the tenant may be reached, as the grant says; it replaces the one before."""

        TOPIC = "warpdrive.tenant_access:Granted.v1"
        grant: GrantPayload

        def apply(self, aggregate: "TenantAccess") -> None:
            """Grant it. What was seen of the network counts on only if it was the same way."""
            before = None if aggregate._revoked else aggregate._grant  # noqa: SLF001 - events are the aggregate's own
            if before is None or not _same_way(before, self.grant):
                aggregate._private_link = None  # noqa: SLF001 - as above
                aggregate._service_tags = None  # noqa: SLF001 - as above
            aggregate._grant = self.grant  # noqa: SLF001 - as above
            aggregate._revoked = False  # noqa: SLF001 - as above
            aggregate._policy_version = self.originator_version  # noqa: SLF001 - as above

    class Revoked(Event):
        """Nothing of the tenant may be reached until it is granted again."""

        TOPIC = "warpdrive.tenant_access:Revoked.v1"
        reason: str

        def apply(self, aggregate: "TenantAccess") -> None:
            """End the grant."""
            aggregate._revoked = True  # noqa: SLF001 - as above
            aggregate._policy_version = self.originator_version  # noqa: SLF001 - as above

    class PrivateLinkValidated(Event):
        """The way to the tenant was seen to lead to private addresses only."""

        TOPIC = "warpdrive.tenant_access:PrivateLinkValidated.v1"
        addresses: list[str]
        detail: str

        def apply(self, aggregate: "TenantAccess") -> None:
            """Believe it."""
            aggregate._private_link = {"valid": True, "addresses": self.addresses}  # noqa: SLF001 - as above
            aggregate._policy_version = self.originator_version  # noqa: SLF001 - as above

    class PrivateLinkViolated(Event):
        """The way to the tenant was seen to be not private, or not to be there."""

        TOPIC = "warpdrive.tenant_access:PrivateLinkViolated.v1"
        addresses: list[str]
        detail: str

        def apply(self, aggregate: "TenantAccess") -> None:
            """Believe it."""
            aggregate._private_link = {"valid": False, "addresses": self.addresses}  # noqa: SLF001 - as above
            aggregate._policy_version = self.originator_version  # noqa: SLF001 - as above

    class ServiceTagsChecked(Event):
        """Somebody saw which service tags the way has; `allowed` is what the checker made of them."""

        TOPIC = "warpdrive.tenant_access:ServiceTagsChecked.v1"
        tags: list[str]
        allowed: bool

        def apply(self, aggregate: "TenantAccess") -> None:
            """Believe it."""
            aggregate._service_tags = {"tags": self.tags, "allowed": self.allowed}  # noqa: SLF001 - as above
            aggregate._policy_version = self.originator_version  # noqa: SLF001 - as above

    class AccessDenied(Event):
        """An access was denied, `count` times alike, by the policy of that version. `reasons` are codes."""

        TOPIC = "warpdrive.tenant_access:AccessDenied.v1"
        subject: str
        backend: str
        resource: str
        node: str
        reasons: list[str]
        policy_version: int
        count: int

    class AllowsAggregated(Event):
        """Accesses were let in, `count` times alike, in a window (ISO 8601, UTC; its end is not in it)."""

        TOPIC = "warpdrive.tenant_access:AllowsAggregated.v1"
        subject: str
        resource: str
        policy_version: int
        window_start: str
        window_end: str
        count: int

    def __init__(self, tenant_id: str) -> None:
        """Begin the state that `Opened` describes; use `open` or `grant_first`, which check."""
        self._tenant_id = tenant_id
        self._grant: GrantPayload | None = None
        self._revoked = False
        # Checks of the network, None until made; they are about the way that the present grant names.
        self._private_link: dict[str, Any] | None = None
        self._service_tags: dict[str, Any] | None = None
        # Version of the last event that can have changed a decision; denials and allows do not.
        self._policy_version = self.INITIAL_VERSION

    @staticmethod
    def id_of(tenant_id: str) -> UUID:
        """Name the stream of a tenant. Raises InvalidTenant."""
        if not is_tenant_id(tenant_id):
            raise InvalidTenant(tenant_id)
        return uuid5(UUID(tenant_id), _STREAM)

    @classmethod
    def open(cls, tenant_id: str, *, at: datetime) -> Self:
        """Begin the stream of a tenant for which nothing is granted. Raises InvalidTenant."""
        return cls._create(cls.Opened, id=cls.id_of(tenant_id), timestamp=in_utc(at), tenant_id=tenant_id)

    @classmethod
    def grant_first(cls, tenant_id: str, grant: AccessGrant, *, at: datetime) -> Self:
        """Begin the stream of a tenant with a grant. Raises InvalidTenant, InvalidGrant."""
        access = cls.open(tenant_id, at=at)
        access.grant(grant, at=at)
        return access

    @property
    def tenant_id(self) -> str:
        """Entra tenant id, a UUID in lower case."""
        return self._tenant_id

    @property
    def granted(self) -> AccessGrant | None:
        """The last grant, also when it was revoked or has expired; None when there never was one."""
        return None if self._grant is None else grant_value(self._grant)

    @property
    def revoked(self) -> bool:
        """The last grant was taken back."""
        return self._revoked

    @property
    def policy_version(self) -> int:
        """Version of the stream's last event that can have changed a decision."""
        return self._policy_version

    @property
    def policy(self) -> AccessPolicy:
        """All that decisions are made from."""
        link, tags = self._private_link, self._service_tags
        return AccessPolicy(
            version=self._policy_version,
            grant=self.granted,
            revoked=self._revoked,
            private_link=None if link is None else PrivateLinkCheck(link["valid"], tuple(link["addresses"])),
            service_tags=None if tags is None else ServiceTagCheck(tuple(tags["tags"]), tags["allowed"]),
        )

    def decide(self, request: AccessRequest, at: datetime) -> AccessDecision:
        """Answer an access at a moment. Nothing happens: whoever enforces the answer records it."""
        return self.policy.decide(request, at)

    def grant(self, grant: AccessGrant, *, at: datetime) -> None:
        """Give this grant, in place of the one before; nothing happens if it is the same. Raises InvalidGrant."""
        payload = grant_payload(grant, at)
        if payload != self._grant or self._revoked:
            self.trigger_event(self.Granted, timestamp=in_utc(at), grant=payload)

    def revoke(self, reason: str, *, at: datetime) -> None:
        """Take the grant back. Raises NotGranted, InvalidAccessReason."""
        self._must_be_granted()
        unkept = why_no_note(reason)
        if unkept is not None:
            raise InvalidAccessReason("reason of a revocation", unkept)
        self.trigger_event(self.Revoked, timestamp=in_utc(at), reason=reason)

    def record_private_link(self, valid: bool, addresses: tuple[str, ...], detail: str = "", *, at: datetime) -> None:
        """Keep how the way to the tenant was seen; nothing happens if it was seen so before.

        Raises NotGranted; InvalidNetworkCheck for what is no address, and when a valid way is said to have an
        address that is not private, or none.
        """
        self._must_be_granted()
        seen = sorted(set(addresses))
        self._check_addresses(seen, valid=valid)
        if self._private_link != {"valid": valid, "addresses": seen}:
            event = self.PrivateLinkValidated if valid else self.PrivateLinkViolated
            self.trigger_event(event, timestamp=in_utc(at), addresses=seen, detail=escaped(detail))

    def record_service_tags(self, tags: tuple[str, ...], allowed: bool, *, at: datetime) -> None:
        """Keep which service tags the way has; nothing happens if it was seen so before.

        Raises NotGranted, InvalidNetworkCheck.
        """
        self._must_be_granted()
        seen = sorted(set(tags))
        for tag in seen:
            reason = why_no_word(tag)
            if reason is not None:
                raise InvalidNetworkCheck(self._tenant_id, f"names the service tag {tag!r}, which {reason}")
        if self._service_tags != {"tags": seen, "allowed": allowed}:
            self.trigger_event(self.ServiceTagsChecked, timestamp=in_utc(at), tags=seen, allowed=allowed)

    def record_denial(self, request: AccessRequest, decision: Denied, count: int = 1, *, at: datetime) -> None:
        """Keep that an access was denied, also by an older policy than the present. Raises InvalidAccessRecord.

        Texts are kept whatever is in them: no denial is lost because of a path's bytes.
        """
        _check_record(count, decision.policy_version)
        if not decision.reasons:
            raise InvalidAccessRecord("reasons", "are none")
        self.trigger_event(
            self.AccessDenied,
            timestamp=in_utc(at),
            subject=escaped(request.subject),
            backend=escaped(request.backend),
            resource=escaped(request.resource),
            node=escaped(request.node),
            reasons=[reason.code for reason in decision.reasons],
            policy_version=decision.policy_version,
            count=count,
        )

    def record_allows(
        self,
        subject: str,
        resource: str,
        policy_version: int,
        window_start: datetime,
        window_end: datetime,
        count: int,
        *,
        at: datetime,
    ) -> None:
        """Keep that accesses were let in from `window_start` until before `window_end`. Raises InvalidAccessRecord."""
        _check_record(count, policy_version)
        if in_utc(window_end) <= in_utc(window_start):
            raise InvalidAccessRecord("window", "does not end after its start")
        self.trigger_event(
            self.AllowsAggregated,
            timestamp=in_utc(at),
            subject=escaped(subject),
            resource=escaped(resource),
            policy_version=policy_version,
            window_start=moment_text(window_start),
            window_end=moment_text(window_end),
            count=count,
        )

    def _must_be_granted(self) -> None:
        if self._grant is None or self._revoked:
            raise NotGranted(self._tenant_id)

    def _check_addresses(self, addresses: list[str], *, valid: bool) -> None:
        for address in addresses:
            if not is_address(address):
                raise InvalidNetworkCheck(self._tenant_id, f"names {address!r}, which is no IP address")
        if valid and not addresses:
            raise InvalidNetworkCheck(self._tenant_id, "finds a way private that has no address")
        public = not_private(addresses) if valid else ()
        if public:
            raise InvalidNetworkCheck(self._tenant_id, f"finds a way private that leads to {', '.join(public)}")


def _same_way(before: GrantPayload, after: GrantPayload) -> bool:
    """Tell whether two grants lead over one endpoint: without one of its own, over those of the same backends."""
    endpoint = before["private_endpoint"]
    return endpoint == after["private_endpoint"] and bool(endpoint or before["backends"] == after["backends"])


def _check_record(count: int, policy_version: int) -> None:
    if count < 1:
        raise InvalidAccessRecord("count", f"is {count}, not one or more")
    if policy_version < 0:
        raise InvalidAccessRecord("policy version", f"is {policy_version}, not zero or more")
