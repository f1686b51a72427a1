"""What signs requests to Azure, and what is refused before any request."""

import pytest

from warpdrive.adapters.blob.azure import open_azure
from warpdrive.adapters.blob.azure.credentials import resolve
from warpdrive.adapters.blob.azure.pipeline import AzurePipeline
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
from warpdrive.application.ports.errors import AccessDenied, BackendMisconfigured
from warpdrive.domain.namespace.values import BackendDefinition

KEY = "c2VjcmV0"
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={KEY}==;EndpointSuffix=core.windows.net"


def _definition(**options: str) -> BackendDefinition:
    return BackendDefinition("b", "azureblob", options)


def _container_url(credentials: Credentials, environment: dict[str, str], **options: str) -> str:
    pipeline = AzurePipeline.open(_definition(**options), credentials, environment)
    return pipeline.blob_url("k")


class TestOptions:
    def test_endpoint_follows_from_the_account(self) -> None:
        """Without an endpoint the public cloud's is used."""
        url = _container_url(Anonymous(), {}, account="acc", container="c")
        assert url == "https://acc.blob.core.windows.net/c/k"

    def test_given_endpoint_wins(self) -> None:
        """An endpoint is everything before the container."""
        url = _container_url(Anonymous(), {}, account="acc", container="c", endpoint="http://127.0.0.1:1/acc/")
        assert url == "http://127.0.0.1:1/acc/c/k"

    @pytest.mark.parametrize(
        "options",
        [
            {"account": "acc"},
            {"container": "c"},
            {"container": "c", "account": "a", "endpoint": "blob.example"},
        ],
    )
    def test_missing_or_bad_option_is_misconfigured(self, options: dict[str, str]) -> None:
        """A container, an account (or endpoint) and a URL are needed, and said so at once."""
        with pytest.raises(BackendMisconfigured):
            open_azure(_definition(**options), Anonymous())

    def test_account_key_needs_the_account(self) -> None:
        """An endpoint does not say which account a key belongs to."""
        with pytest.raises(BackendMisconfigured, match="account"):
            open_azure(_definition(container="c", endpoint="http://127.0.0.1:1"), AccountKey(KEY))


class TestKinds:
    @pytest.mark.parametrize("foreign", [AccessKey("a", "b"), Login("u"), ServiceAccountFile("/f")])
    def test_credentials_of_other_vendors_are_misconfigured(self, foreign: Credentials) -> None:
        """An S3 key pair, an SFTP login or a Google file cannot sign for Azure."""
        with pytest.raises(BackendMisconfigured, match=type(foreign).__name__):
            resolve(foreign, "acc", {})

    def test_key_that_is_not_base64_is_denied(self) -> None:
        """No service would take it, and the SDK would fail at signing."""
        with pytest.raises(AccessDenied):
            resolve(AccountKey("not base64!"), "acc", {})

    def test_sas_is_kept_for_copies_without_its_question_mark(self) -> None:
        """A copy's source carries the token on its URL."""
        pipeline = AzurePipeline.open(_definition(account="a", container="c"), SasToken("?sv=1&sig=x"), {})
        assert pipeline.source_url("k") == "https://a.blob.core.windows.net/c/k?sv=1&sig=x"

    def test_secrets_are_not_in_the_repr(self) -> None:
        """A login printed into a log shows neither key nor token."""
        shown = repr(resolve(AccountKey(KEY), "acc", {})) + repr(resolve(SasToken("sig=sesame"), "acc", {}))
        assert KEY not in shown
        assert "sesame" not in shown


class TestEnvironment:
    def test_nothing_set_names_the_variables(self) -> None:
        """The error tells what could be set and what is not supported yet."""
        with pytest.raises(BackendMisconfigured, match=r"AZURE_STORAGE_CONNECTION_STRING.*not supported yet"):
            resolve(EnvironmentChain(), "acc", {})

    def test_connection_string_names_key_and_endpoint(self) -> None:
        """Its endpoint counts where the definition has none."""
        environment = {"AZURE_STORAGE_CONNECTION_STRING": CONNECTION.replace("core.windows.net", "cloud.test")}
        url = _container_url(EnvironmentChain(), environment, account="acc", container="c")
        assert url == "https://acc.blob.cloud.test/c/k"
        assert resolve(EnvironmentChain(), "acc", environment).credential.named_key.key == f"{KEY}=="

    def test_connection_string_of_another_account_is_misconfigured(self) -> None:
        """Signing for the wrong account would only show as a refusal."""
        with pytest.raises(BackendMisconfigured, match="other"):
            resolve(EnvironmentChain(), "other", {"AZURE_STORAGE_CONNECTION_STRING": CONNECTION})

    def test_connection_string_with_a_sas(self) -> None:
        """A shared access signature in it signs, and its BlobEndpoint counts."""
        connection = "BlobEndpoint=https://acc.example/;SharedAccessSignature=sv=1&sig=a%3D"
        login = resolve(EnvironmentChain(), "acc", {"AZURE_STORAGE_CONNECTION_STRING": connection})
        assert (login.sas, login.endpoint) == ("sv=1&sig=a%3D", "https://acc.example/")

    def test_key_before_sas(self) -> None:
        """With both variables set the account key signs; with one, that one."""
        both = {"AZURE_STORAGE_KEY": KEY, "AZURE_STORAGE_SAS_TOKEN": "sig=x"}
        assert resolve(EnvironmentChain(), "acc", both).sas == ""
        assert resolve(EnvironmentChain(), "acc", {"AZURE_STORAGE_SAS_TOKEN": "?sig=x"}).sas == "sig=x"
