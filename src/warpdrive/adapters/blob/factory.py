"""From a definition and credentials to a backend that is ready for use, the only door to this room.

The adapter alone knows the vendor; around it stand wrappers, from the outside in:

- `retrying` outermost, so that a back-off holds no slot below and one operation is one call above;
- `throttling` bounds the attempts under way, so waiting in line is neither measured as a slow request nor a
  stall;
- `measured` sees single attempts: a fault that a retry heals still counts in the error metric;
- `watching` gives up an attempt that makes no progress;
- `verifying` checks what the adapter answers against what was asked;
- `prefixed` puts the backend's prefix before every key, and takes it off every answer; absent without a
  prefix.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from warpdrive.adapters.blob.measured import BackendMeter, MeasuredStore, NoMeter
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.adapters.blob.patience import Patience
from warpdrive.adapters.blob.prefixed import PrefixedStore
from warpdrive.adapters.blob.retrying import RetryingStore
from warpdrive.adapters.blob.throttling import ThrottlingStore
from warpdrive.adapters.blob.verifying import VerifyingStore
from warpdrive.adapters.blob.watching import WatchingStore
from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.object_writer import ObjectWriter
from warpdrive.application.ports.objects import Capabilities
from warpdrive.domain.namespace.values import BackendDefinition

__all__ = ["Backend", "Patience", "build_backend"]

Opener = Callable[[BackendDefinition, Credentials], ObjectStore]

_OPENERS = {
    "azureblob": ("warpdrive.adapters.blob.azure", "open_azure", "azure"),
    "s3": ("warpdrive.adapters.blob.s3", "open_s3", ""),
    "gcs": ("warpdrive.adapters.blob.gcs", "open_gcs", "gcs"),
    "sftp": ("warpdrive.adapters.blob.sftp", "open_sftp", "sftp"),
    "local": ("warpdrive.adapters.blob.local", "open_local", ""),
    "memory": ("warpdrive.adapters.blob.memory", "open_memory", ""),
}
"""Type -> module, function, extra ("": none). Imported on first use: the core loads no Rust extension."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Both halves of one backend. Closing either half closes both."""

    definition: BackendDefinition
    reader: ObjectReader
    writer: ObjectWriter

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.reader.capabilities

    async def aclose(self) -> None:
        """Give back connections. Safe to call twice."""
        await self.reader.aclose()


def build_backend(
    definition: BackendDefinition,
    credentials: Credentials,
    *,
    patience: Patience | None = None,
    meter: BackendMeter | None = None,
    max_parallel: int | None = None,
) -> Backend:
    """Build the backend without any I/O: a missing bucket or a bad credential shows on use.

    `max_parallel` lowers (or raises) the number of requests under way that the adapter declares. Raises
    BackendMisconfigured for an unknown type, bad options, or a type whose extra is not installed.
    """
    patience = patience or Patience()
    store = _open_adapter(definition, credentials)
    if definition.prefix:
        store = PrefixedStore(store, definition.prefix)
    store = VerifyingStore(store)
    store = WatchingStore(store, patience)
    store = MeasuredStore(store, meter or NoMeter(), patience.monotonic)
    store = ThrottlingStore(store, max_parallel or store.capabilities.max_parallel, patience.deadline_s)
    store = RetryingStore(store, patience)
    return Backend(definition=definition, reader=store, writer=store)


def _open_adapter(definition: BackendDefinition, credentials: Credentials) -> ObjectStore:
    if definition.type not in _OPENERS:
        raise BackendMisconfigured(
            f"backend {definition.name!r} has the unknown type {definition.type!r}; the types are {', '.join(_OPENERS)}"
        )
    module, function, extra = _OPENERS[definition.type]
    try:
        opener = cast("Opener", getattr(import_module(module), function))
        return opener(definition, credentials)
    except ModuleNotFoundError as error:
        if not extra or (error.name or "").startswith("warpdrive"):
            raise
        raise BackendMisconfigured(
            f"backend {definition.name!r} of type {definition.type} needs the {extra} extra: "
            f"pip install 'warpdrive[{extra}]'"
        ) from error
