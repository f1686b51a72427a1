"""The `control_plane` section: another process's, checked here for key names and kinds, then left alone.

One file may serve both processes. What is wrong in it is wrong for both, so the agent says it too; but variables
that only the server's environment holds are not looked up here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from warpdrive.entrypoints.settings.decoding import Decoder, Section
from warpdrive.entrypoints.settings.document import Mapping, Node, Scalar
from warpdrive.entrypoints.settings.inventories import decode_inventories
from warpdrive.entrypoints.settings.kinds import Address, KeyPrefix, Port, Secret
from warpdrive.entrypoints.settings.units import Duration


class DatabaseSettings(Section, frozen=True, kw_only=True):
    """Where PostgreSQL is; passwords are named by their environment variable, never written."""

    host: str | None = None
    port: Port = Port(5432)
    name: str = "warpdrive"
    user: str | None = None
    password_env: str | None = None
    migration_user: str | None = None
    migration_password_env: str | None = None
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: Path | None = None
    audit_user: str | None = None
    audit_password_env: str | None = None

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """A server has a name and a user; who checks certificates needs to know against what."""
        if self.host is None and self != DatabaseSettings():
            yield "host", "is missing; without it the control plane runs a PostgreSQL of its own"
        if self.host is not None and self.user is None:
            yield "user", "is missing"
        if self.sslmode in {"verify-ca", "verify-full"} and self.sslrootcert is None:
            yield "sslrootcert", f'is missing; "sslmode: {self.sslmode}" checks against it'
        for who in ("migration", "audit"):
            if getattr(self, f"{who}_user") is None and getattr(self, f"{who}_password_env") is not None:
                yield f"{who}_user", f"is missing; {who}_password_env is its password"


class ServerAuthSettings(Section, frozen=True, kw_only=True):
    """Who may call the server."""

    mode: Literal["token", "none"] = "token"


class TlsSettings(Section, frozen=True, kw_only=True):
    """The server's certificate; `client_ca_file` asks clients for theirs."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None


class ArchiveSettings(Section, frozen=True, kw_only=True):
    """Where the archive of old telemetry lives."""

    backend: str
    prefix: KeyPrefix = KeyPrefix("")


class CredentialKeys(Section, frozen=True, kw_only=True):
    """An entry of the server's `credentials`: every method's keys; the server itself judges the combination."""

    method: Literal[
        "managed_identity",
        "service_principal",
        "oidc_federation",
        "gcp_wif",
        "static_keyvault",
        "environment",
        "static",
        "none",
    ]
    tenant_id: str | None = None
    client_id_env: str | None = None
    client_secret_env: str | None = None
    role_arn: str | None = None
    project_number: str | None = None
    pool_id: str | None = None
    provider_id: str | None = None
    service_account_email: str | None = None
    vault_url: str | None = None
    secret_name: str | None = None
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    account_key: Secret | None = None
    sas_token: Secret | None = None
    username: str | None = None
    password: Secret | None = None
    private_key_file: Path | None = None
    service_account_file: Path | None = None


class ControlPlaneSettings(Section, frozen=True, kw_only=True):
    """Keys of `control_plane`; `tls` and `inventories` are decoded apart: one may be a word, the other has backends."""

    rest_addr: Address = Address("", 8090)
    grpc_addr: Address = Address("", 50051)
    storage_crawl_interval: Duration = Duration(86400)
    database: DatabaseSettings = DatabaseSettings()
    data_dir: Path = Path("/var/lib/warpdrive-control")
    credentials: dict[str, CredentialKeys] = msgspec.field(default_factory=dict)
    archive: ArchiveSettings | None = None
    retention: Duration | None = None
    auth: ServerAuthSettings = ServerAuthSettings()


def check_control_plane(decoder: Decoder, node: Node) -> None:
    """Note the faults of the section. `decoder` has no environment: see `Decoder`."""
    entries = decoder.keys_of(node, "control_plane")
    if entries is None:
        return
    decode_tls(decoder, entries.get("tls"))
    decode_inventories(decoder, entries.get("inventories"))
    rest = {key: value for key, value in entries.items() if key not in {"tls", "inventories"}}
    decoder.section(ControlPlaneSettings, Mapping(rest, node.line), "control_plane")


def decode_tls(decoder: Decoder, node: Node | None) -> tuple[TlsSettings | None, bool]:
    """Return the certificate, if one is named, and whether `off` is written. Neither: nobody decided."""
    if node is None or (isinstance(node, Scalar) and node.null):
        return None, False
    if isinstance(node, Mapping):
        return decoder.section(TlsSettings, node, "control_plane.tls"), False
    if isinstance(node, Scalar) and node.text.strip().lower() in {"off", "false"}:
        return None, True
    decoder.faults.add("control_plane.tls", "must be off, or hold cert_file and key_file", node.line)
    return None, False
