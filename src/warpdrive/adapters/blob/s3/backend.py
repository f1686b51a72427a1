"""Both halves of one bucket in one object."""

from warpdrive.adapters.blob.s3.endpoint import Endpoint
from warpdrive.adapters.blob.s3.keychain import Keychain, accepted
from warpdrive.adapters.blob.s3.place import read_options
from warpdrive.adapters.blob.s3.reader import S3Reader
from warpdrive.application.ports.credentials import Credentials
from warpdrive.domain.namespace.values import BackendDefinition


class S3Backend(S3Reader):
    """An `ObjectReader`."""


def open_s3(definition: BackendDefinition, credentials: Credentials) -> S3Backend:
    """Build the backend without any I/O.

    Raises BackendMisconfigured for bad options or foreign credentials.
    """
    keychain = Keychain(accepted(definition.name, credentials))
    return S3Backend(Endpoint(read_options(definition), keychain))
