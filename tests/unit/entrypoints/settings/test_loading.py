"""Agent settings: what loads, and what is said about everything that does not."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from warpdrive.entrypoints.settings import AgentSettings, Fault, SettingsError, load_agent_settings, render_faults
from warpdrive.entrypoints.settings.kinds import Address
from warpdrive.entrypoints.settings.loading import decode_agent_settings

BASE = Path("/etc/warpdrive")
SCRATCH = "{name: scratch, type: memory}"


def decode(text: str, environ: Mapping[str, str] | None = None, **overrides: str) -> AgentSettings:
    """Decode a file that stands in /etc/warpdrive."""
    return decode_agent_settings(text.encode(), BASE, environ or {}, overrides=overrides)


def decode_with(extra: str, environ: Mapping[str, str] | None = None) -> AgentSettings:
    """Decode the smallest file with something added."""
    return decode(f"mount_point: /mnt/w\nbackends: [{SCRATCH}]\n{extra}", environ)


def faults_of(text: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Collect the faults of a file by key path."""
    with pytest.raises(SettingsError) as caught:
        decode(text, environ)
    return {fault.path: fault.message for fault in caught.value.faults}


def faults_with(extra: str) -> dict[str, str]:
    """Collect the faults that something adds to the smallest file."""
    return faults_of(f"mount_point: /mnt/w\nbackends: [{SCRATCH}]\n{extra}")


def test_the_smallest_file_gets_the_documented_defaults() -> None:
    """Mount point and one backend are all that must be said."""
    settings = decode_with("")
    assert settings.mount_point == Path("/mnt/w")
    assert (settings.allow_other, settings.fuse_debug, settings.read_only) == (False, False, False)
    assert (settings.uid, settings.gid, settings.umask) == (None, None, 0o022)
    cache = settings.cache
    assert (cache.path, cache.max_size) == (Path("/var/cache/warpdrive"), 50 * 1024**3)
    assert (cache.block_size, cache.readahead_blocks, cache.max_parallel_fetch) == (4 * 1024**2, 4, 16)
    assert (cache.evict_high_water, cache.evict_low_water) == (0.90, 0.80)
    assert (cache.attr_ttl, cache.entry_ttl, cache.negative_ttl, cache.dir_ttl) == (60.0, 60.0, 5.0, 300.0)
    assert cache.memory_limit == 1024**3
    assert (settings.metrics.enabled, settings.metrics.addr) == (True, Address("", 9090))
    telemetry = settings.telemetry
    assert (telemetry.enabled, telemetry.sink, telemetry.file_path) == (False, "nop", None)
    assert (telemetry.sample_metadata_ops, telemetry.records, telemetry.interval) == (0.1, 100, 5.0)
    assert settings.agent.state_dir == Path("/var/lib/warpdrive")
    assert settings.agent.socket_path == Path("/var/lib/warpdrive/admin.sock")
    assert settings.agent.node
    assert settings.backends[0].mount_path == "/scratch"


def test_a_file_is_read_from_disk_and_its_paths_start_there(tmp_path: Path) -> None:
    """Relative paths start at the file's directory, ~/ at home, absolute ones stay."""
    path = tmp_path / "config.yaml"
    path.write_text(f"mount_point: mnt\ncache: {{path: ~/cache}}\nbackends: [{SCRATCH}]\n")
    loaded = load_agent_settings(path, {"HOME": "/home/me"})
    assert (loaded.mount_point, loaded.cache.path) == (tmp_path / "mnt", Path("/home/me/cache"))
    with pytest.raises(SettingsError, match="HOME is not set"):
        load_agent_settings(path, {})


def test_old_names_still_work() -> None:
    """`cache.dir`, `cache.stale_ttl` and `googlecloudstorage` mean what they are called now."""
    settings = decode(
        "mount_point: /mnt/w\ncache: {dir: /c, stale_ttl: 10m}\n"
        "backends: [{name: g, type: googlecloudstorage, config: {bucket: b}}]\n"
    )
    assert (settings.cache.path, settings.cache.attr_ttl) == (Path("/c"), 600.0)
    assert settings.backends[0].type == "gcs"


@pytest.mark.parametrize("text", ["022", '"022"', "0o22", "22"])
def test_a_umask_is_octal_however_it_is_written(text: str) -> None:
    """YAML itself would read 022 as 18, and 22 as 22."""
    assert decode_with(f"umask: {text}\n").umask == 0o022


def test_a_value_can_come_from_the_environment() -> None:
    """Expansion happens in texts, numbers, sizes and switches alike."""
    settings = decode_with(
        "allow_other: ${YES}\nuid: ${ID}\ncache: {max_size: '${SIZE:-7GB}', evict_high_water: '${HIGH}'}\n",
        {"YES": "true", "ID": "1000", "HIGH": "0.95"},
    )
    assert (settings.allow_other, settings.uid) == (True, 1000)
    assert (settings.cache.max_size, settings.cache.evict_high_water) == (7 * 1024**3, 0.95)


def test_a_missing_variable_is_told_with_the_path_of_its_key() -> None:
    """All of them at once."""
    faults = faults_of("mount_point: ${A}\nbackends: [{name: '${B}', type: memory}]\nlog: {level: '${C}'}\n")
    assert set(faults) == {"mount_point", "backends[0].name", "log.level"}
    assert faults["mount_point"] == "needs the environment variable A, which is not set"


def test_the_command_line_wins_over_the_file() -> None:
    """Overrides reach into sections, may stand in for required keys, and are not expanded."""
    text = f"log: {{format: json}}\nbackends: [{SCRATCH}]\n"
    settings = decode_agent_settings(
        text.encode(), BASE, {}, overrides={"mount_point": "/mnt/${x}", "log.level": "debug", "agent.node": "n1"}
    )
    assert settings.mount_point == Path("/mnt/${x}")
    assert (settings.log.level, settings.log.format, settings.agent.node) == ("debug", "json", "n1")


@pytest.mark.parametrize(
    ("extra", "path", "message"),
    [
        ("mount_pont: x\n", "mount_pont", 'is not a known key; did you mean "mount_point"?'),
        ("cache: {max_sice: 1}\n", "cache.max_sice", 'did you mean "max_size"?'),
        ("cache: 50GB\n", "cache", "must hold keys with values"),
        ("cache: [1]\n", "cache", "must hold keys with values"),
        ("log: {level: loud}\n", "log.level", "must be one of debug, info, warning, error"),
        ("log: {level: [info]}\n", "log.level", "must be a single value"),
        ("allow_other: maybe\n", "allow_other", "is neither true nor false"),
        ("uid: root\n", "uid", "must be a whole number"),
        ("uid: -1\n", "uid", "must be a whole number >= 0"),
        ("umask: 099\n", "umask", "is not an octal mask"),
        ("umask: 1777\n", "umask", "is not an octal mask"),
        ("cache: {max_size: lots}\n", "cache.max_size", "is not a size"),
        ("cache: {dir_ttl: soon}\n", "cache.dir_ttl", "is not a duration"),
        ("cache: {block_size: 100KB}\n", "cache.block_size", "must be a power of two"),
        ("cache: {block_size: 32KB}\n", "cache.block_size", "must be a power of two"),
        ("cache: {max_size: 1MB}\n", "cache.max_size", "must hold at least one block"),
        ("cache: {memory_limit: 1MB}\n", "cache.memory_limit", "must hold at least one block"),
        ("cache: {max_parallel_fetch: 0}\n", "cache.max_parallel_fetch", "must be a whole number >= 1"),
        ("cache: {evict_low_water: 0.95}\n", "cache.evict_low_water", "must be below evict_high_water"),
        ("cache: {evict_high_water: 1.5}\n", "cache.evict_high_water", "must be a number <= 1"),
        ("cache: {evict_high_water: nan}\n", "cache.evict_high_water", "must be a number > 0"),
        ("cache: {dir: /a, path: /b}\n", "cache.path", 'means the same as "dir"'),
        ("cache: {path: /mnt/w/cache}\n", "cache", "lies below the mount point itself"),
        ("agent: {state_dir: /mnt/w}\n", "agent", "lies below the mount point itself"),
        (f"agent: {{state_dir: /{'x' * 120}}}\n", "agent.state_dir", "longer than 107 bytes"),
        ("agent: {credentials: {a b: {method: none}}}\n", "agent.credentials", '"a b" is no name'),
        ("metrics: {addr: 9090}\n", "metrics.addr", "is not an address"),
        ("metrics: {addr: '::1:90'}\n", "metrics.addr", "put an IPv6 host in brackets"),
        ("metrics: {addr: ':99999'}\n", "metrics.addr", "is not an address"),
        ("telemetry: {sink: file}\n", "telemetry.file_path", 'is missing; "sink: file" needs it'),
        ("telemetry: {sink: kafka}\n", "telemetry.sink", "must be one of nop, stdout, file, http, grpc"),
        ("telemetry: {sample_metadata_ops: 2}\n", "telemetry.sample_metadata_ops", "must be a number <= 1"),
        ("telemetry: {flush_interval: 0}\n", "telemetry.flush_interval", "must be longer than nothing"),
        ("telemetry: {control_plane_addr: 'x:1'}\n", "telemetry.control_plane_addr", "grpc and http"),
        ("telemetry: {sink: grpc}\n", "telemetry.control_plane_addr", '"sink: grpc" needs it, or agent.control_plane'),
        ("telemetry: {sink: grpc, control_plane_addr: x}\n", "telemetry.control_plane_addr", "(http takes a URL)"),
        ("telemetry: {sink: grpc, control_plane_addr: 'a..b:1'}\n", "telemetry.control_plane_addr", "address to dial"),
        (f"telemetry: {{sink: grpc, control_plane_addr: '{'x' * 64}:1'}}\n", "telemetry.control_plane_addr", "dial"),
        (
            "telemetry: {sink: grpc, control_plane_addr: 'x:1', flush_interval: 61m}\n",
            "telemetry.flush_interval",
            "hour",
        ),
        ("telemetry: {sink: http}\n", "telemetry.control_plane_addr", 'is missing; "sink: http" needs a URL'),
        ("telemetry: {sink: http, control_plane_addr: 'x:1'}\n", "telemetry.control_plane_addr", "must be a URL"),
        ("telemetry: {sink: http, control_plane_addr: 'http://x:1'}\n", "telemetry.control_plane_addr", "https"),
        (
            "telemetry: {sink: http, control_plane_addr: 'https://x/y'}\n",
            "telemetry.control_plane_addr",
            "nothing else",
        ),
        ("telemetry: {sink: http, control_plane_addr: 'https://x:y'}\n", "telemetry.control_plane_addr", "is no URL"),
        ("mount_point: /x\n", "mount_point", "is given twice"),
        ('agent: {state_dir: "/\\uD800"}\n', "agent.state_dir", "is not UTF-8"),
        ('"a\\nb": 1\n', "a\nb", "is not a known key"),
    ],
)
def test_a_bad_value_is_told_with_its_path(extra: str, path: str, message: str) -> None:
    """One wrong thing is one fault, at its own key."""
    faults = faults_with(extra)
    assert set(faults) == {path}
    assert message in faults[path]


@pytest.mark.parametrize(
    ("extra", "path", "word"),
    [
        ("cross_tenant: {home_tenant_id: x}\n", "cross_tenant", "this version"),
        ("cross_tenant: {sfi: {enforce_private_link: true}}\n", "cross_tenant", "this version"),
        ("cross_tenant: {}\n", "cross_tenant", "this version"),
        *(
            (
                f"agent: {{credentials: {{c: {{method: {method}, vault_url: x}}}}}}\n",
                "agent.credentials.c.method",
                method,
            )
            for method in ("managed_identity", "service_principal", "oidc_federation", "gcp_wif", "static_keyvault")
        ),
    ],
)
def test_what_this_version_cannot_do_is_refused_by_name(extra: str, path: str, word: str) -> None:
    """Nothing that matters is accepted and ignored; one wish is one fault."""
    faults = faults_with(extra)
    assert set(faults) == {path}
    assert word in faults[path]


def test_backends_beside_a_control_plane_are_refused() -> None:
    """Both would define the tree."""
    assert set(faults_with("agent: {control_plane: 'host:50051'}\n")) == {"backends"}


def test_a_control_plane_takes_the_place_of_backends() -> None:
    """Its files are paths from the file's own directory; IPv6 hosts stand in brackets."""
    text = (
        "mount_point: /mnt\nagent: {control_plane: '[::1]:50051', token_file: token, ca_file: ca.pem,"
        " cert_file: /c, key_file: /k, namespace: training}\n"
    )
    settings = decode_agent_settings(text.encode(), BASE, {})
    node = settings.agent
    assert settings.backends == ()
    assert (str(node.control_plane), node.control_plane) == ("[::1]:50051", ("::1", 50051))
    assert (node.token_file, node.ca_file) == (BASE / "token", BASE / "ca.pem")
    assert (node.cert_file, node.key_file, node.namespace) == (Path("/c"), Path("/k"), "training")


@pytest.mark.parametrize(
    ("agent", "path", "word"),
    [
        ("control_plane: ':50051'", "agent.control_plane", "address to dial"),
        ("control_plane: host", "agent.control_plane", "address to dial"),
        ("control_plane: 'host:0'", "agent.control_plane", "address to dial"),
        ("control_plane: 'http://host:50051'", "agent.control_plane", "address to dial"),
        ("control_plane: 'h:1', cert_file: /c", "agent.cert_file", "needs key_file"),
        ("control_plane: 'h:1', key_file: /k", "agent.key_file", "needs cert_file"),
    ],
)
def test_a_tie_with_loose_ends_is_refused(agent: str, path: str, word: str) -> None:
    """An address that cannot be dialled, a certificate without its key."""
    with pytest.raises(SettingsError) as caught:
        decode_agent_settings(f"mount_point: /mnt\nagent: {{{agent}}}\n".encode(), BASE, {})
    assert [fault.path for fault in caught.value.faults] == [path]
    assert word in caught.value.faults[0].message


@pytest.mark.parametrize("key", ["token_file", "ca_file"])
def test_files_of_a_tie_that_is_not_made_are_refused(key: str) -> None:
    """They would be ignored."""
    assert "agent.control_plane" in faults_with(f"agent: {{{key}: /f}}\n")[f"agent.{key}"]


def test_every_fault_is_told_at_once_in_the_order_of_the_file() -> None:
    """A user mends a file once."""
    with pytest.raises(SettingsError) as caught:
        decode(
            "umask: 9\nlog:\n  level: x\nbackends:\n  - type: memory\n  - {name: b, type: memory, write: on}\nfoo: 1\n"
        )
    rendered = render_faults("config.yaml", caught.value.faults).splitlines()
    assert [line.split(": ")[:2] for line in rendered] == [
        ["config.yaml", "mount_point"],
        ["config.yaml:1", "umask"],
        ["config.yaml:3", "log.level"],
        ["config.yaml:5", "backends[0].name"],
        ["config.yaml:6", "backends[1].write"],
        ["config.yaml:7", "foo"],
    ]


def test_the_servers_section_is_checked_and_left_alone() -> None:
    """One file may serve both processes; the server's variables need not be set here."""
    settings = decode_with(
        "control_plane:\n  rest_addr: :8090\n  storage_crawl_interval: 12h\n  tls: off\n"
        "  database: {host: '${PG_HOST}', port: '${PG_PORT}', password_env: PG}\n"
        "  credentials: {c: {method: managed_identity}}\n"
        "  archive: {backend: cold, prefix: a}\n  auth: {mode: token}\n"
    )
    assert not hasattr(settings, "control_plane")
    faults = faults_with(
        "control_plane:\n  {rest_adr: ':1', storage_crawl_interval: never, database: {port: x}, tls: on,"
        " auth: {mode: no}}\n"
    )
    assert set(faults) == {
        "control_plane.rest_adr",
        "control_plane.storage_crawl_interval",
        "control_plane.database.port",
        "control_plane.tls",
        "control_plane.auth.mode",
    }


def test_an_empty_file_misses_the_two_required_keys() -> None:
    """What nobody said is told like what somebody said wrong."""
    assert set(faults_of("")) == {"mount_point", "backends"}
    assert set(faults_of("mount_point:\nbackends: []\ncache:\n")) == {"mount_point", "backends"}


def test_no_secret_shows_in_settings_or_faults() -> None:
    """Neither the repr of what loaded nor the words about what did not."""
    auth = "{method: static, access_key_id: k, secret_access_key: s3cret, session_token: s3cret}"
    text = f"mount_point: /m\nbackends: [{{name: a, type: s3, config: {{bucket: b}}, auth: {auth}}}]\n"
    assert "s3cret" not in repr(decode(text))
    for broken in (
        text.replace("type: s3", "type: sftp"),
        text.replace("method: static", "method: none"),
        text.replace("secret_access_key: s3cret", "secret_access_key: [s3cret]"),
        text.replace("secret_access_key: s3cret", "secret_access_key: '${s3cret'"),
        text.replace("bucket: b", "bucket: b, endpoint: 'https://u:s3cret@h'"),
    ):
        with pytest.raises(SettingsError) as caught:
            decode(broken)
        assert "s3cret" not in str(caught.value)


KEYS = st.sampled_from(
    [
        "mount_point",
        "cache",
        "path",
        "dir",
        "max_size",
        "block_size",
        "backends",
        "name",
        "type",
        "mount_path",
        "config",
        "bucket",
        "auth",
        "method",
        "agent",
        "credentials",
        "control_plane",
        "database",
        "tls",
        "telemetry",
        "sink",
        "log",
        "level",
        "umask",
        "uid",
        "metrics",
        "addr",
        "cross_tenant",
        "<<",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["s3", "static", "${X}", "${", "5s", "1GB", "/a", "local", "~", "~root", "a\0", "://["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)


@given(document=st.dictionaries(KEYS, VALUES, max_size=8))
@settings(max_examples=150, deadline=None)
def test_no_document_raises_anything_but_settings_error(document: dict[str, object]) -> None:
    """Junk in the shape of a configuration is settings or faults, never a traceback."""
    found: list[Fault] = []
    try:
        decode(yaml.safe_dump(document, allow_unicode=True))
    except SettingsError as error:
        found = error.faults
    rendered = render_faults("config.yaml", found)
    assert len(rendered.splitlines()) == len(found)


@given(raw=st.binary(max_size=200) | st.text(alphabet="ab:{}[]-&*!|>'\"%@`#?, \n\t\\${", max_size=60).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise_anything_but_settings_error(raw: bytes) -> None:
    """No file at all brings the agent down with a traceback."""
    with pytest.raises(SettingsError):
        decode_agent_settings(raw, BASE, {})


@pytest.mark.parametrize(
    ("section", "records", "interval"),
    [
        ("{sink: grpc, control_plane_addr: 'control:50051'}", 10_000, 1.0),
        ("{sink: http, control_plane_addr: 'http://127.0.0.1:8090/'}", 100, 5.0),
        ("{sink: http, control_plane_addr: 'https://control', batch_size: 7, flush_interval: 2s}", 7, 2.0),
        ("{sink: grpc, control_plane_addr: '[::1]:50051', batch_size: 7, flush_interval: 500ms}", 7, 0.5),
    ],
)
def test_telemetry_to_a_control_plane_has_defaults_of_its_sink(section: str, records: int, interval: float) -> None:
    """The tie's files serve it too, also where no namespace is followed."""
    settings = decode_with(f"telemetry: {section}\nagent: {{token_file: /t, ca_file: /c}}\n")
    assert (settings.telemetry.records, settings.telemetry.interval) == (records, interval)
