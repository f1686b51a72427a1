"""The event store: events, snapshots, tracking, commands, names; one function that appends; the hash chain.

The first three tables are exactly those that the `eventsourcing` library's own recorders make, and more columns
with defaults, so that the library's `PostgresProcessRecorder`, run as the owner, reads and writes them.
"""

from alembic import op

revision = "0001"
down_revision = None

# Like the library's own tables: rows are never changed, so vacuum and statistics have little to do.
APPENDED_ONLY = """
    WITH (
        autovacuum_vacuum_threshold = 100000000,
        autovacuum_vacuum_scale_factor = 0.5,
        autovacuum_analyze_threshold = 1000,
        autovacuum_analyze_scale_factor = 0.01
    )
"""

# Vacuum and analyze of the events keep appends waiting, and the other way round: the append's lock excludes theirs, and
# a vacuum that somebody waits for gives up after a second. So they come often and at full speed and are over soon
# (100,000 new rows: 60 ms), and rows are frozen at once, so that the long vacuums against wraparound find nothing to
# do. A sample of 3,000 rows is enough for statistics (30,000, the default, take 0.3 s): every question has its index.
SOON_OVER = """
    ALTER TABLE public.warpdrive_events SET (
        autovacuum_vacuum_insert_threshold = 100000,
        autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_vacuum_cost_delay = 0,
        autovacuum_freeze_min_age = 0,
        autovacuum_analyze_threshold = 100000,
        autovacuum_analyze_scale_factor = 0.1
    )
"""
FEW_STATISTICS = "ALTER TABLE public.warpdrive_events " + ", ".join(
    f"ALTER COLUMN {column} SET STATISTICS 10"
    for column in (
        "originator_id",
        "originator_version",
        "topic",
        "state",
        "notification_id",
        "recorded_at",
        "actor",
        "command_id",
        "correlation_id",
        "causation_id",
        "hash",
    )
)

TABLES = (
    f"""
    CREATE TABLE public.warpdrive_events (
        originator_id uuid NOT NULL,
        originator_version bigint NOT NULL,
        topic text,
        state bytea,
        notification_id bigserial,
        recorded_at timestamptz NOT NULL DEFAULT statement_timestamp(),
        actor text NOT NULL DEFAULT '',
        command_id uuid,
        correlation_id text NOT NULL DEFAULT '',
        causation_id text NOT NULL DEFAULT '',
        hash bytea NOT NULL DEFAULT ''::bytea,
        PRIMARY KEY (originator_id, originator_version)
    ) {APPENDED_ONLY}
    """,
    "CREATE UNIQUE INDEX warpdrive_events_notification_id_idx ON public.warpdrive_events (notification_id)",
    """
    CREATE INDEX warpdrive_events_recorded_at_idx ON public.warpdrive_events (recorded_at, notification_id)
    """,
    f"""
    CREATE TABLE public.warpdrive_snapshots (
        originator_id uuid NOT NULL,
        originator_version bigint NOT NULL,
        topic text,
        state bytea,
        PRIMARY KEY (originator_id, originator_version)
    ) {APPENDED_ONLY}
    """,
    """
    CREATE TABLE public.warpdrive_tracking (
        application_name text,
        notification_id bigint,
        PRIMARY KEY (application_name)
    )
    """,
    # With this row the library knows that the table holds one row per application, and leaves it as it is.
    "INSERT INTO public.warpdrive_tracking VALUES ('__migration__', 1)",
    # The library's recorders send events as an array of this type.
    """
    CREATE TYPE public.stored_event_uuid AS (
        originator_id uuid, originator_version bigint, topic text, state bytea
    )
    """,
    """
    CREATE TABLE public.commands (
        command_id uuid PRIMARY KEY,
        request_hash bytea NOT NULL,
        stream uuid NOT NULL,
        version bigint NOT NULL,
        "position" bigint NOT NULL
    )
    """,
    """
    CREATE TABLE public.names (
        kind text NOT NULL,
        name text NOT NULL,
        owner text NOT NULL,
        uses bigint NOT NULL CHECK (uses > 0),
        PRIMARY KEY (kind, name)
    )
    """,
)

CHAIN = """
CREATE FUNCTION public.warpdrive_chain_event() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    previous_hash bytea;
    previous_at timestamptz;
    previous_position bigint;
    topic bytea := pg_catalog.convert_to(NEW.topic, 'UTF8');
    actor bytea := pg_catalog.convert_to(NEW.actor, 'UTF8');
BEGIN
    IF NEW.topic IS NULL OR NEW.state IS NULL THEN
        RAISE not_null_violation USING MESSAGE = 'an event has a topic and a state';
    END IF;
    -- Rows inserted before by the same statement are seen here, because the function is volatile.
    SELECT e.hash, e.recorded_at, e.notification_id INTO previous_hash, previous_at, previous_position
        FROM public.warpdrive_events AS e ORDER BY e.notification_id DESC LIMIT 1;
    IF previous_position >= NEW.notification_id THEN
        RAISE integrity_constraint_violation USING MESSAGE = 'positions must grow: take the lock on the table first';
    END IF;
    NEW.recorded_at := greatest(NEW.recorded_at, previous_at);
    NEW.hash := pg_catalog.sha256(
        coalesce(previous_hash, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'))
        || pg_catalog.uuid_send(NEW.originator_id)
        || pg_catalog.int8send(NEW.originator_version)
        || pg_catalog.int4send(pg_catalog.octet_length(topic)) || topic
        || pg_catalog.int4send(pg_catalog.octet_length(NEW.state)) || NEW.state
        || pg_catalog.int4send(pg_catalog.octet_length(actor)) || actor
        || CASE WHEN NEW.command_id IS NULL THEN pg_catalog.int4send(-1)
           ELSE pg_catalog.int4send(16) || pg_catalog.uuid_send(NEW.command_id) END
        || pg_catalog.timestamptz_send(NEW.recorded_at)
    );
    RETURN NEW;
END
$body$
"""

REFUSAL = """
CREATE FUNCTION public.warpdrive_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE restrict_violation USING
        MESSAGE = pg_catalog.format('%s of %s: what was recorded stays as it is', TG_OP, TG_TABLE_NAME);
END
$body$
"""

TRIGGERS = (
    """
    CREATE TRIGGER chain BEFORE INSERT ON public.warpdrive_events
        FOR EACH ROW EXECUTE FUNCTION public.warpdrive_chain_event()
    """,
    """
    CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON public.warpdrive_events
        FOR EACH STATEMENT EXECUTE FUNCTION public.warpdrive_refuse_change()
    """,
    """
    CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON public.commands
        FOR EACH STATEMENT EXECUTE FUNCTION public.warpdrive_refuse_change()
    """,
)

APPEND = """
CREATE FUNCTION public.warpdrive_append(
    lock_patience_ms integer,
    -- One element a command.
    command_ids uuid[], request_hashes bytea[], actors text[], correlation_ids text[], causation_ids text[],
    streams uuid[], versions bigint[], event_counts integer[], name_counts integer[],
    -- One element an event, the commands' events one after another.
    event_streams uuid[], event_versions bigint[], event_topics text[], event_states bytea[],
    -- One element a name used, in the same manner.
    name_kinds text[], names_used text[], name_owners text[], name_uses integer[]
) RETURNS TABLE (outcome text, stream uuid, version bigint, "position" bigint, kind text, name text, owner text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
#variable_conflict use_column
DECLARE
    first_event integer := 1;
    first_name integer := 1;
    last_event integer;
    last_name integer;
    known record;
    named record;
    now_at timestamptz;
    written boolean := false;
    violated text;
BEGIN
    PERFORM set_config('lock_timeout', lock_patience_ms::text, true);
    LOCK TABLE public.warpdrive_events IN EXCLUSIVE MODE;
    now_at := clock_timestamp();
    FOR c IN 1 .. cardinality(command_ids) LOOP
        last_event := first_event + event_counts[c] - 1;
        last_name := first_name + name_counts[c] - 1;
        stream := streams[c];
        version := versions[c];
        position := NULL;
        kind := NULL;
        name := NULL;
        owner := NULL;
        SELECT k.request_hash, k.stream, k.version, k.position INTO known
            FROM public.commands AS k WHERE k.command_id = command_ids[c];
        IF FOUND THEN
            outcome := CASE WHEN known.request_hash = request_hashes[c] THEN 'repeated' ELSE 'reused' END;
            stream := known.stream;
            version := known.version;
            position := known.position;
        ELSE
            BEGIN
                outcome := 'recorded';
                FOR n IN first_name .. last_name LOOP
                    SELECT t.owner, t.uses INTO named
                        FROM public.names AS t WHERE t.kind = name_kinds[n] AND t.name = names_used[n];
                    IF FOUND AND named.owner <> name_owners[n] THEN
                        outcome := 'taken';
                    ELSIF coalesce(named.uses, 0) + name_uses[n] < 0 THEN
                        outcome := 'not held';
                    ELSIF named.uses IS NULL AND name_uses[n] > 0 THEN
                        INSERT INTO public.names VALUES (name_kinds[n], names_used[n], name_owners[n], name_uses[n]);
                    ELSIF named.uses + name_uses[n] = 0 THEN
                        DELETE FROM public.names AS t WHERE t.kind = name_kinds[n] AND t.name = names_used[n];
                    ELSE
                        UPDATE public.names AS t SET uses = t.uses + name_uses[n]
                            WHERE t.kind = name_kinds[n] AND t.name = names_used[n];
                    END IF;
                    IF outcome <> 'recorded' THEN
                        kind := name_kinds[n];
                        name := names_used[n];
                        owner := coalesce(named.owner, name_owners[n]);
                        RAISE triggered_action_exception;
                    END IF;
                END LOOP;
                IF last_event < first_event THEN
                    SELECT coalesce(max(e.notification_id), 0) INTO position FROM public.warpdrive_events AS e;
                ELSE
                    INSERT INTO public.warpdrive_events (originator_id, originator_version, topic, state,
                            recorded_at, actor, command_id, correlation_id, causation_id)
                        SELECT u.id, u.number, u.topic, u.state,
                            now_at, actors[c], command_ids[c], correlation_ids[c], causation_ids[c]
                        FROM unnest(event_streams[first_event:last_event], event_versions[first_event:last_event],
                            event_topics[first_event:last_event], event_states[first_event:last_event])
                            WITH ORDINALITY AS u (id, number, topic, state, place)
                        ORDER BY u.place;
                    position := currval('public.warpdrive_events_notification_id_seq');
                END IF;
                INSERT INTO public.commands VALUES (command_ids[c], request_hashes[c], stream, version, position);
                written := written OR last_event >= first_event;
            EXCEPTION
                WHEN triggered_action_exception THEN
                    NULL;  -- outcome says it; the command's names are as they were
                WHEN unique_violation THEN
                    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
                    IF violated <> 'warpdrive_events_pkey' THEN
                        RAISE;
                    END IF;
                    outcome := 'conflict';
            END;
        END IF;
        RETURN NEXT;
        first_event := last_event + 1;
        first_name := last_name + 1;
    END LOOP;
    IF written THEN
        PERFORM pg_notify('warpdrive_events', '');
    END IF;
END
$body$
"""

COMMENTS = {
    "TABLE public.warpdrive_events": (
        "What was decided: every event of every stream, appended by warpdrive_append, never changed."
    ),
    "COLUMN public.warpdrive_events.originator_version": "The event's count in its stream, from 1.",
    "COLUMN public.warpdrive_events.state": "The event as the eventsourcing library's mapper writes it (JSON).",
    "COLUMN public.warpdrive_events.notification_id": (
        "The position in the order of all streams. Grows, with gaps: a command that loses a race burns some."
    ),
    "COLUMN public.warpdrive_events.recorded_at": (
        "When it was appended, by this server's clock, but never before the event at the position before."
    ),
    "COLUMN public.warpdrive_events.actor": (
        "The principal who caused it; empty in rows that were not written by warpdrive_append."
    ),
    "COLUMN public.warpdrive_events.command_id": (
        "The command that caused it; NULL in rows that were not written by warpdrive_append."
    ),
    "COLUMN public.warpdrive_events.correlation_id": (
        "Ties together what one request from outside caused; may be empty."
    ),
    "COLUMN public.warpdrive_events.causation_id": (
        "What caused the command, for commands that events caused; else empty."
    ),
    "COLUMN public.warpdrive_events.hash": (
        "SHA-256 over this row and the hash at the position before (32 zero bytes at the first): see "
        "application/projections/chain.py."
    ),
    "TABLE public.warpdrive_snapshots": (
        "Folds of streams up to a version: shortcuts for loading. Rows may be deleted at any time."
    ),
    "TABLE public.warpdrive_tracking": "Up to which position each projection has applied the events.",
    "COLUMN public.warpdrive_tracking.application_name": (
        "A projection. __migration__ is none: the eventsourcing library marks the table's form by it."
    ),
    "TABLE public.commands": (
        "Every command that was carried out, with its receipt: a repetition is answered from here."
    ),
    "COLUMN public.commands.request_hash": (
        "SHA-256 of the request: the same command id with another request is refused."
    ),
    "COLUMN public.commands.position": "Of the command's last event; of the last event of all when it caused none.",
    "TABLE public.names": "Unique names in use. A row is there from a name's claim to its last giving up.",
    "COLUMN public.names.kind": "namespace, team, price_book or backend; a name is unique within its kind.",
    "COLUMN public.names.owner": "The id of the stream that has the name; of a backend its fingerprint.",
    "COLUMN public.names.uses": "How often the owner uses it; at 0 the row goes and the name is free.",
    "FUNCTION public.warpdrive_append": (
        "Appends a group of commands in one transaction, each all or nothing: the only way to write events."
    ),
    "FUNCTION public.warpdrive_chain_event": "Sets hash and recorded_at of a new event.",
    "FUNCTION public.warpdrive_refuse_change": "Refuses changes of what was recorded, to whomever.",
}


def upgrade() -> None:
    """Create it all."""
    for statement in (*TABLES, SOON_OVER, FEW_STATISTICS, CHAIN, REFUSAL, *TRIGGERS, APPEND):
        op.execute(statement)
    for subject, words in COMMENTS.items():
        quoted = words.replace("'", "''").replace(":", "\\:")
        op.execute(f"COMMENT ON {subject} IS '{quoted}'")


def downgrade() -> None:
    """Refuse: what was recorded is not taken back."""
    raise NotImplementedError("migrations go forward only")
