"""Archive, credentials and inventories of the control plane: what loads, and what is said about what does not."""

from pathlib import Path

import pytest

from warpdrive.application.ports.credentials import AccessKey
from warpdrive.entrypoints.settings import SettingsError
from warpdrive.entrypoints.settings.control import ControlSettings, decode_control_settings
from warpdrive.entrypoints.settings.loading import decode_agent_settings
from warpdrive.entrypoints.settings.secrets import secrets_of

_SOURCE = "source: {type: s3, config: {bucket: reports}, auth: {method: none}}"


def decode(keys: str) -> ControlSettings:
    """Decode a file with these keys in its section, written as YAML flow."""
    return decode_control_settings(f"control_plane: {{{keys}}}\n".encode(), Path("/etc"), {"KEY": "s3cret"})


def faults(keys: str) -> dict[str, str]:
    """Collect the faults of a section's keys, by the key path below the section."""
    with pytest.raises(SettingsError) as caught:
        decode(keys)
    return {fault.path.removeprefix("control_plane."): fault.message for fault in caught.value.faults}


def test_an_archive_has_a_backend_and_perhaps_a_prefix() -> None:
    """The backend is one that a namespace defines; slashes around the prefix need no care."""
    archive = decode("archive: {backend: cold, prefix: /telemetry}").server.archive
    assert archive is not None
    assert (archive.backend, archive.prefix) == ("cold", "telemetry/")
    assert decode("").server.archive is None


@pytest.mark.parametrize("written", ["{}", "{prefix: a}", '{backend: ""}', "{backend: }"])
def test_an_archive_without_a_backend_is_a_fault(written: str) -> None:
    """Nobody can archive nowhere."""
    assert set(faults(f"archive: {written}")) == {"archive.backend"}


def test_credentials_are_those_that_backends_can_use() -> None:
    """A name stands for keys, which are secrets; methods that this version cannot use are refused by name."""
    settings = decode(
        "credentials: {vision: {method: static, access_key_id: AKIA, secret_access_key: '${KEY}'}, ambient: {}}"
    )
    assert settings.server.credentials["vision"].credentials("s3") == AccessKey("AKIA", "s3cret")
    assert "s3cret" in set(secrets_of(settings))
    assert "credentials.x.method" in faults("credentials: {x: {method: managed_identity}}")
    assert "credentials.x.access_key_id" in faults("credentials: {x: {method: none, access_key_id: AKIA}}")


def test_an_inventory_says_whose_reports_are_where() -> None:
    """Its source is written as a backend's type, config and auth are."""
    [inventory] = decode(f"inventories: [{{backend: lake, format: s3, prefix: inv/lake/daily, {_SOURCE}}}]").inventories
    assert (inventory.backend, inventory.format, inventory.prefix) == ("lake", "s3", "inv/lake/daily/")
    assert inventory.source.type == "s3"
    assert inventory.source.config.options()["bucket"] == "reports"
    assert decode("inventories: ").inventories == ()


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (f"{{format: s3, prefix: a, {_SOURCE}}}", "inventories[0].backend"),
        (f"{{backend: lake, format: orc, prefix: a, {_SOURCE}}}", "inventories[0].format"),
        (f"{{backend: lake, format: s3, {_SOURCE}}}", "inventories[0].prefix"),
        ("{backend: lake, format: s3, prefix: a}", "inventories[0].source"),
        ("{backend: lake, format: s3, prefix: a, source: {type: s3}}", "inventories[0].source.config.bucket"),
        ("{backend: lake, format: s3, prefix: a, source: {type: ftp}}", "inventories[0].source.type"),
        (
            "{backend: lake, format: s3, prefix: a, source: {type: local, config: {root: /r}, mount_path: /x}}",
            "inventories[0].source.mount_path",
        ),
        (
            "{backend: lake, format: s3, prefix: a, source: {type: local, config: {root: /r, prefix: b}}}",
            "inventories[0].source.config.prefix",
        ),
        (f"{{backend: lake, format: s3, prefix: a, {_SOURCE}, more: 1}}", "inventories[0].more"),
    ],
)
def test_every_fault_of_an_inventory_is_named(entry: str, path: str) -> None:
    """The path of the key says which one it is."""
    assert path in faults(f"inventories: [{entry}]")


def test_a_backend_has_one_inventory() -> None:
    """Two would take turns in saying what is gone."""
    entry = f"{{backend: lake, format: s3, prefix: a, {_SOURCE}}}"
    assert faults(f"inventories: [{entry}, {entry}]") == {"inventories[1].backend": "is already that of inventories[0]"}


def test_an_agent_that_shares_the_file_looks_up_no_variable_of_the_server() -> None:
    """Key names are checked by both; the server's secrets are its own."""
    source = "source: {type: s3, config: {bucket: '${WHERE}'}, auth: {method: static, secret_access_key: '${KEY}'}}"
    text = (
        "mount_point: /mnt/data\nbackends: [{name: lake, type: local, config: {root: /lake}}]\n"
        f"control_plane: {{inventories: [{{backend: lake, format: s3, prefix: a, {source}}}]}}\n"
    )
    assert decode_agent_settings(text.encode(), Path("/etc"), {}).mount_point == Path("/mnt/data")
