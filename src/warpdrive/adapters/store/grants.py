"""Who may do what in the database: the whole of it, applied anew after every migration.

The owner owns everything. The application reads everything and appends through one function; the audit reads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from warpdrive.adapters.store.connecting import Role

APPEND_FUNCTION: Final = "public.warpdrive_append"

FACTS: Final = ("storage", "telemetry", "governance")
"""Schemas of what is observed and counted, which no event says and the application may change."""


@dataclass(frozen=True, slots=True)
class Right:
    """What a role may do with something, as words of GRANT: `GRANT {verbs} ON {subject} TO ...`."""

    role: Role
    verbs: str
    subject: str


RIGHTS: Final = (
    *(Right(role, "USAGE", "SCHEMA public") for role in (Role.APP, Role.AUDIT)),
    *(
        Right(role, "SELECT", f"TABLE public.{table}")
        for role in (Role.APP, Role.AUDIT)
        for table in (
            "warpdrive_events",
            "warpdrive_snapshots",
            "warpdrive_tracking",
            "commands",
            "names",
            "warpdrive_migrations",
        )
    ),
    Right(Role.APP, "EXECUTE", f"FUNCTION {APPEND_FUNCTION}"),
    # Shortcuts, not truth: the application may put new ones down and throw old ones away.
    Right(Role.APP, "INSERT, DELETE", "TABLE public.warpdrive_snapshots"),
    Right(Role.APP, "INSERT, UPDATE, DELETE", "TABLE public.warpdrive_tracking"),
    *(
        right
        for role in (Role.APP, Role.AUDIT)
        for right in (
            Right(role, "USAGE", "SCHEMA read_model"),
            Right(role, "SELECT", "ALL TABLES IN SCHEMA read_model"),
            Right(role, "SELECT", "TABLE public.agents"),
        )
    ),
    Right(Role.APP, "INSERT, UPDATE, DELETE", "ALL TABLES IN SCHEMA read_model"),
    Right(Role.APP, "INSERT, UPDATE", "TABLE public.agents"),
    # What these do is bound to the schemas of a rebuild, so the application needs no right to make tables.
    Right(Role.APP, "EXECUTE", "FUNCTION public.warpdrive_begin_rebuild"),
    Right(Role.APP, "EXECUTE", "FUNCTION public.warpdrive_swap_rebuilt"),
    Right(Role.APP, "EXECUTE", "FUNCTION public.warpdrive_clear_rebuild"),
    *(
        right
        for schema in FACTS
        for right in (
            Right(Role.APP, "USAGE", f"SCHEMA {schema}"),
            Right(Role.AUDIT, "USAGE", f"SCHEMA {schema}"),
            Right(Role.APP, "SELECT, INSERT, UPDATE, DELETE", f"ALL TABLES IN SCHEMA {schema}"),
            Right(Role.AUDIT, "SELECT", f"ALL TABLES IN SCHEMA {schema}"),
        )
    ),
    # Partitions are tables too: made and dropped by these, and by nobody else.
    Right(Role.APP, "EXECUTE", "FUNCTION public.warpdrive_telemetry_day"),
    Right(Role.APP, "EXECUTE", "FUNCTION public.warpdrive_telemetry_drop_day"),
    Right(Role.APP, "EXECUTE", "FUNCTION public.warpdrive_telemetry_drop_month"),
)
"""Additions by later revisions go here too."""


WRITERS: Final = """
    SELECT DISTINCT pg_get_userbyid(a.grantee)
    FROM (
        SELECT c.relacl AS acl, c.relowner AS owner FROM pg_class AS c
            WHERE c.relnamespace::regnamespace::text IN ('public', 'read_model', 'storage', 'telemetry', 'governance')
                AND pg_get_userbyid(c.relowner) = current_user
        UNION ALL SELECT p.proacl, p.proowner FROM pg_proc AS p
            WHERE p.pronamespace = 'public'::regnamespace AND pg_get_userbyid(p.proowner) = current_user
    ) AS ours, aclexplode(ours.acl) AS a
    WHERE a.grantee NOT IN (0, ours.owner) AND a.privilege_type <> 'SELECT'
"""
"""Asks, as the owner, who may do more than read with something of the owner's: also who was the application before."""

_WRITING: Final = "INSERT, UPDATE, DELETE, TRUNCATE"


def statements(users: dict[Role, str], writers: Sequence[str] = ()) -> Iterator[str]:
    """Yield SQL that takes every right away and grants those of RIGHTS to the roles in `users`, but the owner's own.

    From `writers`, if they are none of those, only ways to write are taken: others may read by an administrator's wish.
    """
    yield from _former(sorted(set(writers) - set(users.values())))
    others = {role: user for role, user in users.items() if role is not Role.OWNER and user != users[Role.OWNER]}
    for subject in dict.fromkeys(right.subject for right in RIGHTS):
        for grantee in ("PUBLIC", *(_quoted(user) for user in dict.fromkeys(others.values()))):
            if subject != "SCHEMA public":  # others may live there too
                yield f"REVOKE ALL ON {subject} FROM {grantee}"
    for right in RIGHTS:
        if right.role in others:
            yield f"GRANT {right.verbs} ON {right.subject} TO {_quoted(others[right.role])}"


def _former(writers: Sequence[str]) -> Iterator[str]:
    for subject in dict.fromkeys(right.subject for right in RIGHTS):
        kind = subject.partition(" ")[0]
        if kind == "SCHEMA":  # to enter one is not to write
            continue
        verbs = "ALL" if kind == "FUNCTION" else _WRITING
        for writer in writers:
            yield f"REVOKE {verbs} ON {subject} FROM {_quoted(writer)}"


def _quoted(user: str) -> str:
    return '"' + user.replace('"', '""') + '"'
