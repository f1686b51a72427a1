"""Governance: leases, job reports, the shares of readers, and dismissed recommendations."""

from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = 'text COLLATE "C" NOT NULL'

TABLES = (
    "CREATE SCHEMA governance",
    f"""
    CREATE TABLE governance.counts (
        backend {TEXT}, place {TEXT}, generation bigint NOT NULL, since timestamptz NOT NULL, PRIMARY KEY (backend)
    )
    """,
    f"""
    CREATE TABLE governance.counted (
        backend {TEXT}, team_id {TEXT}, bytes bigint NOT NULL, PRIMARY KEY (team_id, backend)
    )
    """,
    f"CREATE TABLE governance.lease_books (quota_id {TEXT}, PRIMARY KEY (quota_id))",
    f"""
    CREATE TABLE governance.leases (
        id uuid PRIMARY KEY, request_hash bytea NOT NULL, node {TEXT}, backend {TEXT}, place {TEXT},
        owners text[] NOT NULL, teams text[] NOT NULL, bytes bigint NOT NULL, settled_bytes bigint NOT NULL,
        warned boolean NOT NULL, granted_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
        settled_at timestamptz
    )
    """,
    "CREATE INDEX leases_open ON governance.leases (expires_at) WHERE settled_at IS NULL",
    "CREATE INDEX leases_settled ON governance.leases (settled_at) WHERE settled_at IS NOT NULL",
    f"""
    CREATE TABLE governance.lease_shares (
        lease_id uuid NOT NULL REFERENCES governance.leases ON DELETE CASCADE, quota_id {TEXT}, team_id {TEXT},
        bytes bigint NOT NULL, PRIMARY KEY (quota_id, lease_id)
    )
    """,
    "CREATE INDEX lease_shares_lease ON governance.lease_shares (lease_id)",
    f"""
    CREATE TABLE governance.settled (
        quota_id {TEXT}, backend {TEXT}, place {TEXT}, generation bigint NOT NULL, minute timestamptz NOT NULL,
        last_at timestamptz NOT NULL, bytes bigint NOT NULL,
        PRIMARY KEY (quota_id, backend, place, generation, minute)
    )
    """,
    f"""
    CREATE TABLE governance.jobs (
        job {TEXT}, user_name {TEXT}, status {TEXT}, started_at timestamptz, ended_at timestamptz,
        reported_at timestamptz NOT NULL, reported_by {TEXT}, PRIMARY KEY (job, user_name)
    )
    """,
    f"""
    CREATE TABLE governance.reader_shares (
        days integer NOT NULL, basis {TEXT}, subject {TEXT}, kind {TEXT}, backend_id integer NOT NULL,
        objects bigint NOT NULL, bytes bigint NOT NULL, PRIMARY KEY (days, basis, subject, kind, backend_id)
    )
    """,
    f"""
    CREATE TABLE governance.refreshes (
        name {TEXT}, refreshed_at timestamptz NOT NULL, took_ms bigint NOT NULL, "position" bigint NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    f"""
    CREATE TABLE read_model.dismissals (
        id {TEXT}, kind {TEXT}, team_id {TEXT}, backend {TEXT}, dismissed boolean NOT NULL, reason {TEXT},
        decided_by {TEXT}, version bigint NOT NULL, "position" bigint NOT NULL, updated_at timestamptz NOT NULL,
        PRIMARY KEY (id)
    )
    """,
)

FUNCTIONS: tuple[str, ...] = ()

COMMENTS = {
    "SCHEMA governance": "What answers about use need beside telemetry and the storage index. Not made of events.",
    "TABLE governance.counts": (
        "Backends whose bytes are in governance.counted, and which crawl of which place counted them: the newest one "
        "begun, which completed."
    ),
    "COLUMN governance.counts.since": "As of when that crawl is: its begin, or when the report that it took was made.",
    "TABLE governance.counted": (
        "Bytes of each team as that crawl left them. A later one that has not completed changes storage.capacity "
        "already, and this not yet."
    ),
    "COLUMN governance.counted.team_id": "Empty: nobody owns them.",
    "TABLE governance.lease_books": "One row a quota that a lease was asked of, locked by whoever grants.",
    "TABLE governance.leases": (
        "Bytes promised to nodes, under the id of the command that asked. Open: not settled and not expired. Kept for "
        "a day after that, to answer repetitions and to be settled late."
    ),
    "COLUMN governance.leases.owners": "Ids of the teams that own the key together.",
    "COLUMN governance.leases.teams": "Those of them whose quotas the lease counts against.",
    "TABLE governance.lease_shares": (
        "Which quotas a lease that is not settled counts against, and for how many of its bytes."
    ),
    "TABLE governance.settled": (
        "Bytes written on leases, by the newest crawl of the place that had begun by then (0: none) and the minute. "
        "They count until a later crawl is in governance.counts that is also as of a later moment: a report may be old."
    ),
    "COLUMN governance.settled.last_at": "When the last of the minute's were settled.",
    "TABLE governance.jobs": "Batch jobs as their systems reported them; the last word counts.",
    "TABLE governance.reader_shares": (
        "Bytes of each backend by who read them in the last so many days, counted anew in the background."
    ),
    "COLUMN governance.reader_shares.basis": "team or user.",
    "COLUMN governance.reader_shares.subject": "A team's id or a user's name; empty where kind says why.",
    "COLUMN governance.reader_shares.kind": "team, user, unattributed (readers in no team) or unread.",
    "TABLE governance.refreshes": "When what is counted in the background was, as of which position of the decisions.",
    "TABLE read_model.dismissals": "Recommendations that somebody dismissed, or restored since.",
    "COLUMN read_model.dismissals.id": "The recommendation's, made of kind, team and backend; its stream's too.",
    "COLUMN read_model.dismissals.team_id": "Empty: of what nobody owns.",
    "COLUMN read_model.dismissals.decided_by": "Who dismissed or restored it last.",
    "COLUMN read_model.dismissals.version": "Version of the last event of the row's stream.",
    'COLUMN read_model.dismissals."position"': "Position of the last event of the row's stream.",
    "COLUMN read_model.dismissals.updated_at": "Moment of the command that caused the last event of the row's stream.",
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
