"""The agents' register in memory: the twin of `PostgresAgentRegister`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from warpdrive.application.ports.agents import AgentRecord


class MemoryAgentRegister:
    """`AgentRegister` without a database."""

    def __init__(self) -> None:
        self._agents: dict[str, AgentRecord] = {}

    async def put(self, agent: AgentRecord) -> None:
        """See the port."""
        self._agents[agent.node] = agent

    async def touch(self, node: str, *, health: str, detail: str, position: int, at: datetime) -> AgentRecord | None:
        """See the port."""
        known = self._agents.get(node)
        if known is None:
            return None
        self._agents[node] = replace(known, health=health, detail=detail, position=position, last_seen_at=at)
        return self._agents[node]

    async def page(self, *, after: str, limit: int, namespaces: Sequence[str] = ()) -> Sequence[AgentRecord]:
        """See the port."""
        found = sorted(node for node in self._agents if node > after)
        agents = [self._agents[node] for node in found]
        return [agent for agent in agents if not namespaces or agent.namespace in namespaces][:limit]
