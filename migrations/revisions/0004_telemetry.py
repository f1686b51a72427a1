"""Telemetry: what nodes said that users did, in day and month partitions, and how much of it is known.

Raw records are dropped by the day, rollups by the month. Texts that come again and again are numbered in `words`.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = 'text COLLATE "C" NOT NULL'

TABLES = (
    "CREATE SCHEMA telemetry",
    f"CREATE TABLE telemetry.words (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word {TEXT} UNIQUE)",
    "INSERT INTO telemetry.words OVERRIDING SYSTEM VALUE VALUES (0, '')",
    """
    CREATE TABLE telemetry.records (
        object_id bigint NOT NULL, at timestamptz NOT NULL, uid bigint NOT NULL, bytes_read bigint NOT NULL,
        opens integer NOT NULL, hits integer NOT NULL, misses integer NOT NULL, window_ms integer NOT NULL,
        latency_ms real NOT NULL, latency_max_ms real NOT NULL, day date NOT NULL,
        node_id integer NOT NULL, user_id integer NOT NULL, job_id integer NOT NULL, backend_id integer NOT NULL,
        error_id integer NOT NULL, mount_id integer, op smallint NOT NULL, path text, version text
    ) PARTITION BY RANGE (day)
    """,
    """
    CREATE TABLE telemetry.rollups (
        day date NOT NULL, user_id integer NOT NULL, object_id bigint NOT NULL, backend_id integer NOT NULL,
        opens bigint NOT NULL, bytes_read bigint NOT NULL, hits bigint NOT NULL, misses bigint NOT NULL,
        PRIMARY KEY (user_id, day, object_id)
    ) PARTITION BY RANGE (day)
    """,
    """
    CREATE TABLE telemetry.activity (
        day date NOT NULL, backend_id integer NOT NULL, user_id integer NOT NULL, job_id integer NOT NULL,
        records bigint NOT NULL, opens bigint NOT NULL, bytes_read bigint NOT NULL, hits bigint NOT NULL,
        misses bigint NOT NULL, errors bigint NOT NULL, PRIMARY KEY (day, backend_id, user_id, job_id)
    )
    """,
    "CREATE INDEX activity_user ON telemetry.activity (user_id, day)",
    "CREATE INDEX activity_job ON telemetry.activity (job_id, day)",
    """
    CREATE TABLE telemetry.batches (
        batch_id uuid PRIMARY KEY, received_at timestamptz NOT NULL, records integer NOT NULL
    )
    """,
    "CREATE INDEX batches_received ON telemetry.batches (received_at)",
    """
    CREATE TABLE telemetry.coverage (
        node_id integer NOT NULL, day date NOT NULL, covered_ms bigint NOT NULL, records bigint NOT NULL,
        lost bigint NOT NULL, too_old bigint NOT NULL, last_at timestamptz NOT NULL, PRIMARY KEY (node_id, day)
    )
    """,
    f"""
    CREATE TABLE telemetry.presence (
        node {TEXT}, day date NOT NULL, present_ms bigint NOT NULL, last_at timestamptz NOT NULL,
        PRIMARY KEY (node, day)
    )
    """,
    f"""
    CREATE TABLE telemetry.archives (
        day date PRIMARY KEY, backend {TEXT}, key {TEXT}, parts integer NOT NULL DEFAULT 1, records bigint NOT NULL,
        bytes bigint NOT NULL, seen pg_snapshot NOT NULL DEFAULT pg_current_snapshot(), archived_at timestamptz NOT NULL
    )
    """,
)

# Partitions are made and dropped by their owner, whoever asks: the application has no right to change tables.
KEEP_DAY = """
CREATE FUNCTION public.warpdrive_telemetry_day(wanted date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $body$
DECLARE
    first date := date_trunc('month', wanted)::date;
    records text := 'records_' || to_char(wanted, 'YYYYMMDD');
    rollups text := 'rollups_' || to_char(wanted, 'YYYYMM');
BEGIN
    IF to_regclass('telemetry.' || records) IS NOT NULL AND to_regclass('telemetry.' || rollups) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Two that want the same partition at once: the second finds it made.
    PERFORM pg_advisory_xact_lock(hashtext('telemetry partitions'));
    -- Made apart and attached: CREATE TABLE ... PARTITION OF would wait for everybody who reads or writes the table.
    IF to_regclass('telemetry.' || records) IS NULL THEN
        EXECUTE format('CREATE TABLE telemetry.%I (LIKE telemetry.records)', records);
        EXECUTE format('ALTER TABLE telemetry.records ATTACH PARTITION telemetry.%I FOR VALUES FROM (%L) TO (%L)',
            records, wanted, wanted + 1);
    END IF;
    IF to_regclass('telemetry.' || rollups) IS NULL THEN
        EXECUTE format('CREATE TABLE telemetry.%I (LIKE telemetry.rollups INCLUDING INDEXES) WITH (fillfactor = 90)',
            rollups);
        EXECUTE format('ALTER TABLE telemetry.rollups ATTACH PARTITION telemetry.%I FOR VALUES FROM (%L) TO (%L)',
            rollups, first, (first + interval '1 month')::date);
    END IF;
END
$body$
"""

# Who reads a partition is waited for, but not for long: behind the one who waits, everybody else would wait too.
DROP_DAY = """
CREATE FUNCTION public.warpdrive_telemetry_drop_day(unwanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
SET lock_timeout = '2s' AS $body$
DECLARE
    records text := 'records_' || to_char(unwanted, 'YYYYMMDD');
BEGIN
    IF to_regclass('telemetry.' || records) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE telemetry.%I', records);
    RETURN true;
END
$body$
"""

DROP_MONTH = """
CREATE FUNCTION public.warpdrive_telemetry_drop_month(unwanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
SET lock_timeout = '2s' AS $body$
DECLARE
    rollups text := 'rollups_' || to_char(unwanted, 'YYYYMM');
BEGIN
    IF to_regclass('telemetry.' || rollups) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE telemetry.%I', rollups);
    RETURN true;
END
$body$
"""

FUNCTIONS = (
    KEEP_DAY,
    DROP_DAY,
    DROP_MONTH,
    "REVOKE ALL ON FUNCTION public.warpdrive_telemetry_day(date) FROM PUBLIC",
    "REVOKE ALL ON FUNCTION public.warpdrive_telemetry_drop_day(date) FROM PUBLIC",
    "REVOKE ALL ON FUNCTION public.warpdrive_telemetry_drop_month(date) FROM PUBLIC",
)

COMMENTS = {
    "SCHEMA telemetry": "What nodes observed. Not made of events; days are UTC.",
    "TABLE telemetry.words": "Names of nodes, users, jobs, errors and mount paths by number; 0 is the empty one.",
    "TABLE telemetry.records": (
        "Access records as they came, a partition a day. object_id is a key's; numbers of words end in _id."
    ),
    "COLUMN telemetry.records.at": "Start of the window, by the control plane's clock (see clock correction).",
    "COLUMN telemetry.records.op": "0 open, 1 read, 2 list, 3 stat, 4 write.",
    "COLUMN telemetry.records.mount_id": "What stands before the key in the path; NULL: the path is in its own column.",
    "COLUMN telemetry.records.path": "NULL where mount_id says it.",
    "TABLE telemetry.rollups": "Opens, reads and writes per user, day and object; a partition a month.",
    "TABLE telemetry.activity": "The same per day, backend, user and job, for answers about users and jobs.",
    "TABLE telemetry.batches": "Which batches were taken, for longer than a node keeps one to send it again.",
    "TABLE telemetry.coverage": "How much of each day each node told: covered_ms of what presence says it was there.",
    "COLUMN telemetry.coverage.lost": "Records that the node could not keep.",
    "COLUMN telemetry.coverage.too_old": "Records that came when their day was kept no more.",
    "TABLE telemetry.presence": "How long each node's agent was heard of each day, by its heartbeats.",
    "TABLE telemetry.archives": "Days whose records are in the archive as Parquet.",
    "COLUMN telemetry.archives.key": "What the keys of its files begin with, below the backend's prefix.",
    "COLUMN telemetry.archives.parts": "How many files; late records come as further ones.",
    "COLUMN telemetry.archives.seen": "Which transactions' records are in the files: what is late came by another.",
    "FUNCTION public.warpdrive_telemetry_day": "Makes the partitions that a day's records and rollups need.",
    "FUNCTION public.warpdrive_telemetry_drop_day": "Drops a day's records; false when there are none.",
    "FUNCTION public.warpdrive_telemetry_drop_month": "Drops a month's rollups; false when there are none.",
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
