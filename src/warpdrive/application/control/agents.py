"""The nodes' agents: who is there, how it is, and since when nothing was heard."""

from datetime import datetime, timedelta
from typing import Final

from warpdrive.application.control.calls import Call, Done, Page
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.names import Names
from warpdrive.application.control.paging import page_size, page_start, page_token
from warpdrive.application.control.views import AgentView
from warpdrive.application.ports.agents import AgentRecord, AgentRegister
from warpdrive.application.ports.event_store import EventReader
from warpdrive.domain.content.texts import escaped, why_no_word

HEARTBEAT: Final = 10.0
"""Seconds between two words of an agent."""

_MISSING: Final = timedelta(seconds=3 * HEARTBEAT)
_HEALTHS: Final = ("ok", "degraded")
_LONGEST_DETAIL: Final = 4000


class Agents:
    """Use cases of agents. Not events: only the last word of each node is kept."""

    def __init__(self, register: AgentRegister, names: Names, reader: EventReader) -> None:
        self._register = register
        self._names = names
        self._reader = reader

    async def register(
        self, call: Call, node: str, *, namespace: str, version: str, mount_point: str
    ) -> Done[AgentView]:
        """Write a node's agent, in place of a former one. Raises Malformed, NotFound (the namespace)."""
        reason = why_no_word(node)
        if reason is not None:
            raise Malformed("node", reason)
        await self._names.find("namespace", namespace)
        agent = AgentRecord(
            node=node,
            namespace=namespace,
            version=escaped(version)[:_LONGEST_DETAIL],
            mount_point=escaped(mount_point)[:_LONGEST_DETAIL],
            health="ok",
            detail="",
            position=0,
            registered_at=call.at,
            last_seen_at=call.at,
        )
        await self._register.put(agent)
        return Done(_view(agent, call.at), await self._reader.head())

    async def heartbeat(self, call: Call, node: str, *, health: str, detail: str, position: int) -> Done[AgentView]:
        """Write a node's last word. Raises Malformed, NotFound: it has to register (again)."""
        if health not in _HEALTHS:
            raise Malformed("health", f"must be one of: {', '.join(_HEALTHS)}")
        if position < 0:
            raise Malformed("position", "must be 0 or more")
        agent = await self._register.touch(
            node, health=health, detail=escaped(detail)[:_LONGEST_DETAIL], position=position, at=call.at
        )
        if agent is None:
            raise NotFound("agent", node)
        return Done(_view(agent, call.at), await self._reader.head())

    async def page(self, call: Call, *, size: int, token: str) -> Done[Page[AgentView]]:
        """Show agents by node, of the namespaces in the caller's scope. Raises Malformed."""
        limit = page_size(size)
        start = page_start(token, 1)
        agents = await self._register.page(
            after=start[0] if start else "", limit=limit + 1, namespaces=call.principal.namespaces
        )
        shown = tuple(_view(agent, call.at) for agent in agents[:limit])
        more = page_token([shown[-1].node]) if len(agents) > limit else ""
        return Done(Page(shown, more), await self._reader.head())


def _view(agent: AgentRecord, at: datetime) -> AgentView:
    return AgentView(
        node=agent.node,
        namespace=agent.namespace,
        version=agent.version,
        mount_point=agent.mount_point,
        health=agent.health,
        detail=agent.detail,
        position=agent.position,
        registered_at=agent.registered_at,
        last_seen_at=agent.last_seen_at,
        # A moment to come is no word either: the clock was set back since, and a living agent speaks again soon.
        missing=abs(at - agent.last_seen_at) > _MISSING,
    )
