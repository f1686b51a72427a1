"""A history worth auditing: names given up and taken again, limits set twice, grants revoked and given anew."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from eventsourcing.domain import Aggregate

from tests.golden.lives import LIVES, TENANT
from warpdrive.application.control.calls import Call
from warpdrive.application.control.plane import ControlPlane
from warpdrive.application.ports.event_store import Append, CommandFacts, EventWriter
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy
from warpdrive.domain.price_book.values import PriceEntry
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.domain.tenant_access.values import AccessGrant
from warpdrive.domain.token.values import Role

TIB = 1 << 40
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Story:
    """What was made, and the positions after some of it."""

    training: UUID
    training_again: UUID
    vision: UUID
    vision_again: UUID
    token: UUID
    mounted: int
    unmounted: int
    first_limits: int
    second_limits: int
    granted: int
    revoked: int


def entry(path: str, bucket: str, *, write: str = "off") -> MountEntry:
    """Make a mount entry."""
    backend = BackendDefinition(bucket, "s3", {"bucket": bucket, "endpoint": "https://s3.example"}, auth="data")
    return MountEntry(path, backend, MountPolicy(write=write))


async def play(plane: ControlPlane, call: Callable[[], Call], advance: Callable[[float], None]) -> Story:
    """Let it happen, an hour between commands."""

    def later() -> Call:
        advance(HOUR)
        return call()

    training = await plane.namespaces.create(call(), "training", [])
    mounted = await plane.namespaces.add_mount(later(), "training", entry("/train", "imagenet"))
    await plane.namespaces.add_mount(later(), "training", entry("/eval", "coco"))
    await plane.namespaces.reconfigure_mount(later(), "training", entry("/eval", "coco", write="on"))
    unmounted = await plane.namespaces.remove_mount(later(), "training", "/train")
    vision = await plane.teams.ensure(later(), "vision", ["alice", "bob"], [OwnershipRule("s3", "vision/")])
    first = await plane.quotas.set(later(), "vision", "s3", QuotaLimits(500 * TIB, 600 * TIB))
    await plane.teams.rename(later(), "vision", "sight")
    second = await plane.quotas.set(later(), "sight", "s3", QuotaLimits(700 * TIB, 800 * TIB))
    vision_again = await plane.teams.ensure(later(), "vision", [], [])
    granted = await plane.tenants.grant(later(), TENANT, AccessGrant(("partner",)))
    revoked = await plane.tenants.revoke(later(), TENANT, "the contract ended")
    await plane.tenants.grant(later(), TENANT, AccessGrant(("partner", "weights")))
    issued = await plane.tokens.create(
        later(), role=Role.VIEWER, namespaces=("training",), teams=(), node="", note="dashboards", expires_in=None
    )
    price = PriceEntry("s3", "*", date(2026, 1, 1), Decimal("0.023"), Decimal("0.005"), Decimal("0.09"))
    await plane.price_books.set_price(later(), "default", "USD", price)
    await plane.namespaces.retire(later(), "training")
    again = await plane.namespaces.create(later(), "training", [entry("/train", "imagenet")])
    return Story(
        training=UUID(training.value.id),
        training_again=UUID(again.value.id),
        vision=UUID(vision.value.id),
        vision_again=UUID(vision_again.value.id),
        token=UUID(issued.value.token.id),
        mounted=mounted.position,
        unmounted=unmounted.position,
        first_limits=first.position,
        second_limits=second.position,
        granted=granted.position,
        revoked=revoked.position,
    )


async def live(store: EventWriter, room: str, command: UUID, *, actor: str = "token:auditee") -> Aggregate:
    """Record one whole life of `tests.golden.lives`: every kind of event of its room."""
    aggregate = LIVES[room]()
    codec = EventCodec()
    events = [codec.encode(event) for event in aggregate.collect_events() if isinstance(event, Aggregate.Event)]
    facts = CommandFacts(command, bytes(32), actor, "corr-7")
    await store.append(Append(facts, aggregate.id, int(aggregate.version), events))
    return aggregate
