"""Azurite, Microsoft's own emulator of Azure Blob Storage, as a child process on loopback."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from tests.support.ports import LOOPBACK, Address, accepts, free_port, running
from warpdrive.application.ports.credentials import AccountKey
from warpdrive.domain.namespace.values import BackendDefinition

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's published account and key; they open nothing else."""

_PROGRAM = Path(__file__).parents[2] / ".tools/azurite/node_modules/.bin/azurite-blob"
_EXPIRY = "2099-01-01T00:00:00Z"


def unavailable() -> str | None:
    """Say why Azurite cannot run here, or None."""
    if shutil.which("node") is None:
        return "no node on the path"
    return None if _PROGRAM.exists() else f"{_PROGRAM.name} is not installed (hack/setup-dev.sh does it)"


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running emulator."""

    address: Address

    @property
    def endpoint(self) -> str:
        """The blob service's URL, which holds the account."""
        return endpoint_at(self.address)

    def definition(self, container: str, prefix: str = "") -> BackendDefinition:
        """Describe a container as a backend."""
        options = {"account": ACCOUNT, "container": container, "endpoint": self.endpoint}
        return BackendDefinition("azurite", "azureblob", options, prefix=prefix)

    @property
    def credentials(self) -> AccountKey:
        """What it takes."""
        return AccountKey(ACCOUNT_KEY)

    def make_container(self, name: str, *, public: bool = False) -> None:
        """Create a container; `public` lets anybody read and list."""
        with BlobServiceClient(self.endpoint, credential=ACCOUNT_KEY) as service:
            service.create_container(name, public_access="container" if public else None)

    def container_sas(self, name: str, permissions: str = "racwdl") -> str:
        """Sign a token for one container."""
        return generate_container_sas(
            ACCOUNT,
            name,
            account_key=ACCOUNT_KEY,
            permission=ContainerSasPermissions.from_string(permissions),
            expiry=_EXPIRY,
        )


def endpoint_at(address: Address) -> str:
    """Address the account's blob service where `address` listens."""
    return f"http://{address[0]}:{address[1]}/{ACCOUNT}"


@contextlib.contextmanager
def azurite(scratch: Path) -> Iterator[Azurite]:
    """Run Azurite for the block, its files below `scratch`."""
    address = (LOOPBACK, free_port())
    argv = [str(_PROGRAM), "--blobHost", LOOPBACK, "--blobPort", str(address[1])]
    argv += [
        "--location",
        str(scratch / "azurite"),
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
    ]
    with running(argv, log=scratch / "azurite.log", ready=lambda: accepts(address)):
        yield Azurite(address)
