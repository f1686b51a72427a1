"""The root of the agent's settings, and the `agent` section."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from warpdrive.entrypoints.settings.auth import AuthSettings
from warpdrive.entrypoints.settings.backends import BackendSettings
from warpdrive.entrypoints.settings.cache import CacheSettings
from warpdrive.entrypoints.settings.decoding import Section
from warpdrive.entrypoints.settings.kinds import Name, Peer, Umask, parse_name
from warpdrive.entrypoints.settings.telemetry import LogSettings, MetricsSettings, TelemetrySettings

_TIE_FILES = ("token_file", "ca_file", "cert_file", "key_file")

MAX_SOCKET_PATH = 107
"""Bytes in the address of a unix socket (sun_path, with its NUL 108)."""

UserId = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 2)]


class NodeSettings(Section, frozen=True, kw_only=True):
    """`agent`: this node's own affairs, and its tie to a control plane."""

    control_plane: Peer | None = None
    """None: the agent works alone, and the file's `backends` are what is mounted."""
    token_file: Path | None = None
    ca_file: Path | None = None
    """What the control plane's certificate must be signed by."""
    cert_file: Path | None = None
    """This node's own certificate, with `key_file`."""
    key_file: Path | None = None
    namespace: Name = Name("default")
    node: Name | None = None
    """None: the host's name; `load_agent_settings` fills it in."""
    state_dir: Path = Path("/var/lib/warpdrive")
    admin_socket: Path | None = None
    """None: `admin.sock` in `state_dir`; see `socket_path`."""
    credentials: dict[str, AuthSettings] = msgspec.field(default_factory=dict)
    """By name, which `auth` of a backend refers to, here or in the control plane."""

    @property
    def socket_path(self) -> Path:
        """Where the admin API listens."""
        return self.admin_socket or self.state_dir / "admin.sock"

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """The kernel bounds the length of a socket's address; credentials are referred to by name."""
        for name in self.credentials:
            try:
                parse_name(name)
            except ValueError as error:
                yield "credentials", f'"{name}" {error}'
        if len(bytes(self.socket_path)) > MAX_SOCKET_PATH:
            key = "state_dir" if self.admin_socket is None else "admin_socket"
            yield key, f"makes the admin socket's path longer than {MAX_SOCKET_PATH} bytes"
        yield from self._loose_ends()

    def _loose_ends(self) -> Iterator[tuple[str, str]]:
        for one, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
            if getattr(self, one) is not None and getattr(self, other) is None:
                yield one, f"needs {other} beside it"


class AgentSettings(Section, frozen=True, kw_only=True):
    """Everything `warpdrive-mount` needs. Paths are absolute; `uid` and `gid` None mean the mounting process's."""

    refused: ClassVar[Mapping[str, str]] = {
        "cross_tenant": "cannot be used in this version; remove the section",
    }

    mount_point: Path
    allow_other: bool = False
    fuse_debug: bool = False
    read_only: bool = False
    uid: UserId | None = None
    gid: UserId | None = None
    umask: Umask = Umask(0o022)
    log: LogSettings = LogSettings()
    cache: CacheSettings = CacheSettings()
    backends: tuple[BackendSettings, ...] = ()
    metrics: MetricsSettings = MetricsSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    agent: NodeSettings = NodeSettings()

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Directories below the mount point would be read through the mount that needs them: a deadlock."""
        if self.mount_point == Path("/"):
            yield "mount_point", "cannot be the root of the machine"
            return
        for key, path in (
            ("cache", self.cache.path),
            ("agent", self.agent.state_dir),
            ("agent", self.agent.socket_path),
            ("telemetry", self.telemetry.file_path),
        ):
            if path is not None and path.is_relative_to(self.mount_point):
                yield key, f"uses {path}, which lies below the mount point itself"
        yield from self._ties()

    def _ties(self) -> Iterator[tuple[str, str]]:
        sink = self.telemetry.sink
        if self.agent.control_plane is None and sink not in {"grpc", "http"}:
            for key in _TIE_FILES:
                if getattr(self.agent, key) is not None:
                    yield f"agent.{key}", "is only used with agent.control_plane or telemetry to one; neither is set"
        if sink == "grpc" and self.agent.control_plane is None and self.telemetry.control_plane_addr is None:
            words = 'is missing; "sink: grpc" needs it, or agent.control_plane'
            yield "telemetry.control_plane_addr", words
