"""One view of each kind, as a use case would answer."""

from datetime import UTC, date, datetime
from decimal import Decimal

from warpdrive.application.control.views import (
    AgentView,
    NamespaceView,
    PriceBookView,
    QuotaView,
    TeamView,
    TenantAccessView,
    TokenView,
)
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy
from warpdrive.domain.price_book.values import PriceEntry
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.domain.token.values import Role

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)

ENTRY = MountEntry(
    "/a",
    BackendDefinition("b", "s3", {"bucket": "x"}, prefix="p/", auth="ref", tenant="t"),
    MountPolicy(write="on", delete="allow"),
)
PRICE = PriceEntry("*", "hot", date(2026, 1, 31), Decimal("0.0230"), Decimal(0), Decimal("1E-7"))

NAMESPACE = NamespaceView(
    id="ns-id",
    name="train",
    entries=(ENTRY,),
    sealed=True,
    retired=False,
    version=3,
    created_at=NOW,
    updated_at=NOW,
)
TEAM = TeamView(
    id="team-id",
    name="vision",
    members=("ann", "bob"),
    rules=(OwnershipRule("*", "data/"),),
    disbanded=False,
    version=1,
    created_at=NOW,
    updated_at=NOW,
)
QUOTA = QuotaView(
    team="vision",
    team_id="team-id",
    backend="*",
    soft=2**53 + 1,
    hard=2**63 - 1,
    grace_seconds=3,
    usage=None,
    standing="unknown",
    grace_until=None,
    version=4,
    updated_at=NOW,
)
TENANT = TenantAccessView(
    tenant_id="11111111-2222-3333-4444-555555555555",
    backends=("b",),
    private_endpoint="host",
    enforce_private_link=True,
    service_tags=("tag",),
    expires_at=None,
    revoked=False,
    policy_version=2,
    version=3,
    updated_at=NOW,
)
PRICE_BOOK = PriceBookView(
    id="book-id", name="list", currency="USD", prices=(PRICE,), retired=False, version=1, updated_at=NOW
)
TOKEN = TokenView(
    id="token-id",
    role=Role.OPERATOR,
    namespaces=("train",),
    teams=(),
    node="",
    note="",
    created_at=NOW,
    created_by="token:admin",
    expires_at=None,
    revoked=False,
)
AGENT = AgentView(
    node="n1",
    namespace="train",
    version="0.1.0",
    mount_point="/mnt",
    health="ok",
    detail="",
    position=9,
    registered_at=NOW,
    last_seen_at=NOW,
    missing=False,
)
