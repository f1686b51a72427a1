"""The read models' tables: which columns a row has, what they mean, and what tells rows apart.

The migrations create exactly these (a test compares). A column that is a list or mapping of texts is stored as JSON.
`version` and `position` in a row are those of the last event that touched its aggregate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """What a column holds. An `?` kind may be None."""

    TEXT = "text"
    INTEGER = "bigint"
    TRUTH = "boolean"
    MOMENT = "timestamptz"
    TEXTS = "jsonb list"
    MAPPING = "jsonb"
    MAYBE_TEXT = "text?"
    MAYBE_INTEGER = "bigint?"
    MAYBE_TRUTH = "boolean?"
    MAYBE_MOMENT = "timestamptz?"


@dataclass(frozen=True, slots=True)
class Table:
    """One read model. `key` are the columns that together are unique, and `key[0]` is the id of the row's stream."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, Kind]


_STAMPS: Final = {"version": Kind.INTEGER, "position": Kind.INTEGER, "updated_at": Kind.MOMENT}

NAMESPACES: Final = Table(
    "namespaces",
    ("id",),
    MappingProxyType(
        {
            "id": Kind.TEXT,
            "name": Kind.TEXT,
            "sealed": Kind.TRUTH,
            "retired": Kind.TRUTH,
            "created_at": Kind.MOMENT,
            **_STAMPS,
        }
    ),
)

MOUNT_ENTRIES: Final = Table(
    "mount_entries",
    ("namespace_id", "path"),
    MappingProxyType(
        {
            "namespace_id": Kind.TEXT,
            "path": Kind.TEXT,
            # The entry as its event carries it (domain/namespace/payloads.EntryPayload).
            "entry": Kind.MAPPING,
            "backend": Kind.TEXT,
            "fingerprint": Kind.TEXT,
            "tenant": Kind.TEXT,
        }
    ),
)

TEAMS: Final = Table(
    "teams",
    ("id",),
    MappingProxyType(
        {"id": Kind.TEXT, "name": Kind.TEXT, "disbanded": Kind.TRUTH, "created_at": Kind.MOMENT, **_STAMPS}
    ),
)

TEAM_MEMBERS: Final = Table(
    "team_members", ("team_id", "principal"), MappingProxyType({"team_id": Kind.TEXT, "principal": Kind.TEXT})
)

OWNERSHIP_RULES: Final = Table(
    "ownership_rules",
    ("team_id", "backend", "prefix"),
    MappingProxyType({"team_id": Kind.TEXT, "backend": Kind.TEXT, "prefix": Kind.TEXT}),
)

QUOTAS: Final = Table(
    "quotas",
    ("id",),
    MappingProxyType(
        {
            "id": Kind.TEXT,
            "team_id": Kind.TEXT,
            "backend": Kind.TEXT,
            "soft": Kind.INTEGER,
            "hard": Kind.INTEGER,
            "grace_seconds": Kind.INTEGER,
            # Bytes as of the last crossing or recovery; None: unknown until a crawl has counted.
            "usage": Kind.MAYBE_INTEGER,
            # None: the soft limit is kept. Beyond the hard limit is who has usage > hard: no column of its own, since
            # raised limits end that without an event that says so.
            "grace_until": Kind.MAYBE_MOMENT,
            "lease_bytes": Kind.MAYBE_INTEGER,
            "lease_seconds": Kind.MAYBE_INTEGER,
            "removed": Kind.TRUTH,
            **_STAMPS,
        }
    ),
)

TENANT_ACCESS: Final = Table(
    "tenant_access",
    ("id",),
    MappingProxyType(
        {
            "id": Kind.TEXT,
            "tenant_id": Kind.TEXT,
            "backends": Kind.TEXTS,
            "private_endpoint": Kind.TEXT,
            "enforce_private_link": Kind.TRUTH,
            "service_tags": Kind.TEXTS,
            "expires_at": Kind.MAYBE_MOMENT,
            "revoked": Kind.TRUTH,
            # Version of the last event that can have changed a decision. No row has what a decision is made from, nor
            # counts denials: ask the aggregate, or the events.
            "policy_version": Kind.INTEGER,
            **_STAMPS,
        }
    ),
)

PRICE_BOOKS: Final = Table(
    "price_books",
    ("id",),
    MappingProxyType({"id": Kind.TEXT, "name": Kind.TEXT, "currency": Kind.TEXT, "retired": Kind.TRUTH, **_STAMPS}),
)

PRICES: Final = Table(
    "prices",
    ("book_id", "backend", "storage_class", "valid_from"),
    MappingProxyType(
        {
            "book_id": Kind.TEXT,
            "backend": Kind.TEXT,
            "storage_class": Kind.TEXT,
            # ISO day. Prices are decimal numbers as texts, as their events carry them.
            "valid_from": Kind.TEXT,
            "per_gib_month": Kind.TEXT,
            "per_1000_requests": Kind.TEXT,
            "per_gib_egress": Kind.TEXT,
        }
    ),
)

TOKENS: Final = Table(
    "tokens",
    ("id",),
    MappingProxyType(
        {
            "id": Kind.TEXT,
            # SHA-256 of the secret, 64 hexadecimal digits; also an index, since callers are found by it.
            "digest": Kind.TEXT,
            "role": Kind.TEXT,
            "namespaces": Kind.TEXTS,
            "teams": Kind.TEXTS,
            "node": Kind.TEXT,
            "note": Kind.TEXT,
            "created_at": Kind.MOMENT,
            "created_by": Kind.TEXT,
            "expires_at": Kind.MAYBE_MOMENT,
            "revoked": Kind.TRUTH,
            **_STAMPS,
        }
    ),
)

DISMISSALS: Final = Table(
    "dismissals",
    ("id",),
    MappingProxyType(
        {
            # The recommendation's.
            "id": Kind.TEXT,
            "kind": Kind.TEXT,
            # "" for what nobody owns.
            "team_id": Kind.TEXT,
            "backend": Kind.TEXT,
            "dismissed": Kind.TRUTH,
            "reason": Kind.TEXT,
            "decided_by": Kind.TEXT,
            **_STAMPS,
        }
    ),
)

FAMILIES: Final[Mapping[str, tuple[Table, ...]]] = MappingProxyType(
    {
        "namespace": (NAMESPACES, MOUNT_ENTRIES),
        "team": (TEAMS, TEAM_MEMBERS, OWNERSHIP_RULES),
        "quota": (QUOTAS,),
        "tenant_access": (TENANT_ACCESS,),
        "price_book": (PRICE_BOOKS, PRICES),
        "token": (TOKENS,),
        "dismissal": (DISMISSALS,),
    }
)
"""Kind of stream -> the tables that its events fill; in the first, each stream has one row, with the stamps."""

TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {table.name: table for family in FAMILIES.values() for table in family}
)
