"""The secrets of a configuration, and that none of them reaches a log line."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from warpdrive.adapters.observability.logging import configure_logging
from warpdrive.entrypoints.settings import AgentSettings
from warpdrive.entrypoints.settings.loading import decode_agent_settings
from warpdrive.entrypoints.settings.namespace import backend_definition, credentials_for
from warpdrive.entrypoints.settings.secrets import secrets_of

CONFIG = b"""
mount_point: /mnt/w
backends:
  - name: photos
    type: s3
    config: {bucket: photos}
    auth: {method: static, access_key_id: AKIAEXAMPLE, secret_access_key: "${S3_SECRET}", session_token: tok-en/+==}
  - name: tables
    type: azureblob
    config: {account: acct, container: c}
    auth: {method: static, account_key: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq=="}
  - name: shared
    type: azureblob
    config: {account: acct, container: d}
    auth: {method: static, sas_token: "sv=2022-11-02&sig=Zm9vYmFyYmF6%3D"}
  - name: lab
    type: sftp
    config: {host: lab, root: /data}
    auth: {method: static, username: ada, password: 'p"w d\\x'}
"""
SECRETS = {
    "from the environment",
    "tok-en/+==",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==",
    "sv=2022-11-02&sig=Zm9vYmFyYmF6%3D",
    'p"w d\\x',
}


@pytest.fixture
def settings() -> AgentSettings:
    """Settings with a secret of every kind."""
    return decode_agent_settings(CONFIG, Path("/etc/warpdrive"), {"S3_SECRET": "from the environment"}, overrides={})


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Give the process back its logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)  # noqa: FBT003 - the standard library's signature
    structlog.reset_defaults()


def test_every_secret_is_found_and_nothing_else(settings: AgentSettings) -> None:
    """Expanded variables too; names, ids and users are no secrets."""
    assert {str(secret) for secret in secrets_of(settings)} == SECRETS


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_of_a_configuration_reaches_a_log_line(settings: AgentSettings, log_format: str) -> None:
    """Settings, credentials and each bare value, logged as carelessly as can be."""
    stream = io.StringIO()
    configure_logging(
        "debug", "json" if log_format == "json" else "console", secrets=secrets_of(settings), stream=stream
    )
    log = structlog.stdlib.get_logger("careless")
    log.info("settings", all=settings, text=str(settings))
    for backend in settings.backends:
        log.info("credentials", resolved=credentials_for(settings, backend_definition(backend)))
    for secret in SECRETS:
        event = f"bare {secret}"
        log.info(event, field=secret, plain=[secret])
        logging.getLogger("library").warning("sent %s and %r", secret, {"x": secret})
    text = stream.getvalue()
    assert text.count("bare") == len(SECRETS)
    assert [secret for secret in SECRETS if secret in text or repr(secret)[1:-1] in text] == []
