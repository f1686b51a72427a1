"""Connections to a real server: TLS modes as libpq means them, refusals that say what to do, pools that recover."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import anyio
import asyncpg
import pytest

from tests.support.certificates import self_signed
from tests.support.embedded_owner import postmaster_pid
from tests.support.ports import LOOPBACK, free_port
from tests.support.postgres import superuser
from tests.support.postgres_gate import PostgresGate, postgres_gate
from warpdrive.adapters.store.connecting import (
    DatabaseMisconfigured,
    DatabasePlace,
    DatabaseUnavailable,
    Role,
    SslMode,
    connect,
    open_pool,
    translated,
)
from warpdrive.adapters.store.embedded import embedded_postgres
from warpdrive.entrypoints.settings.kinds import Secret


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for "localhost" that only its holder trusts."""
    return self_signed(tmp_path)


def _socket(place: DatabasePlace) -> Path:
    return Path(place.host) / f".s.PGSQL.{place.port}"


def _through(gate: PostgresGate, place: DatabasePlace, mode: SslMode, root: Path | None, host: str) -> DatabasePlace:
    return replace(place, host=host, port=gate.port, sslmode=mode, sslrootcert=root)


async def _ask(place: DatabasePlace) -> str:
    connection = await connect(place, Role.APP, application_name="tests")
    try:
        return str(await connection.fetchval("SHOW application_name"))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("mode", "encrypted"),
    [
        ("disable", False),
        ("allow", False),
        ("prefer", True),
        ("require", True),
        ("verify-ca", True),
        ("verify-full", True),
    ],
)
async def test_each_tls_mode_on_a_server_with_tls(
    postgres_server: DatabasePlace, certificate: Path, mode: SslMode, *, encrypted: bool
) -> None:
    """From `prefer` on the connection is encrypted; the two that verify accept the authority they were given."""
    root = certificate if mode.startswith("verify") else None
    with postgres_gate(_socket(postgres_server), certificate=certificate) as gate:
        assert await _ask(_through(gate, postgres_server, mode, root, "localhost")) == "tests"
        assert gate.encrypted == [encrypted]


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
async def test_modes_that_need_no_tls_on_a_server_without_it(postgres_server: DatabasePlace, mode: SslMode) -> None:
    """They go on in the clear."""
    with postgres_gate(_socket(postgres_server)) as gate:
        assert await _ask(_through(gate, postgres_server, mode, None, LOOPBACK)) == "tests"
        assert gate.encrypted == [False]


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_modes_that_need_tls_refuse_a_server_without_it(
    postgres_server: DatabasePlace, certificate: Path, mode: SslMode
) -> None:
    """Not one byte of the login goes out in the clear."""
    with postgres_gate(_socket(postgres_server)) as gate:
        place = _through(gate, postgres_server, mode, certificate, "localhost")
        with pytest.raises(DatabaseMisconfigured, match="the server has no TLS; switch it on"):
            await _ask(place)
        assert gate.encrypted == []


@pytest.mark.parametrize(
    ("mode", "host", "trusted", "accepted"),
    [
        ("verify-full", "localhost", True, True),
        ("verify-full", LOOPBACK, True, False),  # the certificate is for another name
        ("verify-ca", LOOPBACK, True, True),
        ("verify-ca", "localhost", False, False),
        ("require", "localhost", False, False),  # with an authority at hand it is verify-ca
    ],
)
async def test_what_a_certificate_is_checked_against(
    postgres_server: DatabasePlace,
    certificate: Path,
    tmp_path: Path,
    mode: SslMode,
    host: str,
    *,
    trusted: bool,
    accepted: bool,
) -> None:
    """Verify-full wants the authority and the name, verify-ca the authority."""
    (tmp_path / "other").mkdir()
    root = certificate if trusted else self_signed(tmp_path / "other")
    with postgres_gate(_socket(postgres_server), certificate=certificate) as gate:
        place = _through(gate, postgres_server, mode, root, host)
        if accepted:
            assert await _ask(place) == "tests"
        else:
            with pytest.raises(DatabaseMisconfigured, match="sslrootcert, or the server's certificate"):
                await _ask(place)


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_authority_that_cannot_be_read_is_named(
    postgres_server: DatabasePlace, tmp_path: Path, content: str | None
) -> None:
    """A missing or empty file will not mend itself, so it is not called unavailable."""
    root = tmp_path / "ca.pem"
    if content is not None:
        root.write_text(content)
    place = replace(postgres_server, host="localhost", sslmode="verify-full", sslrootcert=root)
    with pytest.raises(DatabaseMisconfigured, match=r"ca\.pem"):
        await _ask(place)


async def test_a_server_that_is_too_old_is_refused(postgres_server: DatabasePlace) -> None:
    """Connections and pools look at the version."""
    with postgres_gate(_socket(postgres_server), looks_old=True) as gate:
        place = _through(gate, postgres_server, "disable", None, LOOPBACK)
        with pytest.raises(DatabaseMisconfigured, match="the server is PostgreSQL 15; use PostgreSQL 16 or newer"):
            await _ask(place)
        with pytest.raises(DatabaseMisconfigured, match="the server is PostgreSQL 15"):
            async with open_pool(place, Role.APP, min_size=1, max_size=1, application_name="tests"):
                raise AssertionError("a pool on an old server")


async def test_refusals_say_what_will_not_mend_itself(postgres_server: DatabasePlace) -> None:
    """An unknown user and an unknown database are for somebody to mend; an empty port may have a server later."""
    with pytest.raises(DatabaseMisconfigured, match=r"nobody_here.*check the user"):
        await _ask(replace(postgres_server, users=MappingProxyType({Role.APP: "nobody_here"})))
    with pytest.raises(DatabaseMisconfigured, match="create the database"):
        await _ask(replace(postgres_server, name="nowhere"))
    with pytest.raises(DatabaseUnavailable, match="is the server running"):
        await _ask(replace(postgres_server, host=LOOPBACK, port=free_port()))
    with pytest.raises(DatabaseUnavailable):
        await _ask(replace(postgres_server, host="/nonexistent"))
    with pytest.raises(DatabaseUnavailable):
        await _ask(replace(postgres_server, host="no-such-host.invalid"))


async def test_the_environment_changes_nothing(postgres_server: DatabasePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables meant for psql neither move the connection nor lend it a password."""
    for key, value in {"PGHOST": "elsewhere", "PGUSER": "x", "PGPASSWORD": "y", "PGSSLMODE": "verify-full"}.items():
        monkeypatch.setenv(key, value)
    assert await _ask(postgres_server) == "tests"


async def test_a_password_is_asked_for_and_checked(open_folder: Path) -> None:
    """The right one enters; a wrong one and none are refused for good, and neither shows in the refusal."""
    async with embedded_postgres(open_folder / "control", durable=False) as place:
        async with superuser(place) as connection:
            await connection.execute("ALTER ROLE warpdrive_app PASSWORD 'right one'")
            rules = anyio.Path(await connection.fetchval("SHOW hba_file"))
            await rules.write_text("local all warpdrive_app scram-sha-256\nlocal all all trust\n")
            await connection.execute("SELECT pg_reload_conf()")
            # The server rereads its files when the signal arrives, not when the function returns.
            await _until_it_asks(place)
        # As the settings hand it over: the driver's compiled login takes no subclass of a text.
        assert await _ask(replace(place, passwords={Role.APP: Secret("right one")})) == "tests"
        with pytest.raises(DatabaseMisconfigured, match="environment variable that holds its password") as refusal:
            await _ask(replace(place, passwords={Role.APP: "wrong one"}))
        assert "wrong one" not in str(refusal.value)


async def _until_it_asks(place: DatabasePlace) -> None:
    """Wait for a login without a password to be refused; that it is said to be a misconfiguration is the claim."""
    with anyio.fail_after(10):
        while True:
            try:
                await _ask(place)
            except DatabaseMisconfigured:
                return
            await anyio.sleep(0.01)


async def test_a_pool_outlives_its_server(open_folder: Path) -> None:
    """After kill -9 of the server the same pool works again; until then its errors are called unavailable."""
    async with (
        embedded_postgres(open_folder / "control", durable=False) as place,
        open_pool(place, Role.APP, min_size=2, max_size=4, application_name="tests") as pool,
    ):
        assert await pool.fetchval("SELECT 1") == 1
        os.kill(postmaster_pid(open_folder / "control"), signal.SIGKILL)
        failures = 0
        with anyio.fail_after(20):
            while failures == 0 or not await _works(pool, place):
                failures += 1
                await anyio.sleep(0.02)
        assert await pool.fetchval("SELECT 1") == 1


async def _works(pool: "asyncpg.Pool[asyncpg.Record]", place: DatabasePlace) -> bool:
    try:
        with translated(place, Role.APP):
            return bool(await pool.fetchval("SELECT 1") == 1)
    except DatabaseUnavailable:
        return False
