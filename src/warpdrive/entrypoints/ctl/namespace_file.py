"""A namespace as a file: the words of the agent's `backends:` section, so that one may become the other.

`namespace: NAME` and `backends:`, each with `name`, `type`, `mount_path`, `config`, `auth` (the name of credentials
that the nodes hold, never a secret), `tenant`, `write`, `durability`, `conflict` and `delete`. `${VAR}` expands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import yaml

from warpdrive.domain.namespace.values import BACKEND_TYPES, OPTIONS, POLICY_WORDS, BackendDefinition
from warpdrive.entrypoints.settings.auth import AuthSettings
from warpdrive.entrypoints.settings.backends import definition_faults
from warpdrive.entrypoints.settings.decoding import FAILED, REQUIRED, Decoder, Section
from warpdrive.entrypoints.settings.document import Mapping as MappingNode
from warpdrive.entrypoints.settings.document import Node, Scalar, Sequence, parse_document
from warpdrive.entrypoints.settings.faults import Fault, Faults, did_you_mean, key_path
from warpdrive.entrypoints.settings.kinds import KeyPrefix, MountPath, PathReader

Entry = Mapping[str, Any]
"""A MountEntry of the contract, as ProtoJSON."""

_ALIASES: Final = MappingProxyType({"googlecloudstorage": "gcs"})


@dataclass(frozen=True, slots=True)
class NamespaceFile:
    """What a file wishes for. `warnings`: what the control plane takes, and agents of this version will not serve."""

    name: str
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]


class _Head(Section, frozen=True, kw_only=True):
    """The keys of an entry beside `config`."""

    name: str
    type: str
    mount_path: MountPath | None = None
    auth: str = ""
    tenant: str = ""
    write: bool = False
    durability: Literal["close", "journal"] = "close"
    conflict: Literal["keep-both", "fail", "overwrite"] = "keep-both"
    delete: Literal["deny", "allow"] = "deny"


def read_namespace(raw: bytes, environ: Mapping[str, str]) -> NamespaceFile:
    """Read a file. Raises SettingsError with every fault found."""
    document, faults = parse_document(raw)
    decoder = Decoder(environ, PathReader(Path("/"), {}), faults)
    for key, node in document.items.items():
        if key not in {"namespace", "backends"}:
            faults.add(key, f"is not a known key{did_you_mean(key, ('namespace', 'backends'))}", node.line)
    named = document.items.get("namespace")
    name = ""
    if named is None:
        faults.add("namespace", f"{REQUIRED}; it names the namespace")
    else:
        text = decoder.scalar(str, named, "namespace")
        name = "" if text is FAILED else text
    entries = _entries(decoder, document.items.get("backends"), faults)
    faults.raise_if_any()
    return NamespaceFile(name, tuple(entries), tuple(warning for entry in entries for warning in unserved(entry)))


def write_namespace(namespace: Mapping[str, Any]) -> str:
    """Write a namespace of the contract as a file that `read_namespace` takes back unchanged."""
    plain = {
        "namespace": _escaped(namespace["name"]),
        "backends": [_plain(entry) for entry in namespace.get("entries", ())],
    }
    return str(yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False))


def entry_words(entry: Entry) -> dict[str, str]:
    """Write an entry as single words with texts ("config.bucket": "photos"); what has its default is left out."""
    backend = entry["backend"]
    words = {"name": backend["name"], "type": backend["type"]}
    words |= {f"config.{key}": value for key, value in sorted(backend.get("options", {}).items())}
    words |= {"config.prefix": backend.get("prefix", ""), "auth": backend.get("auth", "")}
    words["tenant"] = backend.get("tenant", "")
    policy = entry.get("policy", {})
    words |= {key: "" if policy.get(key, usual[0]) == usual[0] else policy[key] for key, usual in POLICY_WORDS.items()}
    return {key: value for key, value in words.items() if value}


def _entries(decoder: Decoder, node: Node | None, faults: Faults) -> list[Entry]:
    if not isinstance(node, Sequence):
        line = None if node is None else node.line
        faults.add("backends", 'must be a list, each entry with "- "; "backends: []" is a namespace without any', line)
        return []
    entries = [_entry(decoder, item, key_path("backends", i), faults) for i, item in enumerate(node.items)]
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if entry is not None and first.setdefault(entry["path"], index) != index:
            message = f"is already that of backends[{first[entry['path']]}] ({entry['path']})"
            faults.add(f"backends[{index}].mount_path", message, node.items[index].line)
    return [entry for entry in entries if entry is not None]


def _entry(decoder: Decoder, node: Node, at: str, faults: Faults) -> Entry | None:
    keys = decoder.keys_of(node, at)
    if keys is None:
        return None
    auth = keys.get("auth")
    if isinstance(auth, MappingNode):
        faults.add(
            f"{at}.auth",
            "must be the name of credentials that the nodes hold (agent.credentials): no secret leaves them",
            auth.line,
        )
        return None
    # An empty text says "none" for these two, as the control plane itself writes it.
    rest = {
        key: child
        for key, child in keys.items()
        if key != "config" and not (key in {"auth", "tenant"} and isinstance(child, Scalar) and not child.text)
    }
    head = decoder.section(_Head, MappingNode(rest, node.line), at)
    if head is None:
        return None
    kind = _ALIASES.get(head.type.strip().lower(), head.type.strip().lower())
    if kind not in BACKEND_TYPES:
        message = f"is no known type; it is one of {', '.join(BACKEND_TYPES)}{did_you_mean(kind, BACKEND_TYPES)}"
        faults.add(f"{at}.type", message, rest["type"].line)
        return None
    options, prefix = _config(decoder, keys.get("config"), kind, key_path(at, "config"))
    return {
        "path": str(head.mount_path or f"/{head.name}"),
        "backend": {
            "name": head.name,
            "type": kind,
            "options": options,
            "prefix": prefix,
            "auth": head.auth,
            "tenant": head.tenant,
        },
        "policy": {
            "write": "on" if head.write else "off",
            "durability": head.durability,
            "conflict": head.conflict,
            "delete": head.delete,
        },
    }


def _config(decoder: Decoder, node: Node | None, kind: str, at: str) -> tuple[dict[str, str], str]:
    options: dict[str, str] = {}
    prefix = ""
    for key, child in (decoder.keys_of(node, at) or {}).items():
        if isinstance(child, Scalar) and child.null:
            continue
        if isinstance(child, Scalar) and not child.text:
            value: Any = ""
        else:
            value = decoder.scalar(KeyPrefix if key == "prefix" else str, child, key_path(at, key))
        if key == "prefix":
            prefix = "" if value is FAILED else str(value)
        elif key not in OPTIONS[kind]:
            known = (*OPTIONS[kind], "prefix")
            decoder.faults.add(key_path(at, key), f"is not a known key of {kind}{did_you_mean(key, known)}", child.line)
        elif value is not FAILED:
            options[key] = value
    return options, prefix


def unserved(entry: Entry) -> list[str]:
    """Say why agents of this version will not serve an entry that the control plane takes; [] when they will."""
    backend = entry["backend"]
    options: Mapping[str, str] = backend["options"]
    definition = BackendDefinition(backend["name"], backend["type"], options, backend["prefix"])
    faults = definition_faults(definition, AuthSettings())
    if not faults and definition.type == "local" and not options["root"].startswith("/"):
        # In an agent's own file it would start at the file's directory.
        faults.append(Fault("root", "is not an absolute path"))
    return [
        f"{entry['path']}: agents of this version will not serve it: config.{fault.path} {fault.message}"
        for fault in faults
    ]


class _Word(str):
    """A text that YAML shows without quotes."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes lists indented below their key, as the documentation does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Never without an indent."""
        del indentless
        super().increase_indent(flow, False)  # noqa: FBT003 - the library's own signature


_Dumper.add_representer(_Word, lambda dumper, word: dumper.represent_scalar("tag:yaml.org,2002:bool", str(word)))


def _plain(entry: Entry) -> dict[str, Any]:
    backend, policy = entry["backend"], entry.get("policy", {})
    # In one order: a map comes in any, and files are compared.
    config = {key: _escaped(value) for key, value in sorted(backend.get("options", {}).items())}
    if backend.get("prefix"):
        config["prefix"] = _escaped(backend["prefix"])
    plain: dict[str, Any] = {
        "name": _escaped(backend["name"]),
        "type": backend["type"],
        "mount_path": _escaped(entry["path"]),
        "config": config,
    }
    plain |= {key: _escaped(backend[key]) for key in ("auth", "tenant") if backend.get(key)}
    if policy.get("write", "off") != "off":
        plain["write"] = _Word(policy["write"])
    for key in ("durability", "conflict", "delete"):
        if policy.get(key, POLICY_WORDS[key][0]) != POLICY_WORDS[key][0]:
            plain[key] = policy[key]
    return plain


def _escaped(text: str) -> str:
    return text.replace("${", "$${")
