"""One life of each aggregate that goes through every kind of event, with values of every shape.

A life is extended at its end only: what stands before is stored in files that never change.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.price_book.values import PriceEntry
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.values import LeasePolicy, QuotaLimits
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.tenant_access.values import AccessGrant, AccessRequest, Denied
from warpdrive.domain.token.aggregate import Token
from warpdrive.domain.token.values import Role, TokenGrant

ID = UUID("00112233-4455-4677-8899-aabbccddeeff")
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"


def at(minute: int) -> datetime:
    """Name a moment, the first one without a fraction of a second."""
    return datetime(2026, 1, 2, 3, minute, 5, 678900 if minute else 0, tzinfo=UTC)


def namespace() -> Namespace:
    """Mount, reconfigure, unmount, seal, unseal, retire."""
    first = MountEntry(
        "/données/train",
        BackendDefinition(
            name="imagenet",
            type="s3",
            options={"region": "eu-west-1", "bucket": "imagenet", "endpoint": "http://s3.example:9000"},
            prefix="2012/",
            auth="backends/imagenet",
        ),
        MountPolicy(conflict="fail"),
    )
    second = MountEntry(first.path, first.backend, MountPolicy(write="on", durability="journal", delete="allow"))
    life = Namespace.create(ID, "vision", at=at(0))
    life.add_mount_entry(first, at=at(1))
    life.reconfigure_mount_entry(second, at=at(2))
    life.remove_mount_entry(first.path, at=at(3))
    life.seal(at=at(4))
    life.unseal(at=at(5))
    life.retire(at=at(6))
    return life


def quota() -> Quota:
    """Be counted, warned, recover, exceed, be refused, removed, and come back."""
    life = Quota.define(ID, "imagenet", QuotaLimits(1000, 2000, 3600), at=at(0))
    life.set_lease_policy(LeasePolicy(64, 30), at=at(1))
    life.observe_usage(500, at=at(2))
    life.observe_usage(1001, at=at(3))
    life.observe_usage(1000, at=at(4))
    life.observe_usage(2**63 - 1, at=at(5))
    life.refuse_lease("gpu-7", 64, 2**63 - 1, at=at(6))
    life.set_limits(QuotaLimits(2000, 3000), at=at(7))
    life.remove(at=at(8))
    life.set_limits(QuotaLimits(0, 0, 0), at=at(9))
    return life


def team() -> Team:
    """Be renamed, gain and lose members and rules, disband."""
    life = Team.create(ID, "vision", at=at(0))
    life.rename("Équipe vision", at=at(1))
    life.add_member("user:ann@example.org", at=at(2))
    life.add_member("uid:1000", at=at(3))
    life.remove_member("user:ann@example.org", at=at(4))
    life.add_ownership_rule(OwnershipRule("imagenet", "données/"), at=at(5))
    life.add_ownership_rule(OwnershipRule("*", ""), at=at(6))
    life.remove_ownership_rule(OwnershipRule("*", ""), at=at(7))
    life.disband(at=at(8))
    return life


def price_book() -> PriceBook:
    """Set prices of every shape, replace one, take one back, retire."""
    day = date(2026, 1, 1)
    life = PriceBook.create(ID, "list prices", "EUR", at=at(0))
    life.set_price(PriceEntry("*", "*", day, Decimal("0.0210"), Decimal("5E-3"), Decimal(0)), at=at(1))
    life.set_price(PriceEntry("s3", "hot", day, Decimal(10), Decimal("0.000000000001"), Decimal("1E+2")), at=at(2))
    life.set_price(PriceEntry("s3", "hot", day, Decimal(9), Decimal(0), Decimal("0.09")), at=at(3))
    life.remove_price("*", "*", day, at=at(4))
    life.retire(at=at(5))
    return life


def tenant_access() -> TenantAccess:
    """Be granted, checked, denied, allowed, revoked."""
    grant = AccessGrant(
        backends=("poids", "données"),
        private_endpoint="weights.privatelink.blob.core.windows.net",
        expires_at=datetime(2026, 7, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        enforce_private_link=True,
        service_tags=("Storage.WestEurope",),
    )
    wanted = AccessRequest("user:ann@example.org", "autre", "/modèles/a\udcff", "gpu-7")
    life = TenantAccess.grant_first(TENANT, grant, at=at(0))
    life.record_private_link(True, ("10.1.2.4", "10.1.2.3"), "resolved by the hub", at=at(1))  # noqa: FBT003 - as a report says it
    life.record_service_tags(("Storage.WestEurope", "Storage"), False, at=at(2))  # noqa: FBT003 - as above
    decision = life.decide(wanted, at(3))
    assert isinstance(decision, Denied)
    life.record_denial(wanted, decision, 12, at=at(3))
    life.record_private_link(False, (), "no such host", at=at(4))  # noqa: FBT003 - as above
    life.grant(AccessGrant(("*",)), at=at(5))
    life.record_allows("uid:1000", "/modèles", 7, at(5), at(6), 4711, at=at(6))
    life.revoke("the contract ended", at=at(7))
    return life


def token() -> Token:
    """Be issued to an agent and revoked."""
    grant = TokenGrant(
        role=Role.AGENT,
        digest="0123456789abcdef" * 4,
        namespaces=("vision", "speech"),
        teams=("équipe",),
        node="gpu-7",
        note="rack 4",
        expires_at=datetime(2026, 7, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    )
    life = Token.issue(ID, grant, at=at(0))
    life.revoke("the node was sold", at=at(1))
    return life


def dismissal() -> Dismissal:
    """Be dismissed, for another reason, restored, and dismissed again."""
    about = {"kind": "archive_stale", "team_id": "", "backend": "données"}
    life = Dismissal.dismiss_first(ID, "we still need it", **about, at=at(0))
    life.dismiss("à relire\nin March", at=at(1))
    life.restore(at=at(2))
    life.dismiss("we still need it", at=at(3))
    return life


LIVES: MappingProxyType[str, Callable[[], Aggregate]] = MappingProxyType(
    {
        "namespace": namespace,
        "quota": quota,
        "team": team,
        "price_book": price_book,
        "tenant_access": tenant_access,
        "token": token,
        "dismissal": dismissal,
    }
)
"""Every room that holds an aggregate, and a life in it."""
