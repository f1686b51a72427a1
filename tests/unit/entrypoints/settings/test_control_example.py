"""The control plane's part of config.example.yaml: commented out, and right when it is not."""

import re
from pathlib import Path

import msgspec

from warpdrive.application.control.retention import Retention
from warpdrive.entrypoints.settings.control import ServerSettings, load_control_settings
from warpdrive.entrypoints.settings.control_plane import (
    ArchiveSettings,
    DatabaseSettings,
    ServerAuthSettings,
    TlsSettings,
)
from warpdrive.entrypoints.settings.inventories import InventorySettings

EXAMPLE = Path(__file__).parents[4] / "config.example.yaml"
PASSWORDS = {f"WARPDRIVE_DB_{who}PASSWORD": "p" for who in ("", "OWNER_", "AUDIT_")}


def section() -> str:
    """Return the section without the marks that comment it out."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    begin = lines.index("# control_plane:")
    return "\n".join(line.removeprefix("# ") for line in lines[begin:]) + "\n"


def test_the_example_serves_the_control_plane_as_it_is() -> None:
    """The agent's sections in it are checked; its variables need not be set here."""
    assert load_control_settings(EXAMPLE, {}).database is None


def test_the_commented_section_loads_and_shows_the_real_defaults(tmp_path: Path) -> None:
    """What it writes out beside examples is what a file without it gets."""
    (tmp_path / "config.yaml").write_text(section())
    server = load_control_settings(tmp_path / "config.yaml", PASSWORDS).server
    for key in ("rest_addr", "grpc_addr", "data_dir", "auth", "credentials", "storage_crawl_interval"):
        assert getattr(server, key) == getattr(ServerSettings(), key), key
    assert Retention.of(server.retention) == Retention.of(None)
    for key in ("port", "name", "sslmode"):
        assert getattr(server.database, key) == getattr(DatabaseSettings(), key), key


def test_the_example_names_every_key_of_the_section() -> None:
    """A key that nobody can find does not exist."""
    text = EXAMPLE.read_text(encoding="utf-8")
    keys = {
        field.name
        for kind in (
            ServerSettings,
            DatabaseSettings,
            ServerAuthSettings,
            TlsSettings,
            ArchiveSettings,
            InventorySettings,
        )
        for field in msgspec.structs.fields(kind)
    }
    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()
