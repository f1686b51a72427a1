"""Migrations: at start, by the owner, one process at a time, forward only."""

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
import structlog
from alembic.script import ScriptDirectory

from tests.support.postgres import FreshDatabase, superuser
from warpdrive.adapters.store.connecting import DatabaseMisconfigured, DatabasePlace, DatabaseUnavailable, Role, connect
from warpdrive.adapters.store.migrating import VERSION_TABLE, DatabaseNewer, migrate, migrations_directory

ROOT = Path(__file__).parents[3]
NEWEST = max(int(path.name[:4]) for path in (ROOT / "migrations" / "revisions").glob("*.py"))

_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace IN ('public'::regnamespace, 'read_model'::regnamespace) AND relkind IN ('r', 'p')
"""

_MAY_WRITE = """
    SELECT c.relname, verb FROM pg_class AS c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS verb
        WHERE c.relnamespace IN ('public'::regnamespace, 'read_model'::regnamespace) AND c.relkind IN ('r', 'p')
            AND has_table_privilege($1, c.oid, verb)
    UNION ALL SELECT p.proname, 'EXECUTE' FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND has_function_privilege($1, p.oid, 'EXECUTE')
"""


async def test_an_empty_database_is_brought_to_the_newest_revision(fresh_database: FreshDatabase) -> None:
    """`migrate` answers with the newest revision's number, and again when there is nothing to do."""
    place = await fresh_database()
    assert await migrate(place) == NEWEST
    assert await migrate(place) == NEWEST


async def test_of_processes_that_start_at_once_one_migrates(fresh_database: FreshDatabase) -> None:
    """The others wait for it and find nothing to do."""
    place = await fresh_database()
    answers: list[int] = []

    async def start() -> None:
        answers.append(await migrate(place))

    with structlog.testing.capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(start)
    assert answers == [NEWEST] * 4
    assert [log["event"] for log in logs].count("database migrated") == 1


async def test_a_database_newer_than_the_code_is_refused(fresh_database: FreshDatabase) -> None:
    """The error names both revisions and what to do, and nothing is changed."""
    place = await fresh_database()
    await migrate(place)
    owner = await connect(place, Role.OWNER, application_name="tests")
    try:
        await owner.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        with pytest.raises(DatabaseNewer, match=rf"at revision 9999.*up to {NEWEST:04}; start a version"):
            await migrate(place)
        assert await owner.fetchval(f"SELECT version_num FROM {VERSION_TABLE}") == "9999"
    finally:
        await owner.close()


async def test_a_migration_that_fails_leaves_nothing_behind(fresh_database: FreshDatabase) -> None:
    """Everything is one transaction: a table that is in the way stops it all."""
    place = await fresh_database()
    owner = await connect(place, Role.OWNER, application_name="tests")
    try:
        await owner.execute("CREATE TABLE public.names (whatever int)")
        with pytest.raises(Exception, match='relation "names" already exists'):
            await migrate(place)
        assert await owner.fetchval("SELECT to_regclass('public.warpdrive_events')") is None
        await owner.execute("DROP TABLE public.names")
        assert await migrate(place) == NEWEST
    finally:
        await owner.close()


async def test_the_roles_names_are_the_operators_choice(fresh_database: FreshDatabase) -> None:
    """Rights go to whatever users the place names; one that does not exist is named in the error."""
    place = await fresh_database()
    user = f'Some "app" {uuid4().hex[:8]}'
    quoted = '"' + user.replace('"', '""') + '"'
    chosen = replace(place, users={**place.users, Role.APP: user})
    with pytest.raises(DatabaseMisconfigured, match="does not exist; create it: CREATE ROLE"):
        await migrate(chosen)
    async with superuser(place, inside=True) as root:
        await root.execute(f"CREATE ROLE {quoted} LOGIN")
        try:
            await migrate(chosen)
            assert await root.fetchval("SELECT has_table_privilege($1, 'warpdrive_events', 'SELECT')", user)
        finally:
            await root.execute(f"DROP OWNED BY {quoted}; DROP ROLE {quoted}")


async def test_rights_that_somebody_added_are_taken_away_again(fresh_database: FreshDatabase) -> None:
    """Rights are stated whole and applied at every start."""
    place = await fresh_database()
    await migrate(place)
    app = place.users[Role.APP]
    owner = await connect(place, Role.OWNER, application_name="tests")
    try:
        await owner.execute(f"GRANT INSERT, UPDATE ON warpdrive_events TO {app}; GRANT SELECT ON names TO PUBLIC")
        await owner.execute(f"REVOKE SELECT ON commands FROM {app}")
        await migrate(place)
        assert not await owner.fetchval("SELECT has_table_privilege($1, 'warpdrive_events', 'INSERT')", app)
        assert await owner.fetchval("SELECT has_table_privilege($1, 'commands', 'SELECT')", app)
        assert await owner.fetchval("SELECT relacl::text NOT LIKE '%,=r/%' FROM pg_class WHERE relname = 'names'")
    finally:
        await owner.close()


async def test_a_user_who_is_the_application_no_longer_writes_no_longer(fresh_database: FreshDatabase) -> None:
    """Naming another takes the former one's ways to write; what it may read is for its administrator to take."""
    place = await fresh_database()
    await migrate(place)
    former = place.users[Role.APP]
    owner = await connect(place, Role.OWNER, application_name="tests")
    try:
        before = {tuple(row) for row in await owner.fetch(_MAY_WRITE, former)}
        await migrate(replace(place, users={**place.users, Role.APP: place.users[Role.AUDIT]}))
        after = {tuple(row) for row in await owner.fetch(_MAY_WRITE, former)}
        reads = await owner.fetchval("SELECT has_table_privilege($1, 'public.names', 'SELECT')", former)
    finally:
        await owner.close()
    assert len(before) > 10
    assert after == set()
    assert reads


async def test_one_user_may_be_owner_and_application(fresh_database: FreshDatabase) -> None:
    """A database with a single user works, without the separation of rights; the owner keeps its own."""
    place = await fresh_database()
    alone = replace(place, users={Role.OWNER: place.users[Role.OWNER], Role.APP: place.users[Role.OWNER]})
    assert await migrate(alone) == NEWEST
    owner = await connect(alone, Role.APP, application_name="tests")
    try:
        assert await owner.fetchval("SELECT count(*) FROM warpdrive_events") == 0
    finally:
        await owner.close()


async def test_a_server_that_is_away_is_told_as_such(fresh_database: FreshDatabase) -> None:
    """Faults of connecting come out as those of `connecting`."""
    place = await fresh_database()
    with pytest.raises(DatabaseUnavailable):
        await migrate(replace(place, port=1))
    with pytest.raises(DatabaseMisconfigured):
        await migrate(replace(place, name="nowhere"))


async def test_every_table_is_explained(event_database: DatabasePlace) -> None:
    """COMMENT ON says of each table what it is for; Alembic's own is the only exception."""
    owner = await connect(event_database, Role.OWNER, application_name="tests")
    try:
        silent = await owner.fetch(f"{_TABLES} AND obj_description(oid, 'pg_class') IS NULL")
    finally:
        await owner.close()
    assert {row["relname"] for row in silent} <= {VERSION_TABLE}


def test_there_is_no_way_back() -> None:
    """Every revision refuses to be downgraded; revisions are one line, numbered without gaps."""
    scripts = ScriptDirectory(
        str(migrations_directory()), version_locations=[str(migrations_directory() / "revisions")]
    )
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == [f"{number:04}" for number in range(NEWEST, 0, -1)]
    for script in scripts.walk_revisions():
        with pytest.raises(NotImplementedError):
            script.module.downgrade()


@pytest.mark.parametrize(
    "revision", sorted((ROOT / "migrations" / "revisions").glob("*.py")), ids=lambda path: path.stem
)
def test_a_revisions_number_is_its_file_name(revision: Path) -> None:
    """0001_event_store.py is revision 0001."""
    assert f'revision = "{revision.name[:4]}"' in revision.read_text()


def test_the_migrations_travel_in_the_wheel(tmp_path: Path) -> None:
    """Where the build tool is at hand a wheel is built; else its configuration is read."""
    inside = "warpdrive/adapters/store/migrations"
    if importlib.util.find_spec("hatchling") is None:
        with (ROOT / "pyproject.toml").open("rb") as file:
            wheel = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
        assert wheel["force-include"]["migrations"] == inside
    else:
        pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
        subprocess.run([*pip, str(ROOT)], check=True, capture_output=True)
        (built,) = tmp_path.glob("*.whl")
        names = zipfile.ZipFile(built).namelist()
        for path in (ROOT / "migrations").rglob("*.py"):
            assert f"{inside}/{path.relative_to(ROOT / 'migrations')}" in names
