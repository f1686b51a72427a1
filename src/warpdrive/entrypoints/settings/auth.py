"""How a backend is spoken to: the `auth` section, and the credentials that it stands for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final, Literal

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
from warpdrive.entrypoints.settings.decoding import Section
from warpdrive.entrypoints.settings.kinds import Secret

FEDERATED: Final = ("managed_identity", "service_principal", "oidc_federation", "gcp_wif", "static_keyvault")

_STATIC_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "s3": ("access_key_id", "secret_access_key", "session_token"),
        "azureblob": ("account_key", "sas_token"),
        "gcs": ("service_account_file",),
        "sftp": ("username", "password", "private_key_file"),
        "local": (),
        "memory": (),
    }
)
"""What `method: static` can hold for each type of backend."""


class AuthSettings(Section, frozen=True, kw_only=True):
    """`auth` of a backend, or an entry of `agent.credentials`."""

    not_yet: ClassVar[Mapping[tuple[str, str], str]] = {
        ("method", word): f"{word} is not available in this version; use environment, static or none"
        for word in FEDERATED
    }

    method: Literal["environment", "static", "none"] = "environment"
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    account_key: Secret | None = None
    sas_token: Secret | None = None
    username: str | None = None
    password: Secret | None = None
    private_key_file: Path | None = None
    service_account_file: Path | None = None

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Keys of the static method beside another method would be ignored, so they are refused."""
        if self.method != "static":
            for key in self.given():
                yield key, f'is only used with "method: static", not with "method: {self.method}"'
        elif not self.given():
            yield "method", "is static, but no key is given"

    def given(self) -> tuple[str, ...]:
        """Names of the static keys that are set."""
        return tuple(key for key in self.__struct_fields__ if key != "method" and getattr(self, key) is not None)

    def misfits(self, backend_type: str) -> Iterator[tuple[str, str]]:
        """Yield (key, message) for what a backend of this type cannot use or lacks."""
        if self.method != "static":
            return
        usable = _STATIC_KEYS[backend_type]
        for key in self.given():
            if key not in usable:
                hint = f"; these are: {', '.join(usable)}" if usable else ", which need no credentials"
                yield key, f"is not for {backend_type} backends{hint}"
        yield from self._gaps(backend_type)

    def _gaps(self, backend_type: str) -> Iterator[tuple[str, str]]:
        if backend_type == "s3":
            for key in ("access_key_id", "secret_access_key"):
                if getattr(self, key) is None:
                    yield key, "is missing"
        elif backend_type == "azureblob" and (self.account_key is None) == (self.sas_token is None):
            yield "method", "static needs either account_key or sas_token"
        elif backend_type == "gcs" and self.service_account_file is None:
            yield "service_account_file", "is missing"
        elif backend_type == "sftp" and self.username is None:
            yield "username", "is missing"

    def credentials(self, backend_type: str) -> Credentials:
        """Build the credentials; call only when `misfits` is empty for the type."""
        if self.method == "none" or not _STATIC_KEYS[backend_type]:
            return Anonymous()
        if self.method == "environment":
            return EnvironmentChain()
        return self._static()

    def _static(self) -> Credentials:
        credentials: Credentials | None = None
        if self.access_key_id is not None and self.secret_access_key is not None:
            credentials = AccessKey(self.access_key_id, self.secret_access_key, self.session_token)
        elif self.account_key is not None:
            credentials = AccountKey(self.account_key)
        elif self.sas_token is not None:
            credentials = SasToken(self.sas_token.removeprefix("?"))
        elif self.service_account_file is not None:
            credentials = ServiceAccountFile(str(self.service_account_file))
        elif self.username is not None:
            key_file = self.private_key_file
            credentials = Login(self.username, self.password, None if key_file is None else str(key_file))
        assert credentials is not None, "misfits() names what is missing"
        return credentials
