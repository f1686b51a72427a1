"""Entries of the backends list, their auth, and the Namespace that they make."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.application.ports.credentials import (
    AccessKey,
    AccountKey,
    Anonymous,
    Credentials,
    EnvironmentChain,
    Login,
    SasToken,
    ServiceAccountFile,
)
from warpdrive.domain.namespace.values import OPTIONS
from warpdrive.entrypoints.settings import AgentSettings, SettingsError
from warpdrive.entrypoints.settings.backends import _CONFIGS
from warpdrive.entrypoints.settings.loading import decode_agent_settings
from warpdrive.entrypoints.settings.namespace import backend_definition, build_namespace, credentials_for, mount_entries

AT = datetime(2026, 1, 2, tzinfo=UTC)
ID = UUID("5a1f6c8e-0000-4000-8000-000000000002")
REQUIRED = {
    "s3": "bucket: b",
    "azureblob": "container: c, account: a",
    "gcs": "bucket: b",
    "sftp": "host: h",
    "local": "root: /srv/data",
    "memory": "",
}


def decode(backends: str, extra: str = "") -> AgentSettings:
    """Decode a file with these backends."""
    text = f"mount_point: /mnt/w\nbackends: {backends}\n{extra}"
    return decode_agent_settings(text.encode(), Path("/etc/warpdrive"), {})


def faults_of(backends: str, extra: str = "") -> dict[str, str]:
    """Collect faults by key path."""
    with pytest.raises(SettingsError) as caught:
        decode(backends, extra)
    return {fault.path: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("backend", "path", "message"),
    [
        ("{type: memory}", "backends[0].name", "is missing"),
        ("{name: a b, type: memory}", "backends[0].name", "is no name"),
        ("{name: a}", "backends[0].type", "is missing; it is one of azureblob, s3"),
        ("{name: a, type: azure}", "backends[0].type", 'did you mean "azureblob"?'),
        ("{name: a, type: [s3]}", "backends[0].type", "must be a single value"),
        ("{name: a, type: s3}", "backends[0].config.bucket", "is missing"),
        ("{name: a, type: s3, config: x}", "backends[0].config", "must hold keys with values"),
        ("{name: a, type: s3, config: {bucket: ''}}", "backends[0].config.bucket", "is empty"),
        ("{name: a, type: s3, config: {bucket: b, acount: c}}", "backends[0].config.acount", "is not a known key"),
        ("{name: a, type: s3, config: {bucket: b, endpoint: 'h:9000'}}", "backends[0].config.endpoint", "http://"),
        ("{name: a, type: s3, config: {bucket: b, endpoint: 'http://[x'}}", "backends[0].config.endpoint", "http://"),
        ("{name: a, type: s3, config: {bucket: b, endpoint: 'http://h?x'}}", "backends[0].config.endpoint", "query"),
        ("{name: a, type: s3, config: {bucket: b, endpoint: 'http://u@h'}}", "backends[0].config.endpoint", "auth"),
        ("{name: a, type: s3, config: {bucket: b, prefix: a//b}}", "backends[0].config.prefix", "empty"),
        ("{name: a, type: azureblob, config: {container: c}}", "backends[0].config.account", "is missing"),
        ("{name: a, type: sftp, config: {host: h, port: 0}}", "backends[0].config.port", "is not a port"),
        ("{name: a, type: local}", "backends[0].config.root", "is missing"),
        ("{name: a, type: local, config: {root: /mnt/w/x}}", "backends[0].config.root", "inside one another"),
        ("{name: a, type: local, config: {root: /mnt}}", "backends[0].config.root", "inside one another"),
        ("{name: a, type: memory, mount_path: /../x}", "backends[0].mount_path", '".."'),
        ("{name: a, type: memory, mount_path: ''}", "backends[0].mount_path", "is empty"),
        ('{name: a, type: memory, mount_path: "\\uD800"}', "backends[0].mount_path", "is not UTF-8"),
        ("{name: a, type: memory, write: on}", "backends[0].write", "cannot be on in this version"),
        ("{name: a, type: memory, conflict: shrug}", "backends[0].conflict", "keep-both, fail, overwrite"),
        ("{name: a, type: memory, auth: {method: magic}}", "backends[0].auth.method", "environment, static, none"),
        ("{name: a, type: memory, auth: [x]}", "backends[0].auth", "must hold keys with values"),
        ("{name: a, type: memory, auth: nobody}", "backends[0].auth", "names no entry of agent.credentials"),
        ("word", "backends[0]", "must hold keys with values"),
    ],
)
def test_a_bad_entry_is_told_with_its_path(backend: str, path: str, message: str) -> None:
    """One wrong thing is one fault, at its own key."""
    faults = faults_of(f"[{backend}]")
    assert set(faults) == {path}
    assert message in faults[path]


def test_backends_must_be_a_list() -> None:
    """A mapping is a common slip."""
    assert "must be a list" in faults_of("{name: a, type: memory}")["backends"]


def test_two_entries_on_one_path_are_refused_even_when_written_differently() -> None:
    """Paths are compared in normal form, and a default path counts."""
    faults = faults_of(
        "[{name: a, type: memory}, {name: b, type: memory, mount_path: a//}, {name: c, type: tape, mount_path: /a}]"
    )
    assert faults["backends[1].mount_path"] == "is already that of backends[0] (/a)"
    assert faults["backends[2].mount_path"] == "is already that of backends[0] (/a)"
    assert "is no known type" in faults["backends[2].type"]


def test_two_backends_of_one_name_are_refused() -> None:
    """A name is one place."""
    faults = faults_of("[{name: a, type: memory}, {name: a, type: memory, mount_path: /b}]")
    assert faults == {"backends[1].name": "is already that of backends[0] (a)"}


@pytest.mark.parametrize(
    ("kind", "auth", "credentials"),
    [
        *((kind, "", EnvironmentChain()) for kind in ("s3", "azureblob", "gcs", "sftp")),
        *((kind, "", Anonymous()) for kind in ("local", "memory")),
        ("local", "method: environment", Anonymous()),
        ("s3", "method: none", Anonymous()),
        ("s3", "method: static, access_key_id: k, secret_access_key: s", AccessKey("k", "s")),
        ("s3", "method: static, access_key_id: k, secret_access_key: s, session_token: t", AccessKey("k", "s", "t")),
        ("azureblob", "method: static, account_key: k", AccountKey("k")),
        ("azureblob", "method: static, sas_token: '?sv=1'", SasToken("sv=1")),
        ("gcs", "method: static, service_account_file: sa.json", ServiceAccountFile("/etc/warpdrive/sa.json")),
        ("sftp", "method: static, username: u", Login("u")),
        ("sftp", "method: static, username: u, password: 0123", Login("u", "0123")),
        ("sftp", "method: static, username: u, private_key_file: /k", Login("u", None, "/k")),
        ("sftp", "method: static, username: u, password: p, private_key_file: /k", Login("u", "p", "/k")),
    ],
)
def test_auth_becomes_credentials(kind: str, auth: str, credentials: Credentials) -> None:
    """Each type takes its own; without auth it is what the SDK finds by itself."""
    section = f", auth: {{{auth}}}" if auth else ""
    settings = decode(f"[{{name: a, type: {kind}, config: {{{REQUIRED[kind]}}}{section}}}]")
    assert credentials_for(settings, backend_definition(settings.backends[0])) == credentials


@pytest.mark.parametrize(
    ("kind", "auth", "paths"),
    [
        ("s3", "method: static", {"method"}),
        ("s3", "method: static, access_key_id: k", {"secret_access_key"}),
        ("s3", "method: static, account_key: k", {"account_key", "access_key_id", "secret_access_key"}),
        ("s3", "method: static, access_key_id: k, secret_access_key: ''", {"secret_access_key"}),
        ("s3", "method: none, access_key_id: k", {"access_key_id"}),
        ("s3", "access_key_id: k", {"access_key_id"}),
        ("azureblob", "method: static, account_key: k, sas_token: t", {"method"}),
        ("gcs", "method: static, username: u", {"username", "service_account_file"}),
        ("sftp", "method: static, password: p", {"username"}),
        ("local", "method: static, username: u", {"username"}),
    ],
)
def test_auth_that_does_not_fit_is_told_key_by_key(kind: str, auth: str, paths: set[str]) -> None:
    """What a type cannot use would be ignored, so it is refused."""
    faults = faults_of(f"[{{name: a, type: {kind}, config: {{{REQUIRED[kind]}}}, auth: {{{auth}}}}}]")
    assert set(faults) == {f"backends[0].auth.{path}" for path in paths}


def test_an_account_key_needs_its_account() -> None:
    """Inline or shared: an endpoint alone does not say in whose name to sign."""
    backend = "{name: a, type: azureblob, config: {container: c, endpoint: 'http://h'}, auth: %s}"
    key = "{method: static, account_key: k}"
    assert set(faults_of(f"[{backend % key}]")) == {"backends[0].config.account"}
    shared = f"agent: {{credentials: {{team: {key}}}}}\n"
    assert set(faults_of(f"[{backend % 'team'}]", shared)) == {"backends[0].config.account"}


def test_two_memory_backends_are_two_places() -> None:
    """Without a name of its own a memory backend is the place that is called like it."""
    first, second = mount_entries(decode("[{name: a, type: memory}, {name: b, type: memory}]"))
    assert first.backend.fingerprint != second.backend.fingerprint


def test_backends_can_share_credentials_by_name() -> None:
    """`auth: NAME` is an entry of agent.credentials; it must exist and fit the type."""
    shared = "agent: {credentials: {team: {method: static, access_key_id: k, secret_access_key: s}}}\n"
    settings = decode("[{name: a, type: s3, config: {bucket: b}, auth: team}]", shared)
    assert credentials_for(settings, backend_definition(settings.backends[0])) == AccessKey("k", "s")
    assert mount_entries(settings)[0].backend.auth == "team"
    assert 'did you mean "team"?' in faults_of("[{name: a, type: memory, auth: taem}]", shared)["backends[0].auth"]
    faults = faults_of("[{name: a, type: sftp, config: {host: h}, auth: team}]", shared)
    assert "agent.credentials.team.username" in faults


def test_the_file_becomes_a_namespace_without_secrets() -> None:
    """Entries carry the whole definition as texts, and a reference in the place of credentials."""
    settings = decode(
        "[{name: a, type: s3, mount_path: x/y, config: {bucket: 0123, endpoint: 'http://h:1/', region: r,"
        " force_path_style: yes, prefix: /p/q}, auth: {method: static, access_key_id: k, secret_access_key: s3cret}},"
        " {name: b, type: local, config: {root: data}, conflict: fail}]",
        "agent: {namespace: vision}\n",
    )
    namespace = build_namespace(settings, ID, at=AT)
    assert (namespace.id, namespace.name, namespace.created_on) == (ID, "vision", AT)
    first, second = namespace.tree().entries[1], namespace.tree().entries[0]
    assert first.path == "/x/y"
    assert first.backend.options == {
        "bucket": "0123",
        "endpoint": "http://h:1",
        "region": "r",
        "force_path_style": "true",
    }
    assert (first.backend.prefix, first.backend.auth) == ("p/q/", "backends/a")
    assert second.backend.options == {"root": "/etc/warpdrive/data"}
    assert (second.policy.write, second.policy.conflict) == ("off", "fail")
    assert "s3cret" not in repr(namespace.collect_events())


@given(text=st.text(max_size=12) | st.text(alphabet="ab./\0\n é", max_size=12), kind=st.sampled_from(["s3", "local"]))
def test_whatever_loads_becomes_a_namespace(text: str, kind: str) -> None:
    """Settings refuse everything that the domain would: after loading no command can fail."""
    config = {"prefix": text, "bucket" if kind == "s3" else "root": text}
    document = {
        "mount_point": "/mnt/w",
        "backends": [{"name": "a", "type": kind, "mount_path": text, "config": config}],
    }
    try:
        settings = decode_agent_settings(yaml.safe_dump(document).encode(), Path("/etc/warpdrive"), {})
    except SettingsError:
        return
    assert len(build_namespace(settings, ID, at=AT).entries) == 1


@pytest.mark.parametrize("kind", OPTIONS)
def test_the_file_and_the_domain_know_the_same_options(kind: str) -> None:
    """A key that one side lacks would be refused late, or never be settable."""
    assert {*_CONFIGS[kind].__struct_fields__} - {"prefix"} == set(OPTIONS[kind])
