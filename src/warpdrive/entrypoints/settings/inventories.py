"""The `control_plane.inventories` list: where providers leave their reports about buckets too large to list."""

from typing import Final, Literal

from warpdrive.entrypoints.settings.backends import BackendSettings, decode_backend
from warpdrive.entrypoints.settings.decoding import REQUIRED, Decoder, Section
from warpdrive.entrypoints.settings.document import Mapping, Node, Scalar, Sequence
from warpdrive.entrypoints.settings.faults import did_you_mean, key_path
from warpdrive.entrypoints.settings.kinds import KeyPrefix, Name

_SOURCE_KEYS: Final = ("type", "config", "auth")


class _Head(Section, frozen=True, kw_only=True):
    """The keys of an entry beside `source`."""

    backend: Name
    format: Literal["s3", "azureblob", "gcs"]
    prefix: KeyPrefix


class InventorySettings(Section, frozen=True, kw_only=True):
    """One entry: reports in a provider's format about `backend` lie below `prefix` of `source`."""

    backend: str
    format: Literal["s3", "azureblob", "gcs"]
    prefix: str
    source: BackendSettings
    """Named after the backend that it is about; `mount_path` and what comes after `auth` mean nothing here."""


def decode_inventories(decoder: Decoder, node: Node | None) -> tuple[InventorySettings, ...]:
    """Decode the list; entries with faults are left out."""
    at = "control_plane.inventories"
    if node is None or (isinstance(node, Scalar) and node.null):
        return ()
    if not isinstance(node, Sequence):
        decoder.faults.add(at, 'must be a list, each entry with "- "', node.line)
        return ()
    decoded = [_decode(decoder, item, key_path(at, index)) for index, item in enumerate(node.items)]
    seen: dict[str, int] = {}
    for index, entry in enumerate(decoded):
        if entry is not None and seen.setdefault(entry.backend, index) != index:
            message = f"is already that of inventories[{seen[entry.backend]}]"
            decoder.faults.add(f"{at}[{index}].backend", message, node.items[index].line)
    return tuple(entry for entry in decoded if entry is not None)


def _decode(decoder: Decoder, node: Node, at: str) -> InventorySettings | None:
    known = len(decoder.faults)
    entries = decoder.keys_of(node, at)
    if entries is None:
        return None
    source = _decode_source(decoder, entries.get("source"), key_path(at, "source"), node.line)
    kept = {key: value for key, value in entries.items() if key != "source"}
    head = decoder.section(_Head, Mapping(kept, node.line), at)
    if head is None or source is None or len(decoder.faults) > known:
        return None
    return InventorySettings(backend=head.backend, format=head.format, prefix=head.prefix, source=source)


def _decode_source(decoder: Decoder, node: Node | None, at: str, line: int | None) -> BackendSettings | None:
    if node is None or (isinstance(node, Scalar) and node.null):
        decoder.faults.add(at, f"{REQUIRED}; it holds type, config and auth as an entry of backends does", line)
        return None
    entries = decoder.keys_of(node, at)
    if entries is None:
        return None
    for key, child in entries.items():
        if key not in _SOURCE_KEYS:
            message = f"is not a known key{did_you_mean(key, _SOURCE_KEYS)}"
            decoder.faults.add(key_path(at, key), message, child.line)
    kept = {key: child for key, child in entries.items() if key in _SOURCE_KEYS}
    source = decode_backend(decoder, Mapping({"name": Scalar("inventory"), **kept}, node.line), at)
    if source is not None and source.config.prefix:
        # Manifests name their files from the bucket's beginning.
        decoder.faults.add(f"{at}.config.prefix", "belongs beside source: prefix of the inventory", node.line)
        return None
    return source
