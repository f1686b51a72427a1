"""Accounts in real clouds, described by the environment; where a variable is missing, the reason says which."""

import asyncio
import contextlib
import dataclasses
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.contract.backends.provider import Place, Provider
from warpdrive.adapters.blob.factory import build_backend
from warpdrive.application.ports.credentials import (
    AccessKey,
    AccountKey,
    Credentials,
    EnvironmentChain,
    Login,
    SasToken,
    ServiceAccountFile,
)
from warpdrive.application.ports.errors import ObjectNotFound
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.domain.namespace.values import BackendDefinition

PREFIX = "WARPDRIVE_TEST_"


def setting(name: str) -> str:
    """Return the variable WARPDRIVE_TEST_<name>, or "" when it is not set."""
    return os.environ.get(PREFIX + name, "")


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """One backend in the real world."""

    name: str
    type: str
    required: tuple[str, ...]
    """Variables (without WARPDRIVE_TEST_) that must be set."""
    options: dict[str, str]
    """Option of the backend -> variable that holds it."""
    credentials: Callable[[], Credentials]
    place: str
    """The option that names bucket, container or root: another value of it does not exist."""
    wrong: Credentials | None = None

    def unavailable(self) -> str | None:
        """Say which variables are missing, or None."""
        missing = [PREFIX + name for name in self.required if not setting(name)]
        return f"no account: set {', '.join(missing)}" if missing else None

    def definition(self, prefix: str) -> BackendDefinition:
        """Describe the backend below `prefix`."""
        options = {option: setting(variable) for option, variable in self.options.items() if setting(variable)}
        return BackendDefinition(self.name, self.type, options, prefix=prefix)


class Session:
    """One prefix of this run alone; every test's place is below it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._prefix = f"warpdrive-contract/{uuid.uuid4().hex}/"

    def place(self, name: str) -> Place:
        """Give a test its own prefix."""
        definition = self._account.definition(f"{self._prefix}{name}/")
        nowhere = {**definition.options, self._account.place: f"warpdrive-no-such-{uuid.uuid4().hex[:12]}"}
        return Place(
            definition,
            self._account.credentials(),
            wrong_credentials=self._account.wrong,
            missing=dataclasses.replace(definition, options=nowhere),
        )

    async def remove_everything(self) -> None:
        """Delete what the tests left below this run's prefix."""
        backend = build_backend(self._account.definition(self._prefix), self._account.credentials())
        async with contextlib.aclosing(backend):
            cursor = None
            while True:
                try:
                    page = await backend.reader.list_page(ObjectKey(""), cursor=cursor, recursive=True)
                except ObjectNotFound:
                    return
                for info in page.objects:
                    with contextlib.suppress(ObjectNotFound):  # gone already: what we want
                        await backend.writer.delete(info.key)
                cursor = page.cursor
                if cursor is None:
                    return


def _azure_credentials() -> Credentials:
    if setting("AZURE_ACCOUNT_KEY"):
        return AccountKey(setting("AZURE_ACCOUNT_KEY"))
    if setting("AZURE_SAS_TOKEN"):
        return SasToken(setting("AZURE_SAS_TOKEN"))
    return EnvironmentChain()


def _gcs_credentials() -> Credentials:
    file = setting("GCS_SERVICE_ACCOUNT_FILE")
    return ServiceAccountFile(file) if file else EnvironmentChain()


def _sftp_credentials() -> Credentials:
    return Login(setting("SFTP_USERNAME"), setting("SFTP_PASSWORD") or None, setting("SFTP_PRIVATE_KEY_FILE") or None)


ACCOUNTS = (
    Account(
        "s3",
        "s3",
        ("S3_BUCKET",),
        {
            "bucket": "S3_BUCKET",
            "region": "S3_REGION",
            "endpoint": "S3_ENDPOINT",
            "force_path_style": "S3_FORCE_PATH_STYLE",
        },
        EnvironmentChain,
        "bucket",
        wrong=AccessKey("AKIAAAAAAAAAAAAAAAAA", "not the secret"),
    ),
    Account(
        "azureblob",
        "azureblob",
        ("AZURE_ACCOUNT", "AZURE_CONTAINER"),
        {"account": "AZURE_ACCOUNT", "container": "AZURE_CONTAINER", "endpoint": "AZURE_ENDPOINT"},
        _azure_credentials,
        "container",
        wrong=AccountKey("bm90IHRoZSBrZXk="),
    ),
    Account("gcs", "gcs", ("GCS_BUCKET",), {"bucket": "GCS_BUCKET"}, _gcs_credentials, "bucket"),
    Account(
        "sftp",
        "sftp",
        ("SFTP_HOST", "SFTP_ROOT", "SFTP_USERNAME"),
        {"host": "SFTP_HOST", "port": "SFTP_PORT", "root": "SFTP_ROOT", "known_hosts": "SFTP_KNOWN_HOSTS"},
        _sftp_credentials,
        "root",
    ),
)


def provider_of(account: Account) -> Provider:
    """Present an account as the contract's conftest expects a backend."""

    @contextlib.contextmanager
    def start(_scratch: Path) -> Iterator[Session]:
        session = Session(account)
        try:
            yield session
        finally:
            asyncio.run(session.remove_everything())

    file_tree = account.type == "sftp"
    return Provider(
        account.name,
        start,
        unavailable=account.unavailable,
        raw_names=file_tree,
        odd_keys=not file_tree,
        weak_metadata=file_tree,
    )
