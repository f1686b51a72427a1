"""The agents' register in memory: the twin of `PostgresAgentRegister`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from warpdrive.application.ports.agents import AgentRecord

_LONGEST: Final = timedelta(seconds=60)


class MemoryAgentRegister:
    """`AgentRegister` without a database."""

    def __init__(self, presence: dict[tuple[str, date], int] | None = None) -> None:
        self._agents: dict[str, AgentRecord] = {}
        self.presence = {} if presence is None else presence
        """Milliseconds by node and UTC day, as in telemetry.presence."""

    async def put(self, agent: AgentRecord) -> None:
        """See the port."""
        self._present(agent.node, agent.last_seen_at)
        self._agents[agent.node] = agent

    async def touch(self, node: str, *, health: str, detail: str, position: int, at: datetime) -> AgentRecord | None:
        """See the port."""
        known = self._agents.get(node)
        if known is None:
            return None
        self._present(node, at)
        self._agents[node] = replace(known, health=health, detail=detail, position=position, last_seen_at=at)
        return self._agents[node]

    async def page(self, *, after: str, limit: int, namespaces: Sequence[str] = ()) -> Sequence[AgentRecord]:
        """See the port."""
        found = sorted(node for node in self._agents if node > after)
        agents = [self._agents[node] for node in found]
        return [agent for agent in agents if not namespaces or agent.namespace in namespaces][:limit]

    def _present(self, node: str, at: datetime) -> None:
        """Count the time since the node's last word, a minute of it at most, on the days in which it was."""
        known = self._agents.get(node)
        begin = at if known is None else max(known.last_seen_at, at - _LONGEST)
        midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._add(node, midnight.date(), at - max(begin, midnight))
        if begin < midnight:
            self._add(node, begin.astimezone(UTC).date(), midnight - begin)

    def _add(self, node: str, day: date, span: timedelta) -> None:
        present = self.presence.get((node, day), 0)
        self.presence[node, day] = present + max(0, round(span / timedelta(milliseconds=1)))
