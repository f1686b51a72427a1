"""The storage index: every object of every backend, who owns it, and sums that are kept with it.

An object is one key of one place, whatever backends and mount entries show it: `keys` gives each its number, `objects`
says what is known of it in few and narrow columns, because whole answers are made by reading all of them. Everything
that changes `objects` changes `capacity` and `ledger` in the same transaction, so sums always fit.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = 'text COLLATE "C" NOT NULL'

TABLES = (
    "CREATE SCHEMA storage",
    f"CREATE TABLE storage.places (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, place {TEXT} UNIQUE)",
    f"""
    CREATE TABLE storage.backends (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name {TEXT},
        place_id integer NOT NULL REFERENCES storage.places, prefix {TEXT}, type {TEXT},
        present boolean NOT NULL, UNIQUE (name, place_id, prefix)
    )
    """,
    "CREATE UNIQUE INDEX backends_present ON storage.backends (name) WHERE present",
    f"CREATE TABLE storage.classes (id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, class {TEXT} UNIQUE)",
    "INSERT INTO storage.classes OVERRIDING SYSTEM VALUE VALUES (0, '')",
    """
    CREATE TABLE storage.owners (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, teams text[] NOT NULL UNIQUE
    )
    """,
    "INSERT INTO storage.owners OVERRIDING SYSTEM VALUE VALUES (0, '{}')",
    f"""
    CREATE TABLE storage.keys (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, place_id integer NOT NULL, key {TEXT},
        UNIQUE (place_id, key)
    )
    """,
    """
    CREATE TABLE storage.objects (
        id bigint PRIMARY KEY, size bigint NOT NULL, modified_at timestamptz NOT NULL,
        first_seen timestamptz NOT NULL, deleted_at timestamptz, last_access date,
        place_id integer NOT NULL, backend_id integer NOT NULL, owner_id integer NOT NULL, class_id smallint NOT NULL,
        digest_kind smallint NOT NULL, digest bytea, version_hash bigint NOT NULL
    ) WITH (fillfactor = 85)
    """,
    """
    CREATE TABLE storage.capacity (
        backend_id integer NOT NULL, owner_id integer NOT NULL, class_id smallint NOT NULL,
        objects bigint NOT NULL, bytes bigint NOT NULL, PRIMARY KEY (backend_id, owner_id, class_id)
    )
    """,
    """
    CREATE TABLE storage.ledger (
        day date NOT NULL, backend_id integer NOT NULL, owner_id integer NOT NULL,
        added_objects bigint NOT NULL DEFAULT 0, added_bytes bigint NOT NULL DEFAULT 0,
        removed_objects bigint NOT NULL DEFAULT 0, removed_bytes bigint NOT NULL DEFAULT 0,
        changed_bytes bigint NOT NULL DEFAULT 0,
        moved_objects bigint NOT NULL DEFAULT 0, moved_bytes bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (day, backend_id, owner_id)
    )
    """,
    """
    CREATE TABLE storage.attribution (
        single boolean PRIMARY KEY CHECK (single), "position" bigint NOT NULL, applied_at timestamptz NOT NULL
    )
    """,
    "INSERT INTO storage.attribution VALUES (true, 0, 'epoch')",
    f"""
    CREATE TABLE storage.attributed (
        place_id integer NOT NULL, prefix {TEXT}, backend_id integer NOT NULL, owner_id integer NOT NULL,
        doubted boolean NOT NULL, PRIMARY KEY (place_id, prefix)
    )
    """,
    f"""
    CREATE TABLE storage.crawls (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, place_id integer NOT NULL, generation bigint NOT NULL,
        state {TEXT}, detail {TEXT}, source {TEXT}, confirmed boolean NOT NULL, requested_by {TEXT},
        requested_at timestamptz NOT NULL, started_at timestamptz, ended_at timestamptz,
        objects bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, added bigint NOT NULL DEFAULT 0,
        changed bigint NOT NULL DEFAULT 0, deleted bigint NOT NULL DEFAULT 0,
        parts_done bigint NOT NULL DEFAULT 0, parts_known bigint NOT NULL DEFAULT 0,
        roots text[] NOT NULL DEFAULT '{{}}'
    )
    """,
    "CREATE INDEX crawls_place ON storage.crawls (place_id, id)",
    "CREATE UNIQUE INDEX crawls_unended ON storage.crawls (place_id) WHERE state IN ('queued', 'running')",
    "CREATE TABLE storage.early_accesses (object_id bigint PRIMARY KEY, day date NOT NULL)",
    f"""
    CREATE TABLE storage.crawl_parts (
        crawl_id bigint NOT NULL, prefix {TEXT}, cursor {TEXT}, done boolean NOT NULL, PRIMARY KEY (crawl_id, prefix)
    )
    """,
    "CREATE TABLE storage.crawl_seen (crawl_id bigint NOT NULL, object_ids bigint[] NOT NULL)",
)

FUNCTIONS: tuple[str, ...] = ()

COMMENTS = {
    "SCHEMA storage": "What backends hold, as crawls and inventory reports saw it. Not made of events.",
    "TABLE storage.places": (
        "Where bytes live: a backend definition's fingerprint without its prefix. Accesses to a backend that no "
        "namespace has are kept under the place unknown|name=..."
    ),
    "TABLE storage.backends": "Every backend that a namespace ever had: the keys of a place that start with a prefix.",
    "COLUMN storage.backends.present": "Whether a namespace has it now; at most one of a name does.",
    "TABLE storage.classes": "Storage classes by name; 0 is the unknown one.",
    "TABLE storage.owners": (
        "Sets of teams (ids, sorted) that own objects together: several where equally long ownership rules are "
        "several teams'. Their bytes are split evenly, the remainder to the first. 0: nobody."
    ),
    "TABLE storage.keys": (
        "One row for each key that was ever listed or accessed. Keys are whole, with the backend's prefix; bytes that "
        "are no UTF-8 are written as backslash escapes."
    ),
    "TABLE storage.objects": "One row for each key that was ever listed; its id is that of the key.",
    "COLUMN storage.objects.deleted_at": "When a complete generation missed it; NULL: it is there.",
    "COLUMN storage.objects.last_access": "The last day (UTC) on which it was opened, read or written; NULL: never.",
    "COLUMN storage.objects.backend_id": "Its home: of the backends that show it the one with the longest prefix.",
    "COLUMN storage.objects.digest_kind": "0: no checksum is known, 1: MD5, 2: CRC32C.",
    "COLUMN storage.objects.version_hash": "XXH3-64 of the version, to notice another content.",
    "TABLE storage.early_accesses": (
        "The last day of access of keys that no crawl has seen yet; the one that does takes it over."
    ),
    "TABLE storage.capacity": "Sums over objects that are there. Kept with them, never computed.",
    "TABLE storage.ledger": (
        "What came, went, grew and changed hands each day (UTC, when it was seen). All of it together is capacity."
    ),
    "COLUMN storage.ledger.changed_bytes": "Growth of objects that were there before; negative when they shrank.",
    "COLUMN storage.ledger.moved_bytes": "What came from (or, negative, went to) other owners or home backends.",
    "TABLE storage.attribution": "One row: up to which event position owners follow teams and mount entries.",
    "TABLE storage.attributed": (
        "How objects of a place are attributed: at the longest of these prefixes that a key starts with stand its home "
        "and owners, as of the position in storage.attribution."
    ),
    "COLUMN storage.attributed.backend_id": "0: no assignment, only a doubt.",
    "COLUMN storage.attributed.doubted": "Objects below may be attributed as of another time: the next to hold the "
    "index goes over them.",
    "COLUMN storage.crawls.roots": "The whole prefixes below which everything was listed; empty before it ran.",
    "TABLE storage.crawls": "Every crawl and what came of it.",
    "COLUMN storage.crawls.generation": "Counts the crawls of the place from 1.",
    "COLUMN storage.crawls.state": (
        "queued, running, completed, held (found too much missing; waits for a confirmed crawl), failed or cancelled."
    ),
    "COLUMN storage.crawls.confirmed": "Whether somebody said that missing objects are really gone.",
    "TABLE storage.crawl_parts": "The parts of the key space of a crawl that has not ended, to go on after a break.",
    "COLUMN storage.crawl_parts.cursor": "Where in the listing of the part to go on; empty: at its beginning.",
    "TABLE storage.crawl_seen": (
        "Objects that the crawl under way has seen, a row for each transaction that saw some: as arrays they are a "
        "twentieth of the work. An object may be in several. What is in none at the end is gone."
    ),
}


def upgrade() -> None:
    """Create it all."""
    for statement in (*TABLES, *FUNCTIONS):
        op.execute(statement)
    for subject, words in COMMENTS.items():
        quoted = words.replace("'", "''").replace(":", "\\:")
        op.execute(f"COMMENT ON {subject} IS '{quoted}'")


def downgrade() -> None:
    """Refuse: what was recorded is not taken back."""
    raise NotImplementedError("migrations go forward only")
