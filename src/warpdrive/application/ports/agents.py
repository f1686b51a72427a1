"""The nodes' agents as the control plane knows them. Not events: the last word of each node, and when it came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """One node's agent. `position`: of the namespace that it serves, 0 before the first."""

    node: str
    namespace: str
    version: str
    mount_point: str
    health: str
    detail: str
    position: int
    registered_at: datetime
    last_seen_at: datetime


class AgentRegister(Protocol):
    """Every method raises StoreUnavailable.

    Each word of a known node, by `put` and `touch`, also adds to the node's presence: the time since the word before,
    60 seconds of it at most, on the UTC days in which it was.
    """

    async def put(self, agent: AgentRecord) -> None:
        """Write a node's agent, in place of a former one."""

    async def touch(self, node: str, *, health: str, detail: str, position: int, at: datetime) -> AgentRecord | None:
        """Write a node's last word; None when the node is not registered."""

    async def page(self, *, after: str, limit: int, namespaces: Sequence[str] = ()) -> Sequence[AgentRecord]:
        """Return agents in the order of their nodes, those of the namespaces only if any are given."""
