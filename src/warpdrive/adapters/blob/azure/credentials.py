"""Our credentials as what the SDK's client takes. Secrets pass through and are kept nowhere else."""

import binascii
import os
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential

from warpdrive.application.ports.credentials import (
    AccountKey,
    Anonymous,
    Credentials,
    EnvironmentChain,
    SasToken,
)
from warpdrive.application.ports.errors import AccessDenied, BackendMisconfigured


@dataclass(frozen=True, slots=True)
class AzureLogin:
    """What signs requests. `sas` repeats the token of a SAS, which copies need on their source's URL."""

    credential: Any = field(repr=False)
    sas: str = field(default="", repr=False)
    endpoint: str = ""
    """The blob service's URL where the credentials name one (a connection string does)."""


def resolve(credentials: Credentials, account: str, environment: Mapping[str, str] = os.environ) -> AzureLogin:
    """Choose what signs.

    Raises BackendMisconfigured for a kind that Azure does not take or an empty environment; AccessDenied for an
    account key that is not base64, which no service would take.
    """
    match credentials:
        case AccountKey(account_key=key):
            return _shared_key(account, key)
        case SasToken(sas_token=token):
            return _sas(token)
        case Anonymous():
            return AzureLogin(credential=None)
        case EnvironmentChain():
            return _from_environment(account, environment)
        case _:
            raise BackendMisconfigured(f"Azure Blob takes no credentials of kind {type(credentials).__name__}")


def _shared_key(account: str, key: str, endpoint: str = "") -> AzureLogin:
    try:
        b64decode(key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AccessDenied(f"the key of account {account!r} is not base64") from error
    return AzureLogin(credential=AzureNamedKeyCredential(account, key), endpoint=endpoint)


def _sas(token: str, endpoint: str = "") -> AzureLogin:
    token = token.removeprefix("?")
    return AzureLogin(credential=AzureSasCredential(token), sas=token, endpoint=endpoint)


def _from_environment(account: str, environment: Mapping[str, str]) -> AzureLogin:
    connection = environment.get("AZURE_STORAGE_CONNECTION_STRING")
    if connection:
        return _from_connection_string(account, connection)
    if key := environment.get("AZURE_STORAGE_KEY"):
        return _shared_key(account, key)
    if token := environment.get("AZURE_STORAGE_SAS_TOKEN"):
        return _sas(token)
    raise BackendMisconfigured(
        "the environment holds no Azure credentials: this version reads AZURE_STORAGE_CONNECTION_STRING, "
        "AZURE_STORAGE_KEY and AZURE_STORAGE_SAS_TOKEN; managed and workload identities are not supported yet"
    )


def _from_connection_string(account: str, connection: str) -> AzureLogin:
    fields = dict(part.partition("=")[::2] for part in connection.strip().strip(";").split(";"))
    settings = {name.strip().lower(): value.strip() for name, value in fields.items()}
    named = settings.get("accountname", account)
    if account and named != account:
        raise BackendMisconfigured(
            f"AZURE_STORAGE_CONNECTION_STRING is for account {named!r}, the backend names {account!r}"
        )
    endpoint = settings.get("blobendpoint", "")
    if not endpoint and "endpointsuffix" in settings:
        scheme = settings.get("defaultendpointsprotocol", "https")
        endpoint = f"{scheme}://{named}.blob.{settings['endpointsuffix']}"
    if key := settings.get("accountkey"):
        return _shared_key(named, key, endpoint)
    if token := settings.get("sharedaccesssignature"):
        return _sas(token, endpoint)
    raise BackendMisconfigured("AZURE_STORAGE_CONNECTION_STRING holds neither AccountKey nor SharedAccessSignature")
