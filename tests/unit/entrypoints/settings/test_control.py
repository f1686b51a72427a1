"""Control plane settings: what loads, where it listens then, and what is said about everything that does not load."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.adapters.store.connecting import Role
from warpdrive.entrypoints.settings import Fault, SettingsError, render_faults
from warpdrive.entrypoints.settings.control import ControlSettings, decode_control_settings, load_control_settings
from warpdrive.entrypoints.settings.kinds import Address
from warpdrive.entrypoints.settings.secrets import secrets_of

BASE = Path("/etc/warpdrive")


def decode(text: str, environ: Mapping[str, str] | None = None, **overrides: str) -> ControlSettings:
    """Decode a file that stands in /etc/warpdrive."""
    return decode_control_settings(text.encode(), BASE, environ or {}, overrides=overrides)


def decode_section(keys: str, environ: Mapping[str, str] | None = None) -> ControlSettings:
    """Decode a file with these keys in its section, written as YAML flow."""
    return decode(f"control_plane: {{{keys}}}\n", environ)


def faults_of(text: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Collect the faults of a file by key path."""
    with pytest.raises(SettingsError) as caught:
        decode(text, environ)
    return {fault.path: fault.message for fault in caught.value.faults}


def faults_in(keys: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Collect the faults of a section's keys, by the key path below the section."""
    faults = faults_of(f"control_plane: {{{keys}}}\n", environ)
    return {path.removeprefix("control_plane."): message for path, message in faults.items()}


@pytest.mark.parametrize("text", ["", "control_plane:\n", "control_plane: {}\n", None])
def test_nothing_need_be_said(text: str | None) -> None:
    """Without a file, or with an empty one, it listens on this machine alone and brings its own database."""
    settings = load_control_settings(None, {}) if text is None else decode(text)
    server = settings.server
    assert (server.rest_addr, server.grpc_addr) == (Address("127.0.0.1", 8090), Address("127.0.0.1", 50051))
    assert settings.loopback_only
    assert settings.tls is None
    assert settings.database is None
    assert server.data_dir == Path("/var/lib/warpdrive-control")
    assert server.auth.mode == "token"
    assert server.storage_crawl_interval == 86400.0
    assert (settings.log.level, settings.metrics.enabled) == ("info", True)


@pytest.mark.parametrize("decision", ["tls: off", "tls: false", "tls: {cert_file: c.pem, key_file: k.pem}"])
def test_a_word_about_tls_opens_every_interface(decision: str) -> None:
    """A certificate, or `off` in so many words, lets others call."""
    settings = decode_section(decision)
    assert settings.server.rest_addr == Address("", 8090)
    assert settings.server.grpc_addr == Address("", 50051)
    assert not settings.loopback_only


def test_the_certificates_paths_start_at_the_file() -> None:
    """Like every relative path."""
    tls = decode_section("tls: {cert_file: c.pem, key_file: /k.pem, client_ca_file: ca.pem}").tls
    assert tls is not None
    assert (tls.cert_file, tls.key_file, tls.client_ca_file) == (BASE / "c.pem", Path("/k.pem"), BASE / "ca.pem")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]"])
def test_a_loopback_address_needs_no_word_about_tls(host: str) -> None:
    """It stays as written."""
    settings = decode_section(f"rest_addr: '{host}:1', grpc_addr: '{host}:2', auth: {{mode: none}}")
    assert settings.server.rest_addr == Address(host.strip("[]"), 1)
    assert not settings.loopback_only


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "[::]", "control.example.com"])
def test_another_address_without_a_word_about_tls_is_refused(host: str) -> None:
    """The fault says what would be right."""
    faults = faults_in(f"grpc_addr: '{host}:50051'")
    assert set(faults) == {"grpc_addr"}
    assert "cert_file" in faults["grpc_addr"]
    assert "tls: off" in faults["grpc_addr"]


@pytest.mark.parametrize("decision", ["tls: off", "tls: {cert_file: c, key_file: k}"])
def test_without_authentication_nobody_else_may_call(decision: str) -> None:
    """`auth.mode: none` is for this machine, TLS or not: an empty host shrinks, another one is a fault."""
    settings = decode_section(f"{decision}, auth: {{mode: none}}")
    assert settings.server.rest_addr == Address("127.0.0.1", 8090)
    assert settings.loopback_only
    faults = faults_in(f"{decision}, auth: {{mode: none}}, rest_addr: '10.0.0.1:80'")
    assert "auth.mode" in faults["rest_addr"]


def test_the_two_servers_need_two_ports() -> None:
    """One address for both is a fault; port 0 is any free one, twice."""
    assert "grpc_addr" in faults_in("rest_addr: ':1', grpc_addr: ':1'")
    assert decode_section("rest_addr: ':0', grpc_addr: ':0'").server.rest_addr.port == 0


def test_a_database_is_entered_with_passwords_from_the_environment() -> None:
    """Each role has its own user; who is not named shares the application's. No password shows."""
    text = (
        "database: {host: db, port: 6432, name: wd, user: app, password_env: APP, sslmode: verify-full,"
        " sslrootcert: ca.pem, migration_user: owner, migration_password_env: OWNER}"
    )
    settings = decode_section(text, {"APP": "s3cret", "OWNER": "0wner"})
    place = settings.database
    assert place is not None
    assert (place.host, place.port, place.name, place.sslmode) == ("db", 6432, "wd", "verify-full")
    assert place.sslrootcert == BASE / "ca.pem"
    assert place.users == {Role.APP: "app", Role.OWNER: "owner", Role.AUDIT: "app"}
    assert place.passwords == {Role.APP: "s3cret", Role.OWNER: "0wner", Role.AUDIT: "s3cret"}
    assert {"s3cret", "0wner"} == set(secrets_of(settings))
    for said in (repr(settings), repr(place), str(place)):
        assert "s3cret" not in said
        assert "0wner" not in said


def test_a_role_of_its_own_without_a_password_does_not_get_anothers() -> None:
    """A user that the server knows by certificate or socket has none."""
    place = decode_section("database: {host: /run/pg, user: app, password_env: A, audit_user: x}", {"A": "a"}).database
    assert place is not None
    assert place.passwords[Role.AUDIT] is None
    assert place.users[Role.AUDIT] == "x"


@pytest.mark.parametrize(
    ("keys", "environ", "path", "words"),
    [
        ("host: h, user: u, password_env: NOPE", {}, "password_env", "NOPE, which is not set"),
        ("host: h, user: u, password_env: NOPE", {"NOPE": ""}, "password_env", "NOPE, which is empty"),
        ("host: h, user: u, audit_user: a, audit_password_env: N", {}, "audit_password_env", "is not set"),
        ("host: h", {}, "user", "is missing"),
        ("user: u", {}, "host", "PostgreSQL of its own"),
        ("host: h, user: u, sslmode: verify-ca", {}, "sslrootcert", "verify-ca"),
        ("host: h, user: u, sslmode: verify", {}, "sslmode", "must be one of"),
        ("host: h, user: u, migration_password_env: P", {"P": "p"}, "migration_user", "is its password"),
        ("host: h, user: u, password: p", {}, "password", "did you mean"),
        ("host: h, user: u, port: 0", {}, "port", "between 1 and 65535"),
    ],
)
def test_half_a_database_is_refused(keys: str, environ: Mapping[str, str], path: str, words: str) -> None:
    """A fault names the key below control_plane.database, and what is missing."""
    faults = faults_in(f"database: {{{keys}}}", environ)
    assert set(faults) == {f"database.{path}"}
    assert words in faults[f"database.{path}"]


def test_how_long_records_are_kept_and_by_which_references_backends_are_reached_can_be_said() -> None:
    """A period, and credentials whose methods are known."""
    kept = decode_section("retention: 30d").server.retention
    assert kept is not None
    assert float(kept) == 30 * 86_400
    assert "retention" in faults_in("retention: soon")
    assert decode_section("credentials: {lake: {method: environment}}").server.credentials.keys() == {"lake"}
    assert "credentials.lake.method" in faults_in("credentials: {lake: {method: magic}}")


def test_every_fault_is_told_at_once_with_its_line() -> None:
    """In the order of the file, whatever kind of fault it is."""
    text = (
        "control_plane:\n  rest_addr: 10.0.0.1:80\n  database:\n    host: h\n    user: u\n    password_env: NOPE\n"
        "log: {level: loud}\nmetrics: {adr: ':1'}\ncontrol_plan: {}\n"
    )
    with pytest.raises(SettingsError) as caught:
        decode(text.replace("loud", "info").replace("adr", "addr").replace("control_plan: {}\n", ""))
    assert [(fault.line, fault.path) for fault in caught.value.faults] == [
        (2, "control_plane.rest_addr"),
        (6, "control_plane.database.password_env"),
    ]
    assert set(faults_of(text)) >= {"log.level", "metrics.adr", "control_plan"}


def test_one_file_may_hold_the_agents_sections_too() -> None:
    """They are checked by kind; what only the agent's environment holds, or only it must have, is not missed."""
    agent = (
        "cache: {max_size: 1GB}\nagent: {namespace: n}\nbackends:\n  - {name: a, type: s3, config: {bucket: b},"
        " auth: {method: static, access_key_id: '${ID}', secret_access_key: '${KEY}'}}\n"
    )
    assert decode(agent).database is None
    assert decode("mount_point: /m\n" + agent).database is None
    faults = faults_of("cache: {max_size: huge}\nbackends: [{name: a, type: tape}]\nagents: {}\nuid: me\n")
    assert set(faults) == {"cache.max_size", "backends[0].type", "agents", "uid"}


def test_the_command_line_wins_over_the_file() -> None:
    """Keys are written with dots; texts are not expanded."""
    overrides = {"control_plane.data_dir": "/data", "log.level": "debug", "control_plane.tls": "off"}
    settings = decode("control_plane: {data_dir: /other}\n", None, **overrides)
    assert settings.server.data_dir == Path("/data")
    assert settings.log.level == "debug"
    assert not settings.loopback_only


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """A path was given, so defaults are not what was meant."""
    with pytest.raises(SettingsError, match="cannot be read"):
        load_control_settings(tmp_path / "none.yaml", {})


KEYS = st.sampled_from(
    [
        "control_plane",
        "database",
        "host",
        "user",
        "password_env",
        "tls",
        "cert_file",
        "auth",
        "mode",
        "rest_addr",
        "archive",
        "credentials",
        "log",
        "metrics",
        "backends",
        "cache",
        "agent",
        "mount_point",
        "sslmode",
        "<<",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["off", "none", ":1", "${X}", "h"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_no_document_raises_anything_but_settings_error(document: dict[str, object]) -> None:
    """Junk in the shape of a configuration is settings or faults, never a traceback."""
    found: list[Fault] = []
    try:
        decode(yaml.safe_dump(document, allow_unicode=True))
    except SettingsError as error:
        found = error.faults
    rendered = render_faults("config.yaml", found)
    assert len(rendered.splitlines()) == len(found)
