"""Governance: leases, job reports, the shares of readers, and dismissed recommendations."""

from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = 'text COLLATE "C" NOT NULL'

TABLES = (
    "CREATE SCHEMA governance",
    f"""
    CREATE TABLE governance.lease_books (
        quota_id {TEXT}, usage bigint NOT NULL, settled bigint NOT NULL, PRIMARY KEY (quota_id)
    )
    """,
    f"""
    CREATE TABLE governance.leases (
        id uuid PRIMARY KEY, node {TEXT}, backend {TEXT}, bytes bigint NOT NULL, settled_bytes bigint NOT NULL,
        warned boolean NOT NULL, granted_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
        settled_at timestamptz
    )
    """,
    "CREATE INDEX leases_open ON governance.leases (expires_at) WHERE settled_at IS NULL",
    f"""
    CREATE TABLE governance.lease_shares (
        lease_id uuid NOT NULL REFERENCES governance.leases ON DELETE CASCADE, quota_id {TEXT},
        bytes bigint NOT NULL, PRIMARY KEY (quota_id, lease_id)
    )
    """,
    "CREATE INDEX lease_shares_lease ON governance.lease_shares (lease_id)",
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
        id {TEXT}, recommendation {TEXT}, dismissed boolean NOT NULL, reason {TEXT},
        version bigint NOT NULL, "position" bigint NOT NULL, updated_at timestamptz NOT NULL, PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX dismissals_recommendation ON read_model.dismissals (recommendation)",
)

FUNCTIONS: tuple[str, ...] = ()

COMMENTS = {
    "SCHEMA governance": "What answers about use need beside telemetry and the storage index. Not made of events.",
    "TABLE governance.lease_books": (
        "One row a quota, locked by whoever grants or settles. usage: bytes that the last complete crawl counted; "
        "settled: bytes written on leases since that crawl began."
    ),
    "TABLE governance.leases": "Bytes promised to nodes. Open: not settled and not expired.",
    "TABLE governance.lease_shares": "Which quotas a lease counts against, and for how many of its bytes.",
    "TABLE governance.jobs": "Batch jobs as their systems reported them; the last word counts.",
    "TABLE governance.reader_shares": (
        "Bytes of each backend by who read them in the last so many days, counted anew in the background."
    ),
    "COLUMN governance.reader_shares.basis": "team or user.",
    "COLUMN governance.reader_shares.subject": "A team's id or a user's name; empty where kind says why.",
    "COLUMN governance.reader_shares.kind": "team, user, unattributed (readers in no team) or unread.",
    "TABLE governance.refreshes": "When what is counted in the background was, as of which position of the decisions.",
    "TABLE read_model.dismissals": "Recommendations that somebody dismissed, or restored since.",
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
