"""The agent's tie to the control plane: its files, its feed, and what is served while they are at odds.

gRPC is imported only here, and only when a control plane is configured.
"""

import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import structlog

from warpdrive.adapters.control_client.last_known import LastKnownFile
from warpdrive.application.mount.backends import OpenReader
from warpdrive.application.mount.filesystem import MountedFileSystem
from warpdrive.application.mount.following import NamespaceFollower, Patience, following
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.namespace_feed import NamespaceFeed
from warpdrive.entrypoints.settings import AgentSettings
from warpdrive.entrypoints.settings.agent import NodeSettings

_log = structlog.get_logger(__name__)

_DETAIL = 500
"""Characters of what is wrong that a heartbeat carries; `warpdrive-ctl status` on the node has all of it."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class TieFilesError(Exception):
    """Raised when a file that the tie to the control plane needs cannot be used. Names the key and the file."""


class NodeCondition(NamedTuple):
    """How this node says it is, with every heartbeat. `position`: of the namespace that it serves, 0 before one."""

    health: str
    detail: str
    position: int


def dial(settings: AgentSettings, condition: Callable[[], NodeCondition]) -> NamespaceFeed:
    """Return the feed of the configured control plane; nothing is dialled yet. Raises TieFilesError."""
    node = settings.agent
    check_files(node)
    from warpdrive.adapters.control_client.feed import AgentCondition, ControlPlaneFeed  # noqa: PLC0415  loads gRPC

    return ControlPlaneFeed(
        str(node.control_plane),
        node=node.node or "",
        namespace=node.namespace,
        token_file=node.token_file,
        ca_file=node.ca_file,
        cert_file=node.cert_file,
        key_file=node.key_file,
        mount_point=str(settings.mount_point),
        condition=lambda: AgentCondition(*condition()),
    )


@dataclass(frozen=True, slots=True)
class Tie:
    """How the agent is tied to a control plane: who makes the feed, and how long a start waits for it."""

    dial: Callable[[AgentSettings, Callable[[], NodeCondition]], NamespaceFeed] = dial
    patience: Patience = field(default_factory=Patience)


def check_files(node: NodeSettings) -> None:
    """Look at the files before anything is dialled. Raises TieFilesError; warns of secrets that others may read."""
    for key in ("token_file", "ca_file", "cert_file", "key_file"):
        path: Path | None = getattr(node, key)
        if path is None:
            continue
        try:
            with path.open("rb") as file:
                empty = not file.read(1)
            mode = path.stat().st_mode
        except OSError as fault:
            raise TieFilesError(f"agent.{key}: {path} cannot be read: {fault.strerror}") from fault
        if empty:
            raise TieFilesError(f"agent.{key}: {path} is empty")
        if key in {"token_file", "key_file"} and mode & _OTHERS:
            _log.warning("a secret may be read by others; chmod 600 it", key=f"agent.{key}", path=str(path))


@asynccontextmanager
async def followed_namespace(
    settings: AgentSettings, filesystem: MountedFileSystem, open_reader: OpenReader, clock: Clock, tie: Tie
) -> AsyncIterator[NamespaceFollower]:
    """Serve the control plane's namespace while the block runs. Raises TieFilesError, NamespaceUnavailable."""

    def condition() -> NodeCondition:
        state = follower.state()
        unusable = [f"{each.entry.path}: {each.fault}" for each in filesystem.backends if not each.online]
        if state.fault and state.connected:
            unusable.insert(0, state.fault)
        detail = "; ".join(unusable)[:_DETAIL]
        return NodeCondition("degraded" if unusable else "ok", detail, max(0, state.position))

    follower = NamespaceFollower(
        tie.dial(settings, condition),
        LastKnownFile(settings.agent.state_dir),
        filesystem,
        open_reader,
        clock,
        address=str(settings.agent.control_plane),
        namespace=settings.agent.namespace,
        patience=tie.patience,
    )
    async with following(follower):
        yield follower
