"""The `backends` list: places for bytes, each with its type's own keys, its path in the tree and its auth."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal

import msgspec

from warpdrive.domain.namespace.values import BACKEND_TYPES, BackendDefinition
from warpdrive.entrypoints.settings.auth import AuthSettings
from warpdrive.entrypoints.settings.decoding import FAILED, REQUIRED, Decoder, Section
from warpdrive.entrypoints.settings.document import Mapping as MappingNode
from warpdrive.entrypoints.settings.document import Node, Scalar, Sequence
from warpdrive.entrypoints.settings.faults import Fault, Faults, did_you_mean, key_path
from warpdrive.entrypoints.settings.kinds import KeyPrefix, MountPath, Name, PathReader, Port, Url

_TYPE_ALIASES: Final = {"googlecloudstorage": "gcs"}


class BackendConfig(Section, frozen=True, kw_only=True):
    """Keys of `config` that every type has."""

    prefix: KeyPrefix = KeyPrefix("")

    def options(self) -> dict[str, str]:
        """Write what is set, but for the prefix, as texts: the domain's `BackendDefinition.options`."""
        values: dict[str, Any] = {key: getattr(self, key) for key in self.__struct_fields__ if key != "prefix"}
        return {
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in values.items()
            if value is not None
        }

    def lacks_for(self, auth: AuthSettings) -> Iterator[tuple[str, str]]:
        """Yield (key, message) for keys that this auth needs here."""
        del auth
        return iter(())


class AzureConfig(BackendConfig, frozen=True, kw_only=True):
    """Azure Blob. `endpoint` defaults to the account's public one."""

    account: str | None = None
    container: str
    endpoint: Url | None = None

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """One of the two must say where the container is."""
        if self.account is None and self.endpoint is None:
            yield "account", "is missing (only with an endpoint can it be left out)"

    def lacks_for(self, auth: AuthSettings) -> Iterator[tuple[str, str]]:
        """Requests are signed in the account's name."""
        if auth.account_key is not None and self.account is None:
            yield "account", "is missing; auth.account_key needs it"


class S3Config(BackendConfig, frozen=True, kw_only=True):
    """S3 and whatever speaks it. `endpoint` defaults to AWS in `region`."""

    bucket: str
    region: str | None = None
    endpoint: Url | None = None
    force_path_style: bool | None = None


class GcsConfig(BackendConfig, frozen=True, kw_only=True):
    """Google Cloud Storage."""

    bucket: str
    endpoint: Url | None = None


class SftpConfig(BackendConfig, frozen=True, kw_only=True):
    """SFTP. `root` is a directory there, `known_hosts` a file here."""

    host: str
    port: Port = Port(22)
    root: str | None = None
    known_hosts: Path | None = None


class LocalConfig(BackendConfig, frozen=True, kw_only=True):
    """A directory of this machine, an NFS mount too."""

    root: Path


class MemoryConfig(BackendConfig, frozen=True, kw_only=True):
    """For tests: empty at start, gone at the end. `name` tells places apart (default: the backend's)."""

    name: str | None = None


_CONFIGS: Final[Mapping[str, type[BackendConfig]]] = MappingProxyType(
    {
        "azureblob": AzureConfig,
        "s3": S3Config,
        "gcs": GcsConfig,
        "sftp": SftpConfig,
        "local": LocalConfig,
        "memory": MemoryConfig,
    }
)


class _Head(Section, frozen=True, kw_only=True):
    """The keys of an entry beside `type`, `config` and `auth`."""

    name: Name
    mount_path: MountPath | None = None
    write: bool = False
    durability: Literal["close", "journal"] = "close"
    conflict: Literal["keep-both", "fail", "overwrite"] = "keep-both"
    delete: Literal["deny", "allow"] = "deny"

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Refuse by name what comes with the write path."""
        if self.write:
            yield "write", "cannot be on in this version; the mount is read-only"


class BackendSettings(Section, frozen=True, kw_only=True):
    """One entry, complete. `auth` is inline, or None where `credentials` names an entry of `agent.credentials`."""

    name: str
    type: str
    mount_path: str
    config: BackendConfig
    auth: AuthSettings | None = None
    credentials: str = ""
    durability: str = "close"
    conflict: str = "keep-both"
    delete: str = "deny"
    at: str = ""
    """Where the entry stands in the file: its key path, and its line."""
    line: int | None = None

    apart: ClassVar[tuple[str, ...]] = ("type", "config", "auth")
    """Keys whose meaning depends on each other: decoded one after the other."""

    @property
    def auth_path(self) -> str:
        """Key path of the entry's `auth`."""
        return key_path(self.at, "auth")


def decode_backends(decoder: Decoder, node: Node | None) -> tuple[BackendSettings, ...]:
    """Decode the list; entries with faults are left out. Names and paths are compared over all of them."""
    if node is None or not isinstance(node, Sequence):
        empty = node is None or (isinstance(node, Scalar) and node.null)
        message = "is missing; nothing would be mounted" if empty else 'must be a list, each entry with "- "'
        decoder.faults.add("backends", message, None if node is None else node.line)
        return ()
    if not node.items:
        decoder.faults.add("backends", "is empty; nothing would be mounted", node.line)
    _refuse_twins(decoder, node)
    decoded = (decode_backend(decoder, item, key_path("backends", i)) for i, item in enumerate(node.items))
    return tuple(backend for backend in decoded if backend is not None)


def definition_faults(definition: BackendDefinition, auth: AuthSettings) -> list[Fault]:
    """Return what is wrong with the options of a backend that stands in no file, by their names."""
    faults = Faults()
    options = {key: Scalar(text.replace("${", "$${")) for key, text in definition.options.items()}
    decoder = Decoder({}, PathReader(Path("/"), {}), faults)
    config = decoder.section(_CONFIGS[definition.type], MappingNode(dict(options)), "")
    for key, message in config.lacks_for(auth) if config is not None else ():
        faults.add(key, message)
    return list(faults)


def decode_backend(decoder: Decoder, node: Node, at: str) -> BackendSettings | None:
    """Decode one entry; None when it has faults."""
    known = len(decoder.faults)
    entries = decoder.keys_of(node, at)
    if entries is None:
        return None
    kept = {key: value for key, value in entries.items() if key not in BackendSettings.apart}
    head = decoder.section(_Head, MappingNode(kept, node.line), at)
    kind = _decode_type(decoder, entries.get("type"), at, node.line)
    auth, reference = _decode_auth(decoder, entries.get("auth"), key_path(at, "auth"))
    config = None
    if kind is not None:
        config = decoder.section(_CONFIGS[kind], entries.get("config", MappingNode({}, node.line)), f"{at}.config")
        auth_node = entries.get("auth")
        for key, message in auth.misfits(kind) if auth is not None else ():
            decoder.faults.add(f"{at}.auth.{key}", message, None if auth_node is None else auth_node.line)
    if config is not None and auth is not None:
        for key, message in config.lacks_for(auth):
            decoder.faults.add(f"{at}.config.{key}", message, node.line)
    if head is None or kind is None or config is None or len(decoder.faults) > known:
        return None
    if isinstance(config, MemoryConfig) and config.name is None:
        # Two nameless places would be one place to the cache.
        config = msgspec.structs.replace(config, name=head.name)
    return BackendSettings(
        name=head.name,
        type=kind,
        mount_path=head.mount_path or f"/{head.name}",
        config=config,
        auth=auth,
        credentials=reference,
        durability=head.durability,
        conflict=head.conflict,
        delete=head.delete,
        at=at,
        line=node.line,
    )


def _decode_type(decoder: Decoder, node: Node | None, at: str, line: int | None) -> str | None:
    path = key_path(at, "type")
    if node is None or (isinstance(node, Scalar) and node.null):
        decoder.faults.add(path, f"{REQUIRED}; it is one of {', '.join(BACKEND_TYPES)}", line)
        return None
    text = decoder.scalar(str, node, path)
    if text is FAILED:
        return None
    kind: str = _TYPE_ALIASES.get(text.strip().lower(), text.strip().lower())
    if kind not in BACKEND_TYPES:
        message = f"is no known type; it is one of {', '.join(BACKEND_TYPES)}{did_you_mean(kind, BACKEND_TYPES)}"
        decoder.faults.add(path, message, node.line)
        return None
    return kind


def _decode_auth(decoder: Decoder, node: Node | None, at: str) -> tuple[AuthSettings | None, str]:
    """Give the inline auth, or the name of shared credentials."""
    if node is None or (isinstance(node, Scalar) and node.null):
        return AuthSettings(), ""
    if isinstance(node, Scalar):
        name = decoder.scalar(Name, node, at)
        return None, "" if name is FAILED else name
    return decoder.section(AuthSettings, node, at), ""


def _refuse_twins(decoder: Decoder, node: Sequence) -> None:
    """Compare names and mount paths of all entries, also of those that have other faults."""
    quiet = decoder.quiet()
    first: dict[tuple[str, str], int] = {}
    for index, item in enumerate(node.items):
        if not isinstance(item, MappingNode):
            continue
        name = item.items.get("name")
        read_name: Any = FAILED if name is None else quiet.value(Name, name, "")
        path = item.items.get("mount_path")
        read_path: Any = FAILED if path is None else quiet.value(MountPath, path, "")
        if (path is None or _is_null(path)) and read_name is not FAILED:
            read_path = f"/{read_name}"
        for key, value, at in (("name", read_name, name), ("mount_path", read_path, path or name)):
            if value is FAILED:
                continue
            twin = first.setdefault((key, value), index)
            if twin != index:
                message = f"is already that of backends[{twin}] ({value})"
                decoder.faults.add(f"backends[{index}].{key}", message, None if at is None else at.line)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.null
