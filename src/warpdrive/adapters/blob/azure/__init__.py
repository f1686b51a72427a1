"""Azure Blob Storage, and what speaks its REST API (Azurite).

The vendor's SDK is used for what it is good at: connection strings, signing, tokens and its transport
(`pipeline`). The verbs are the documented REST calls sent through that pipeline (`reader`, `writer`), because
the SDK's downloader collects a whole range before it hands out a byte, and its models cost more per listed
name than the listing itself. `listing` and `properties` read answers, `faults` holds the table of errors.

Options: `account`, `container`, and `endpoint`, the blob service's URL with everything before the container
(default `https://{account}.blob.core.windows.net`; Azurite: `http://127.0.0.1:10000/{account}`).

The SDK loads a Rust extension (cryptography), so nothing here imports it before `open_azure` is called.
"""

from typing import TYPE_CHECKING

from warpdrive.application.ports.credentials import Credentials
from warpdrive.domain.namespace.values import BackendDefinition

if TYPE_CHECKING:
    from warpdrive.adapters.blob.object_store import ObjectStore

__all__ = ["open_azure"]


def open_azure(definition: BackendDefinition, credentials: Credentials) -> "ObjectStore":
    """Open a container, without any I/O.

    Raises BackendMisconfigured for a missing option, or for credentials of a kind that Azure does not take or
    that the environment does not hold; ModuleNotFoundError without the `azure` extra.
    """
    from warpdrive.adapters.blob.azure.pipeline import AzurePipeline  # noqa: PLC0415 -- loads the SDK
    from warpdrive.adapters.blob.azure.writer import AzureStore  # noqa: PLC0415 -- the same

    return AzureStore(AzurePipeline.open(definition, credentials))
