"""What a backend authenticates with, resolved from a reference by the process that reads.

Values, not secrets stores: they never enter an event, a log line or an error; their `repr` hides the secret part.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Method `none`: send no credentials at all."""


@dataclass(frozen=True, slots=True)
class EnvironmentChain:
    """Method `environment`: the SDK's own default chain (variables, profile files, instance metadata, agent)."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """S3-style key pair."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AccountKey:
    """Azure storage account key (base64, as the portal shows it)."""

    account_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SasToken:
    """Azure shared access signature, without the leading "?"."""

    sas_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """SFTP user with a password, a private key file, or (neither) the SSH agent."""

    username: str
    password: str | None = field(default=None, repr=False)
    private_key_file: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceAccountFile:
    """GCS service account key file (JSON)."""

    path: str


Credentials = Anonymous | EnvironmentChain | AccessKey | AccountKey | SasToken | Login | ServiceAccountFile
