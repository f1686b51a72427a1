"""From a file and an environment to the control plane's settings, or to all their faults.

Where it may listen is decided here, because it is a matter of what was written: without TLS nobody but this machine
may call, unless the file says `tls: off` in so many words; without authentication nobody else may ever.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, get_type_hints

import msgspec

from warpdrive.adapters.store.connecting import DatabasePlace, Role
from warpdrive.entrypoints.settings.agent import AgentSettings
from warpdrive.entrypoints.settings.auth import AuthSettings
from warpdrive.entrypoints.settings.backends import decode_backends
from warpdrive.entrypoints.settings.control_plane import ControlPlaneSettings, DatabaseSettings, TlsSettings, decode_tls
from warpdrive.entrypoints.settings.decoding import Decoder, Section
from warpdrive.entrypoints.settings.document import Mapping as MappingNode
from warpdrive.entrypoints.settings.document import Node, Scalar, parse_document, read_document
from warpdrive.entrypoints.settings.faults import Faults, did_you_mean
from warpdrive.entrypoints.settings.inventories import InventorySettings, decode_inventories
from warpdrive.entrypoints.settings.kinds import Address, PathReader, Secret, is_loopback
from warpdrive.entrypoints.settings.overriding import overridden
from warpdrive.entrypoints.settings.telemetry import LogSettings, MetricsSettings

_LOOPBACK: Final = "127.0.0.1"
_OURS: Final = ("control_plane", "log", "metrics")


class ServerSettings(ControlPlaneSettings, frozen=True, kw_only=True):
    """`control_plane` as its own process reads it. `credentials`: by the names that backends refer to."""

    credentials: dict[str, AuthSettings] = msgspec.field(default_factory=dict)  # type: ignore[assignment] # the agent's look at it is coarser

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Two servers cannot listen on one port."""
        if self.rest_addr == self.grpc_addr and self.rest_addr.port:
            yield "grpc_addr", "is the same as rest_addr"


class ControlSettings(Section, frozen=True, kw_only=True):
    """Everything `warpdrive-control` needs. Addresses in `server` are where it really listens."""

    server: ServerSettings
    tls: TlsSettings | None = None
    inventories: tuple[InventorySettings, ...] = ()
    loopback_only: bool = False
    """Whether an address for every interface became one for this machine alone: worth saying at the start."""
    passwords: dict[Role, Secret | None] = msgspec.field(default_factory=dict)
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()

    @property
    def database(self) -> DatabasePlace | None:
        """Where PostgreSQL is; None: an embedded one in `server.data_dir`."""
        chosen = self.server.database
        if chosen.host is None:
            return None
        assert chosen.user is not None, "a host without a user is a fault"
        users = {
            Role.OWNER: chosen.migration_user or chosen.user,
            Role.APP: chosen.user,
            Role.AUDIT: chosen.audit_user or chosen.user,
        }
        return DatabasePlace(
            host=chosen.host,
            port=chosen.port,
            name=chosen.name,
            users=users,
            passwords=dict(self.passwords),
            sslmode=chosen.sslmode,
            sslrootcert=chosen.sslrootcert,
        )


def load_control_settings(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    overrides: Mapping[str, str] | None = None,
    roles: Collection[Role] = tuple(Role),
) -> ControlSettings:
    """Read the control plane's settings from a YAML file; None: every default.

    Relative paths and `overrides` are as in `load_agent_settings`. Passwords are looked up for `roles` only: an
    auditor has no other. Raises SettingsError with every fault found.
    """
    document, faults = (MappingNode({}), Faults()) if path is None else read_document(path)
    base = Path.cwd() if path is None else path.absolute().parent
    return _decode(document, faults, base, environ, overrides or {}, roles)


def decode_control_settings(
    raw: bytes, base: Path, environ: Mapping[str, str], *, overrides: Mapping[str, str] | None = None
) -> ControlSettings:
    """Like `load_control_settings`, from bytes; relative paths start at `base`."""
    document, faults = parse_document(raw)
    return _decode(document, faults, base, environ, overrides or {})


def _decode(
    document: MappingNode,
    faults: Faults,
    base: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, str],
    roles: Collection[Role] = tuple(Role),
) -> ControlSettings:
    paths = PathReader(base, environ)
    decoder = Decoder(environ, paths, faults)
    entries = overridden(document, overrides)
    # The agent's home is its own affair: whether this process has one says nothing about it.
    _check_agent(Decoder(None, PathReader(base, {"HOME": "/", **environ}), faults), MappingNode(entries))
    node = entries.get("control_plane")
    keys = dict(decoder.keys_of(node, "control_plane") or {})
    written = keys.pop("tls", None)
    tls, off = decode_tls(decoder, written)
    inventories = decode_inventories(decoder, keys.pop("inventories", None))
    server = decoder.section(ServerSettings, MappingNode(keys, None if node is None else node.line), "control_plane")
    log = decoder.section(LogSettings, entries.get("log"), "log")
    metrics = decoder.section(MetricsSettings, entries.get("metrics"), "metrics")
    if server is None or log is None or metrics is None:
        faults.raise_if_any()
    assert server is not None, "a section without faults decodes"
    assert log is not None, "a section without faults decodes"
    assert metrics is not None, "a section without faults decodes"
    passwords = _passwords(server.database, environ, faults, _below(keys, "database"), roles)
    why = _why_loopback(server, tls is not None or off)
    addresses = {key: _narrowed(key, getattr(server, key), why, faults, keys) for key in ("rest_addr", "grpc_addr")}
    faults.raise_if_any()
    return ControlSettings(
        server=msgspec.structs.replace(server, **addresses),
        tls=tls,
        inventories=inventories,
        loopback_only=any(addresses[key] != getattr(server, key) for key in addresses),
        passwords=passwords,
        log=log,
        metrics=metrics,
    )


def _why_loopback(server: ServerSettings, tls_decided: bool) -> str | None:
    """Say why nobody but this machine may call, and what would change that."""
    if server.auth.mode == "none":
        return "must be a loopback address like 127.0.0.1 with auth.mode none; for others, set auth.mode to token"
    if not tls_decided:
        return (
            "must be a loopback address like 127.0.0.1 without TLS; for others, give control_plane.tls cert_file and"
            " key_file, or write tls: off if something before it ends TLS"
        )
    return None


def _narrowed(key: str, address: Address, why: str | None, faults: Faults, keys: dict[str, Node]) -> Address:
    """Return where to listen: "every interface" shrinks to this machine where it must, any other host is a fault."""
    if why is None or is_loopback(address.host):
        return address
    if address.host:
        faults.add(f"control_plane.{key}", why, keys[key].line if key in keys else None)
    return Address(_LOOPBACK, address.port)


def _passwords(
    database: DatabaseSettings,
    environ: Mapping[str, str],
    faults: Faults,
    keys: dict[str, Node],
    roles: Collection[Role],
) -> dict[Role, Secret | None]:
    """Look the roles' passwords up; who is not named apart shares the user's."""

    def password(key: str, variable: str | None) -> Secret | None:
        if variable is None:
            return None
        found = environ.get(variable)
        if not found:
            state = "is not set" if found is None else "is empty"
            line = keys[key].line if key in keys else None
            faults.add(
                f"control_plane.database.{key}", f"names the environment variable {variable}, which {state}", line
            )
        return Secret(found) if found else None

    chosen = {
        Role.APP: "password_env",
        Role.OWNER: "password_env" if database.migration_user is None else "migration_password_env",
        Role.AUDIT: "password_env" if database.audit_user is None else "audit_password_env",
    }
    return {role: password(chosen[role], getattr(database, chosen[role])) for role in Role if role in roles}


def _below(keys: dict[str, Node], key: str) -> dict[str, Node]:
    child = keys.get(key)
    return child.items if isinstance(child, MappingNode) else {}


def _check_agent(decoder: Decoder, document: MappingNode) -> None:
    """Note the faults of the agent's sections, if it shares the file. `decoder` has no environment: see `Decoder`."""
    kinds = get_type_hints(AgentSettings, include_extras=True)
    known = {field.name: kinds[field.name] for field in msgspec.structs.fields(AgentSettings)}
    for key, node in document.items.items():
        if key in _OURS or (isinstance(node, Scalar) and node.null):
            continue
        if key == "backends":
            decode_backends(decoder, node)
        elif key in known:
            decoder.value(known[key], node, key)
        elif key in AgentSettings.refused:
            decoder.faults.add(key, AgentSettings.refused[key], node.line)
        else:
            decoder.faults.add(key, f"is not a known key{did_you_mean(key, {*known, *_OURS})}", node.line)
