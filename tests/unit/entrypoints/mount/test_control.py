"""The files of the tie to the control plane, and how a backend from there is held to this node's rules."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from warpdrive.application.ports.credentials import AccessKey, Anonymous, EnvironmentChain
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.domain.namespace.values import BackendDefinition
from warpdrive.entrypoints.mount.control import NodeCondition, TieFilesError, check_files, dial
from warpdrive.entrypoints.mount.summary import summarise
from warpdrive.entrypoints.settings import AgentSettings
from warpdrive.entrypoints.settings.loading import decode_agent_settings
from warpdrive.entrypoints.settings.namespace import check_definition, credentials_for

CREDENTIALS = """
  credentials:
    keys: {method: static, access_key_id: k, secret_access_key: s}
    azure: {method: static, account_key: a2V5}
"""


def settings_with(base: Path, tie: str = "") -> AgentSettings:
    """An agent that follows a control plane; its files stand in `base`."""
    text = f"mount_point: /mnt/w\nagent:\n  control_plane: control:50051\n{tie}{CREDENTIALS}"
    return decode_agent_settings(text.encode(), base, {})


class TestFiles:
    @pytest.fixture
    def token(self, tmp_path: Path) -> Path:
        """A token that only its owner may read."""
        path = tmp_path / "token"
        path.write_text("secret\n")
        path.chmod(0o600)
        return path

    def test_good_files_are_silent(self, token: Path) -> None:
        """A certificate may be read by anybody."""
        (token.parent / "ca").write_text("PEM")
        with structlog.testing.capture_logs() as lines:
            check_files(settings_with(token.parent, "  token_file: token\n  ca_file: ca\n").agent)
        assert lines == []

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
    def test_a_token_that_others_may_read_is_warned_about(self, token: Path, mode: int) -> None:
        """It works, and the log says what to do."""
        token.chmod(mode)
        with structlog.testing.capture_logs() as lines:
            check_files(settings_with(token.parent, "  token_file: token\n").agent)
        assert [(line["log_level"], line["key"]) for line in lines] == [("warning", "agent.token_file")]
        assert "chmod 600" in lines[0]["event"]

    @pytest.mark.parametrize(
        ("harm", "words"),
        [(Path.unlink, "cannot be read: No such file"), (lambda path: path.write_text(""), "is empty")],
    )
    def test_a_token_that_cannot_be_used_stops_the_start(
        self, token: Path, harm: Callable[[Path], object], words: str
    ) -> None:
        """With the key and the file."""
        harm(token)
        with pytest.raises(TieFilesError, match=f"agent.token_file: {token} {words}"):
            check_files(settings_with(token.parent, "  token_file: token\n").agent)


class TestReferences:
    @pytest.mark.parametrize(
        ("definition", "credentials"),
        [
            (BackendDefinition("a", "s3", {"bucket": "b"}, auth="keys"), AccessKey("k", "s")),
            (BackendDefinition("a", "s3", {"bucket": "b"}), EnvironmentChain()),
            (BackendDefinition("a", "local", {"root": "/srv"}), Anonymous()),
        ],
    )
    def test_a_reference_is_resolved_on_this_node(
        self, tmp_path: Path, definition: BackendDefinition, credentials: object
    ) -> None:
        """By its name; without one it is the type's own default."""
        assert credentials_for(settings_with(tmp_path), definition) == credentials

    @pytest.mark.parametrize(
        ("kind", "auth", "words"),
        [
            ("s3", "nobody", "'nobody' names no entry of agent.credentials"),
            ("s3", "backends/a", "names no entry"),
            ("gcs", "keys", "agent.credentials.keys.access_key_id is not for gcs"),
        ],
    )
    def test_a_reference_to_nothing_that_fits_is_misconfigured(
        self, tmp_path: Path, kind: str, auth: str, words: str
    ) -> None:
        """And no secret is in the words."""
        with pytest.raises(BackendMisconfigured, match=words) as caught:
            credentials_for(settings_with(tmp_path), BackendDefinition("a", kind, {"bucket": "b"}, auth=auth))
        assert "'s'" not in caught.value.detail


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (BackendDefinition("a", "s3", {}), "option bucket is missing"),
        (BackendDefinition("a", "s3", {"bucket": "b", "endpoint": "ftp://x"}), "option endpoint is not an address"),
        (BackendDefinition("a", "sftp", {"host": "h", "port": "many"}), "option port is not a port"),
        (BackendDefinition("a", "local", {"root": "data"}), "option root is not an absolute path"),
        (BackendDefinition("a", "local", {"root": "/mnt/w/x"}), "may not lie inside one another"),
        (BackendDefinition("a", "local", {"root": "/mnt"}), "may not lie inside one another"),
        (BackendDefinition("a", "azureblob", {"container": "c", "endpoint": "http://x"}, auth="azure"), "account"),
        (BackendDefinition("a", "floppy", {}), "'floppy' is not known"),
    ],
)
def test_a_definition_from_the_control_plane_obeys_the_rules_of_the_file(
    tmp_path: Path, definition: BackendDefinition, words: str
) -> None:
    """What the file would refuse is refused, so that one bad entry is EIO and not a surprise later."""
    with pytest.raises(BackendMisconfigured, match=words):
        check_definition(settings_with(tmp_path), definition)


def test_a_good_definition_passes(tmp_path: Path) -> None:
    """Texts are taken as they are: "${" expands nothing."""
    options = {"bucket": "${HOME}", "region": "eu", "endpoint": "http://h:1", "force_path_style": "true"}
    check_definition(settings_with(tmp_path), BackendDefinition("a", "s3", options))


def test_the_summary_says_where_the_namespace_comes_from(tmp_path: Path) -> None:
    """`--check-config` asks nobody."""
    assert "default, from the control plane at control:50051" in summarise(settings_with(tmp_path))


def test_the_feed_is_made_of_what_the_file_says(tmp_path: Path) -> None:
    """Nothing is dialled before somebody follows; a file that is missing stops it before that."""
    feed = dial(settings_with(tmp_path), lambda: NodeCondition("ok", "", 0))
    assert not feed.connected
    assert feed.fault
    with pytest.raises(TieFilesError, match=r"agent\.ca_file"):
        dial(settings_with(tmp_path, "  ca_file: nowhere\n"), lambda: NodeCondition("ok", "", 0))


def test_an_agent_that_works_alone_loads_no_grpc() -> None:
    """Nothing of the tie is imported before a control plane is configured."""
    code = "import sys, warpdrive.entrypoints.mount.main; print(sorted({'grpclib', 'betterproto'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
