"""What answers are made of: values as of a version, whichever way they were got (an aggregate or read-model rows)."""

from dataclasses import dataclass
from datetime import datetime

from warpdrive.domain.namespace.values import MountEntry
from warpdrive.domain.price_book.values import PriceEntry
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.domain.token.values import Role


@dataclass(frozen=True, slots=True)
class NamespaceView:
    """A namespace; entries with parents before what is nested in them."""

    id: str
    name: str
    entries: tuple[MountEntry, ...]
    sealed: bool
    retired: bool
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One difference between wished and present entries. `before` None: added; `after` None: removed."""

    path: str
    before: MountEntry | None
    after: MountEntry | None


@dataclass(frozen=True, slots=True)
class AppliedNamespace:
    """What `apply` did, or would do."""

    namespace: NamespaceView
    changes: tuple[EntryChange, ...]
    created: bool


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team; members and rules sorted."""

    id: str
    name: str
    members: tuple[str, ...]
    rules: tuple[OwnershipRule, ...]
    disbanded: bool
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class QuotaView:
    """A quota and how it stands; sizes in bytes. `usage` None: unknown until a crawl has counted."""

    team: str
    team_id: str
    backend: str
    soft: int
    hard: int
    grace_seconds: int
    usage: int | None
    standing: str
    grace_until: datetime | None
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PriceBookView:
    """A price book; prices by backend, class and day."""

    id: str
    name: str
    currency: str
    prices: tuple[PriceEntry, ...]
    retired: bool
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TenantAccessView:
    """What is granted to reach one tenant."""

    tenant_id: str
    backends: tuple[str, ...]
    private_endpoint: str
    enforce_private_link: bool
    service_tags: tuple[str, ...]
    expires_at: datetime | None
    revoked: bool
    policy_version: int
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token without its secret."""

    id: str
    role: Role
    namespaces: tuple[str, ...]
    teams: tuple[str, ...]
    node: str
    note: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked: bool


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token just made. `secret` is "" in the repeated answer to a repeated command."""

    token: TokenView
    secret: str


@dataclass(frozen=True, slots=True)
class AgentView:
    """A node's agent. `missing`: no word from it for three heartbeat intervals."""

    node: str
    namespace: str
    version: str
    mount_point: str
    health: str
    detail: str
    position: int
    registered_at: datetime
    last_seen_at: datetime
    missing: bool


@dataclass(frozen=True, slots=True)
class WatchChange:
    """One update of a node's watch stream. `change` None: nothing changed, the stream is alive."""

    position: int
    change: NamespaceView | QuotaView | TenantAccessView | None
