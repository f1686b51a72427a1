"""Decisions about access to tenants, made again as of then, with the events that made them so."""

from dataclasses import dataclass
from datetime import datetime

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.folding import events_of, folded
from warpdrive.application.audit.points import Place
from warpdrive.application.audit.subjects import Subjects
from warpdrive.application.audit.trail import Trail, TrailEntry
from warpdrive.application.ports.event_store import EventReader, RecordedEvent
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.tenant_access.deciding import AccessPolicy
from warpdrive.domain.tenant_access.values import NOTHING_GRANTED, AccessDecision, AccessRequest


@dataclass(frozen=True, slots=True)
class ExplainedDecision:
    """What the policy of then answers. `made_by`: the events that the answer rests on, oldest first."""

    request: AccessRequest
    moment: datetime
    position: int
    decision: AccessDecision
    made_by: tuple[TrailEntry, ...]


async def explain_decision(
    reader: EventReader, codec: EventCodec, tenant_id: str, request: AccessRequest, place: Place
) -> ExplainedDecision:
    """Decide an access as of a place, by the code that enforces it.

    A tenant without a stream by then is denied: nothing was granted. Raises InvalidTenant, Unfoldable,
    StoreUnavailable.
    """
    basis = _Basis()
    aggregate: Aggregate | None = None
    async for recorded in events_of(reader, TenantAccess.id_of(tenant_id), to=place.position):
        aggregate = folded(codec, recorded, aggregate)
        basis.feed(recorded)
    if not isinstance(aggregate, TenantAccess):
        return ExplainedDecision(request, place.moment, place.position, NOTHING_GRANTED, ())
    trail, subjects = Trail(reader, codec), Subjects(reader, codec, to=place.position)
    made_by = [await trail.entry(recorded, subjects) for recorded in basis.of(aggregate.policy)]
    decision = aggregate.decide(request, place.moment)
    return ExplainedDecision(request, place.moment, place.position, decision, tuple(made_by))


class _Basis:
    """The last event of each kind that decisions rest on."""

    def __init__(self) -> None:
        self._last: dict[str, RecordedEvent] = {}

    def feed(self, recorded: RecordedEvent) -> None:
        self._last[recorded.topic] = recorded

    def of(self, policy: AccessPolicy) -> list[RecordedEvent]:
        """Choose those that show in the policy; a check that a later grant made void does not."""
        if policy.grant is None:
            topics = [TenantAccess.Opened.TOPIC]
        elif policy.revoked:
            topics = [TenantAccess.Granted.TOPIC, TenantAccess.Revoked.TOPIC]
        else:
            topics = [TenantAccess.Granted.TOPIC]
            if policy.private_link is not None and policy.grant.enforce_private_link:
                link = (
                    TenantAccess.PrivateLinkValidated if policy.private_link.valid else TenantAccess.PrivateLinkViolated
                )
                topics.append(link.TOPIC)
            if policy.service_tags is not None:
                topics.append(TenantAccess.ServiceTagsChecked.TOPIC)
        found = [self._last[topic] for topic in topics if topic in self._last]
        return sorted(found, key=lambda recorded: recorded.position)
