"""config.example.yaml: loads, names every key, and shows the defaults that the code has."""

import re
from pathlib import Path

import msgspec

from warpdrive.entrypoints.settings.agent import AgentSettings, NodeSettings
from warpdrive.entrypoints.settings.auth import AuthSettings
from warpdrive.entrypoints.settings.backends import _CONFIGS
from warpdrive.entrypoints.settings.cache import CacheSettings
from warpdrive.entrypoints.settings.decoding import Section
from warpdrive.entrypoints.settings.loading import load_agent_settings
from warpdrive.entrypoints.settings.telemetry import LogSettings, MetricsSettings, TelemetrySettings

EXAMPLE = Path(__file__).parents[4] / "config.example.yaml"
ENVIRON = {
    "HOME": "/home/me",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "key",
    "AZURE_STORAGE_KEY": "key",
}


def test_the_example_loads_without_faults() -> None:
    """Every kind of backend but the one for tests is in it."""
    settings = load_agent_settings(EXAMPLE, ENVIRON)
    assert {backend.type for backend in settings.backends} == {"s3", "azureblob", "gcs", "sftp", "local"}


def test_the_example_shows_the_real_defaults() -> None:
    """What the example writes out is what a file without it gets."""
    settings = load_agent_settings(EXAMPLE, ENVIRON)
    assert settings.cache == CacheSettings()
    assert settings.log == LogSettings()
    assert settings.metrics == MetricsSettings()
    assert settings.telemetry == TelemetrySettings()
    defaults = AgentSettings(mount_point=settings.mount_point)
    for key in ("allow_other", "fuse_debug", "read_only", "uid", "gid", "umask"):
        assert getattr(settings, key) == getattr(defaults, key)
    assert settings.agent.namespace == NodeSettings().namespace
    assert settings.agent.state_dir == NodeSettings().state_dir


def test_the_example_names_every_key() -> None:
    """A key that nobody can find does not exist."""
    text = EXAMPLE.read_text(encoding="utf-8")
    sections: list[type[Section]] = [
        AgentSettings,
        CacheSettings,
        LogSettings,
        MetricsSettings,
        TelemetrySettings,
        NodeSettings,
        AuthSettings,
        *(config for kind, config in _CONFIGS.items() if kind != "memory"),
    ]
    keys = {field.name for section in sections for field in msgspec.structs.fields(section)}
    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()
