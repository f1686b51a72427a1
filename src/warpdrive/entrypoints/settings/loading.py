"""From a file and an environment to the agent's settings, or to all its faults."""

import platform
from collections.abc import Mapping
from pathlib import Path

import msgspec

from warpdrive.entrypoints.settings.agent import AgentSettings
from warpdrive.entrypoints.settings.backends import BackendSettings, LocalConfig, decode_backends
from warpdrive.entrypoints.settings.control_plane import check_control_plane
from warpdrive.entrypoints.settings.decoding import Decoder
from warpdrive.entrypoints.settings.document import Mapping as MappingNode
from warpdrive.entrypoints.settings.document import Node, Scalar, parse_document, read_document
from warpdrive.entrypoints.settings.faults import Faults, did_you_mean
from warpdrive.entrypoints.settings.kinds import Name, PathReader
from warpdrive.entrypoints.settings.overriding import overridden


def load_agent_settings(
    path: Path, environ: Mapping[str, str], *, overrides: Mapping[str, str] | None = None
) -> AgentSettings:
    """Read the agent's settings from a YAML file.

    Relative paths in the file start at the file's own directory. `overrides` come from the command line: keys
    written with dots ("mount_point", "log.level") to texts, which win over the file and are not expanded
    (paths in them should be absolute). Raises SettingsError with every fault found.
    """
    document, faults = read_document(path)
    return _decode(document, faults, path.absolute().parent, environ, overrides or {})


def decode_agent_settings(
    raw: bytes, base: Path, environ: Mapping[str, str], *, overrides: Mapping[str, str] | None = None
) -> AgentSettings:
    """Like `load_agent_settings`, from bytes; relative paths start at `base`."""
    document, faults = parse_document(raw)
    return _decode(document, faults, base, environ, overrides or {})


def _decode(
    document: MappingNode, faults: Faults, base: Path, environ: Mapping[str, str], overrides: Mapping[str, str]
) -> AgentSettings:
    paths = PathReader(base, environ)
    decoder = Decoder(environ, paths, faults)
    entries = overridden(document, overrides)
    server = entries.pop("control_plane", None)
    if server is not None:
        check_control_plane(Decoder(None, paths, faults), server)
    listed = entries.pop("backends", None)
    followed = _below(entries.get("agent"), "control_plane") is not None
    if listed is not None and followed:
        faults.add("backends", "cannot stand beside agent.control_plane, which defines the backends", listed.line)
    backends = decode_backends(decoder, listed) if listed is not None or not followed else ()
    settings = decoder.section(AgentSettings, MappingNode(entries), "")
    shared = _below(entries.get("agent"), "credentials")
    _check_references(faults, backends, shared, settings)
    if settings is not None:
        _check_roots(faults, settings.mount_point, backends)
    faults.raise_if_any()
    assert settings is not None, "a section without faults decodes"
    node = settings.agent.node or Name(platform.node() or "localhost")
    return msgspec.structs.replace(
        settings, backends=backends, agent=msgspec.structs.replace(settings.agent, node=node)
    )


def _below(node: Node | None, key: str) -> Node | None:
    child = node.items.get(key) if isinstance(node, MappingNode) else None
    return None if isinstance(child, Scalar) and child.null else child


def _check_references(
    faults: Faults, backends: tuple[BackendSettings, ...], shared: Node | None, settings: AgentSettings | None
) -> None:
    """`auth: name` must name an entry of agent.credentials that fits the backend's type."""
    names = shared.items if isinstance(shared, MappingNode) else {}
    for backend in backends:
        name = backend.credentials
        if not name:
            continue
        if name not in names:
            hint = did_you_mean(name, names)
            faults.add(backend.auth_path, f'names no entry of agent.credentials: "{name}"{hint}', backend.line)
        elif settings is not None:
            auth = settings.agent.credentials[name]
            for key, message in backend.config.lacks_for(auth):
                faults.add(f"{backend.at}.config.{key}", message, backend.line)
            for key, message in auth.misfits(backend.type):
                faults.add(f"agent.credentials.{name}.{key}", f"{message} ({backend.name})", names[name].line)


def _check_roots(faults: Faults, mount_point: Path, backends: tuple[BackendSettings, ...]) -> None:
    """A local directory that holds the mount, or lies in it, would be read through itself."""
    for backend in backends:
        if isinstance(backend.config, LocalConfig):
            root = backend.config.root
            if root.is_relative_to(mount_point) or mount_point.is_relative_to(root):
                faults.add(f"{backend.at}.config.root", "and mount_point may not lie inside one another", backend.line)
