"""Plain facts: what is there, who used it, what was told, as short values to fill a warehouse from."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from warpdrive.adapters.store.memory.warehouse import LedgerCounts
from warpdrive.domain.content.texts import escaped

DAY = date(2026, 3, 31)
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PlainBackend:
    """One of storage.backends."""

    name: str
    place: str = ""
    """ "": one of its own."""
    prefix: str = ""
    type: str = "local"
    present: bool = True

    @property
    def where(self) -> str:
        """Its place."""
        return self.place or f"{self.type}|root=/{self.name}"


@dataclass(frozen=True)
class PlainObject:
    """An object under its home backend."""

    backend: str
    key: str
    size: int
    modified_at: datetime = MOMENT
    first_seen: datetime = MOMENT
    owners: tuple[str, ...] = ()
    """Ids of teams."""
    storage_class: str = ""
    deleted_at: datetime | None = None
    last_access: date | None = None
    digest: tuple[str, bytes] | None = None


@dataclass(frozen=True)
class PlainUse:
    """What a user did to an object on a day."""

    user: str
    day: date
    backend: str
    key: str
    opens: int = 1
    bytes_read: int = 0
    hits: int = 0
    misses: int = 0
    job: str = ""


@dataclass(frozen=True)
class PlainLedger:
    """One of storage.ledger."""

    day: date
    backend: str
    owners: tuple[str, ...] = ()
    counts: LedgerCounts = field(default_factory=LedgerCounts)


@dataclass(frozen=True)
class PlainTold:
    """How long a node was there on a day and how much of it was told, in milliseconds."""

    node: str
    day: date
    present_ms: int = 86_400_000
    covered_ms: int = 86_400_000
    lost: int = 0


@dataclass(frozen=True)
class PlainCrawl:
    """A crawl of a backend's place."""

    backend: str
    generation: int = 1
    state: str = "completed"
    ended_at: datetime | None = MOMENT
    started_at: datetime = MOMENT


@dataclass
class PlainFacts:
    """All of it."""

    backends: list[PlainBackend] = field(default_factory=list)
    objects: list[PlainObject] = field(default_factory=list)
    uses: list[PlainUse] = field(default_factory=list)
    ledger: list[PlainLedger] = field(default_factory=list)
    told: list[PlainTold] = field(default_factory=list)
    crawls: list[PlainCrawl] = field(default_factory=list)

    def backend(self, name: str) -> PlainBackend:
        """Find the backend of a name, preferably the present one."""
        return max((each for each in self.backends if each.name == name), key=lambda each: each.present)

    def whole_key(self, name: str, key: str) -> tuple[str, str]:
        """Return place and whole key."""
        backend = self.backend(name)
        return backend.where, escaped(backend.prefix + key)
