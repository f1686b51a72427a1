"""A control plane on a PostgreSQL of the operator's own that asks for passwords, and its auditor."""

import os
import subprocess
from dataclasses import replace

import anyio
import pytest

from tests.support.control_planes import COMMANDS, PASSWORD_KEYS, control_plane, reachable_dir
from tests.support.postgres import superuser
from warpdrive.adapters.store.connecting import Role
from warpdrive.adapters.store.embedded import embedded_postgres

_PASSWORDS = {role: f"it is {role} 's" for role in Role}


async def test_each_enters_with_its_own_password_and_knows_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plane works without the auditor's password, the auditor without the plane's; one file serves both."""
    with reachable_dir() as scratch:
        async with embedded_postgres(scratch / "database", durable=False) as trusted:
            place = replace(trusted, passwords=_PASSWORDS)
            async with superuser(trusted) as connection:
                for role, user in place.users.items():
                    quoted = await connection.fetchval("SELECT quote_literal($1)", _PASSWORDS[role])
                    await connection.execute(f"ALTER ROLE {user} PASSWORD {quoted}")
                rules = anyio.Path(await connection.fetchval("SHOW hba_file"))
                users = ",".join(place.users.values())
                await rules.write_text(f"local all {users} scram-sha-256\nlocal all all trust\n")
                await connection.execute("SELECT pg_reload_conf()")
            for role in (Role.OWNER, Role.APP):
                monkeypatch.setenv(PASSWORD_KEYS[role].upper(), _PASSWORDS[role])
            with control_plane(scratch / "plane", place=place) as plane:
                plane.must("POST", "/api/v1/namespaces", {"name": "training"})
                (config,) = scratch.glob("plane-*/config.yaml")
                audit = {PASSWORD_KEYS[Role.AUDIT].upper(): _PASSWORDS[Role.AUDIT], "PATH": os.environ["PATH"]}
                argv = [str(COMMANDS / "warpdrive-replay"), "--config", str(config), "log"]
                done = await anyio.run_process(argv, env=audit, check=False, stderr=subprocess.PIPE)
                assert done.returncode == 0, done.stderr.decode()
                assert "created namespace training" in done.stdout.decode()
            assert not any(secret in plane.printed() for secret in _PASSWORDS.values())
