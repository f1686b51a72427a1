"""Google Cloud Storage, by its JSON API.

The vendor's SDK (gcloud-aio) finds credentials and makes tokens (`bearer`). Its storage client has no
preconditions on reads and resumable uploads, limits each request as a whole to ten seconds and raises without
the body, so the verbs are the documented calls, sent by ourselves (`api`, `reader`, `writer`). `resources`
reads objects as JSON and as headers, `faults` holds the table of errors.

The version is the generation: a number that the service never gives twice. Options: `bucket`, and `endpoint`
(default `https://storage.googleapis.com`).

The SDK loads a Rust extension (cryptography), so nothing here imports it before `open_gcs` is called.
"""

from typing import TYPE_CHECKING

from warpdrive.application.ports.credentials import Credentials
from warpdrive.domain.namespace.values import BackendDefinition

if TYPE_CHECKING:
    from warpdrive.adapters.blob.object_store import ObjectStore

__all__ = ["open_gcs"]


def open_gcs(definition: BackendDefinition, credentials: Credentials) -> "ObjectStore":
    """Open a bucket, without any I/O on the network (a service account's file is read at once).

    Raises BackendMisconfigured for a missing option, an unreadable service account file, or credentials of a
    kind that Google does not take; ModuleNotFoundError without the `gcs` extra.
    """
    from warpdrive.adapters.blob.gcs.api import GcsApi  # noqa: PLC0415 -- loads the SDK
    from warpdrive.adapters.blob.gcs.writer import GcsStore  # noqa: PLC0415 -- the same

    return GcsStore(GcsApi.open(definition, credentials))
