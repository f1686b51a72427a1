"""The read models: rows made of events, in a schema of their own that a rebuild replaces whole; and the agents.

`application/projections/tables.py` says the same to the code; a test compares. Texts are ordered by their code
points (collation C), as the application orders them.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = 'text COLLATE "C" NOT NULL'
STAMPS = 'version bigint NOT NULL, "position" bigint NOT NULL, updated_at timestamptz NOT NULL'

TABLES = (
    "CREATE SCHEMA read_model",
    f"""
    CREATE TABLE read_model.namespaces (
        id {TEXT}, name {TEXT}, sealed boolean NOT NULL, retired boolean NOT NULL, created_at timestamptz NOT NULL,
        {STAMPS}, PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX namespaces_name ON read_model.namespaces (name, id)",
    f"""
    CREATE TABLE read_model.mount_entries (
        namespace_id {TEXT}, path {TEXT}, entry jsonb NOT NULL, backend {TEXT}, fingerprint {TEXT}, tenant {TEXT},
        PRIMARY KEY (namespace_id, path)
    )
    """,
    "CREATE INDEX mount_entries_backend ON read_model.mount_entries (backend)",
    f"""
    CREATE TABLE read_model.teams (
        id {TEXT}, name {TEXT}, disbanded boolean NOT NULL, created_at timestamptz NOT NULL,
        {STAMPS}, PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX teams_name ON read_model.teams (name, id)",
    f"CREATE TABLE read_model.team_members (team_id {TEXT}, principal {TEXT}, PRIMARY KEY (team_id, principal))",
    "CREATE INDEX team_members_principal ON read_model.team_members (principal)",
    f"""
    CREATE TABLE read_model.ownership_rules (
        team_id {TEXT}, backend {TEXT}, prefix {TEXT}, PRIMARY KEY (team_id, backend, prefix)
    )
    """,
    f"""
    CREATE TABLE read_model.quotas (
        id {TEXT}, team_id {TEXT}, backend {TEXT}, soft bigint NOT NULL, hard bigint NOT NULL,
        grace_seconds bigint NOT NULL, usage bigint, grace_until timestamptz, lease_bytes bigint, lease_seconds bigint,
        removed boolean NOT NULL, {STAMPS}, PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX quotas_team ON read_model.quotas (team_id, backend)",
    f"""
    CREATE TABLE read_model.tenant_access (
        id {TEXT}, tenant_id {TEXT}, backends jsonb NOT NULL, private_endpoint {TEXT},
        enforce_private_link boolean NOT NULL, service_tags jsonb NOT NULL, expires_at timestamptz,
        revoked boolean NOT NULL, policy_version bigint NOT NULL,
        {STAMPS}, PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX tenant_access_tenant ON read_model.tenant_access (tenant_id)",
    f"""
    CREATE TABLE read_model.price_books (
        id {TEXT}, name {TEXT}, currency {TEXT}, retired boolean NOT NULL, {STAMPS}, PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX price_books_name ON read_model.price_books (name, id)",
    f"""
    CREATE TABLE read_model.prices (
        book_id {TEXT}, backend {TEXT}, storage_class {TEXT}, valid_from {TEXT}, per_gib_month {TEXT},
        per_1000_requests {TEXT}, per_gib_egress {TEXT}, PRIMARY KEY (book_id, backend, storage_class, valid_from)
    )
    """,
    f"""
    CREATE TABLE read_model.tokens (
        id {TEXT}, digest {TEXT}, role {TEXT}, namespaces jsonb NOT NULL, teams jsonb NOT NULL, node {TEXT},
        note {TEXT}, created_at timestamptz NOT NULL, created_by {TEXT}, expires_at timestamptz,
        revoked boolean NOT NULL, {STAMPS}, PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX tokens_digest ON read_model.tokens (digest)",
    f"""
    CREATE TABLE public.agents (
        node {TEXT}, namespace {TEXT}, version {TEXT}, mount_point {TEXT}, health {TEXT}, detail {TEXT},
        "position" bigint NOT NULL, registered_at timestamptz NOT NULL, last_seen_at timestamptz NOT NULL,
        PRIMARY KEY (node)
    )
    """,
    # There from the beginning, so that a swap and a step always have a row to lock.
    "INSERT INTO public.warpdrive_tracking VALUES ('read_model', 0)",
)

# Tables are made and moved by their owner, whoever asks: the application has no right to change how they look.
BEGIN_REBUILD = """
CREATE FUNCTION public.warpdrive_begin_rebuild() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $body$
DECLARE
    copied record;
    given record;
BEGIN
    -- What a rebuild left that did not come to its end.
    DROP SCHEMA IF EXISTS read_model_former CASCADE;
    DROP SCHEMA IF EXISTS read_model_next CASCADE;
    DELETE FROM public.warpdrive_tracking WHERE application_name = 'read_model_next';
    INSERT INTO public.warpdrive_tracking VALUES ('read_model_next', 0);
    CREATE SCHEMA read_model_next;
    EXECUTE format('COMMENT ON SCHEMA read_model_next IS %L',
        obj_description('read_model'::regnamespace, 'pg_namespace'));
    -- Each keeps the rights that were given on the one it will replace.
    FOR given IN
        SELECT a.grantee, a.privilege_type FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
            WHERE n.nspname = 'read_model' AND a.grantee NOT IN (0, n.nspowner)
    LOOP
        EXECUTE format('GRANT %s ON SCHEMA read_model_next TO %I',
            given.privilege_type, pg_get_userbyid(given.grantee));
    END LOOP;
    FOR copied IN
        SELECT c.oid, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'read_model' AND c.relkind = 'r'
    LOOP
        EXECUTE format('CREATE TABLE read_model_next.%I (LIKE read_model.%I INCLUDING ALL)',
            copied.relname, copied.relname);
        EXECUTE format('COMMENT ON TABLE read_model_next.%I IS %L',
            copied.relname, obj_description(copied.oid, 'pg_class'));
        FOR given IN
            SELECT a.grantee, a.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS a
                WHERE c.oid = copied.oid AND a.grantee NOT IN (0, c.relowner)
        LOOP
            EXECUTE format('GRANT %s ON read_model_next.%I TO %I',
                given.privilege_type, copied.relname, pg_get_userbyid(given.grantee));
        END LOOP;
    END LOOP;
END
$body$
"""

SWAP = """
CREATE FUNCTION public.warpdrive_swap_rebuilt() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    live bigint;
    rebuilt bigint;
BEGIN
    -- Every step locks this row first, so none is under way while the schemas change their names.
    SELECT notification_id INTO STRICT live FROM public.warpdrive_tracking
        WHERE application_name = 'read_model' FOR UPDATE;
    SELECT notification_id INTO STRICT rebuilt FROM public.warpdrive_tracking
        WHERE application_name = 'read_model_next' FOR UPDATE;
    IF rebuilt < live THEN
        RETURN false;
    END IF;
    ALTER SCHEMA read_model RENAME TO read_model_former;
    ALTER SCHEMA read_model_next RENAME TO read_model;
    UPDATE public.warpdrive_tracking SET notification_id = rebuilt WHERE application_name = 'read_model';
    DELETE FROM public.warpdrive_tracking WHERE application_name = 'read_model_next';
    RETURN true;
END
$body$
"""

# Apart from the swap: dropping waits for whoever still reads the former tables, and nobody shall wait for that.
CLEAR = """
CREATE FUNCTION public.warpdrive_clear_rebuild() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $body$
BEGIN
    DROP SCHEMA IF EXISTS read_model_former CASCADE;
    DROP SCHEMA IF EXISTS read_model_next CASCADE;
    DELETE FROM public.warpdrive_tracking WHERE application_name = 'read_model_next';
END
$body$
"""

RIGHTS = (
    "REVOKE ALL ON FUNCTION public.warpdrive_begin_rebuild() FROM PUBLIC",
    "REVOKE ALL ON FUNCTION public.warpdrive_swap_rebuilt() FROM PUBLIC",
    "REVOKE ALL ON FUNCTION public.warpdrive_clear_rebuild() FROM PUBLIC",
)

STAMP_COMMENTS = {
    "version": "Version of the last event of the row's stream.",
    '"position"': "Position of the last event of the row's stream.",
    "updated_at": "Moment of the command that caused the last event of the row's stream.",
}

COMMENTS = {
    "SCHEMA read_model": (
        "Rows made of events up to the position that warpdrive_tracking has for read_model. A rebuild "
        "replaces the whole schema; nothing else may refer to its tables."
    ),
    "TABLE read_model.namespaces": "One row a namespace, retired ones too; id is its stream's.",
    "TABLE read_model.mount_entries": "The mount entries of each namespace as they are now, also of retired ones.",
    "COLUMN read_model.mount_entries.entry": "The whole entry as its event carries it.",
    "COLUMN read_model.mount_entries.fingerprint": (
        "Which place the backend is, whatever its name: type, endpoint, account or bucket, prefix."
    ),
    "COLUMN read_model.mount_entries.tenant": "The Entra tenant that restricts the backend; empty: none does.",
    "TABLE read_model.teams": "One row a team, disbanded ones too; members and rules stay as they were last.",
    "TABLE read_model.team_members": "Who belongs to which team now.",
    "TABLE read_model.ownership_rules": (
        "Keys of the backend (* for every one) that start with the prefix belong to the team."
    ),
    "TABLE read_model.quotas": "One row per team and backend (* for all together) that ever had a quota.",
    "COLUMN read_model.quotas.soft": "Bytes; above it the grace runs.",
    "COLUMN read_model.quotas.hard": "Bytes; nobody may hold more.",
    "COLUMN read_model.quotas.usage": "Bytes when somebody counted last; NULL until then.",
    "COLUMN read_model.quotas.grace_until": "When the grace ends or ended; NULL while the soft limit is kept.",
    "COLUMN read_model.quotas.lease_bytes": "Bytes promised to a node at once; NULL leaves it to the control plane.",
    "COLUMN read_model.quotas.lease_seconds": "For how long; NULL as lease_bytes.",
    "COLUMN read_model.quotas.removed": "Nothing is limited until limits are set again; the limits are the last ones.",
    "TABLE read_model.tenant_access": (
        "What is granted to reach each Entra tenant; no backends: nothing was ever granted."
    ),
    "COLUMN read_model.tenant_access.private_endpoint": "Host name of the way in; empty: the backend's own.",
    "COLUMN read_model.tenant_access.expires_at": "NULL: never.",
    "COLUMN read_model.tenant_access.policy_version": "Version of the last event that can have changed a decision.",
    "TABLE read_model.price_books": "One row a price book, retired ones too.",
    "TABLE read_model.prices": (
        "Prices by backend, storage class (* for any) and the ISO day from which they are valid; exact "
        "decimals as texts."
    ),
    "TABLE read_model.tokens": "Access tokens, ended ones too.",
    "COLUMN read_model.tokens.digest": "SHA-256 of the secret in hexadecimal digits; callers are found by it.",
    "COLUMN read_model.tokens.namespaces": "Scope by name; empty: all of them.",
    "COLUMN read_model.tokens.teams": "Scope by name; empty: all of them.",
    "COLUMN read_model.tokens.node": "The one node that an agent's token is for; else empty.",
    "COLUMN read_model.tokens.expires_at": "NULL: never.",
    "TABLE public.agents": "The last word of each node's agent. Not made of events, so never rebuilt.",
    'COLUMN public.agents."position"': "Position of the namespace that the agent serves; 0 before the first.",
    "FUNCTION public.warpdrive_begin_rebuild": (
        "Makes empty tables beside the live ones, in the schema read_model_next, with their columns, indexes "
        "and rights."
    ),
    "FUNCTION public.warpdrive_swap_rebuilt": (
        "Puts read_model_next in the place of read_model; false when it is behind."
    ),
    "FUNCTION public.warpdrive_clear_rebuild": (
        "Drops what a rebuild left: the former tables, or those that were not swapped in."
    ),
    **{
        f"COLUMN read_model.{table}.{column}": words
        for table in ("namespaces", "teams", "quotas", "tenant_access", "price_books", "tokens")
        for column, words in STAMP_COMMENTS.items()
    },
}


def upgrade() -> None:
    """Create it all."""
    for statement in (*TABLES, BEGIN_REBUILD, SWAP, CLEAR, *RIGHTS):
        op.execute(statement)
    for subject, words in COMMENTS.items():
        quoted = words.replace("'", "''").replace(":", "\\:")
        op.execute(f"COMMENT ON {subject} IS '{quoted}'")


def downgrade() -> None:
    """Refuse: what was recorded is not taken back."""
    raise NotImplementedError("migrations go forward only")
