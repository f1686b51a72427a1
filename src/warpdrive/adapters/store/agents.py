"""The agents' register: one row a node, the last word of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.application.ports.agents import AgentRecord

_COLUMNS: Final = 'node, namespace, version, mount_point, health, detail, "position", registered_at, last_seen_at'

_PUT: Final = f"""
    INSERT INTO public.agents ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (node) DO UPDATE SET namespace = excluded.namespace, version = excluded.version,
        mount_point = excluded.mount_point, health = excluded.health, detail = excluded.detail,
        "position" = excluded."position", registered_at = excluded.registered_at, last_seen_at = excluded.last_seen_at
"""  # noqa: S608 - a constant's text

_TOUCH: Final = f"""
    UPDATE public.agents SET health = $2, detail = $3, "position" = $4, last_seen_at = $5 WHERE node = $1
    RETURNING {_COLUMNS}
"""  # noqa: S608 - as above

_PAGE: Final = f"""
    SELECT {_COLUMNS} FROM public.agents
    WHERE node > $1 AND (cardinality($2::text[]) = 0 OR namespace = ANY($2::text[])) ORDER BY node LIMIT $3
"""  # noqa: S608 - as above


class PostgresAgentRegister:
    """`AgentRegister` on a pool that others may share."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def put(self, agent: AgentRecord) -> None:
        """See the port."""
        values = (agent.node, agent.namespace, agent.version, agent.mount_point, agent.health, agent.detail)
        await self._questions.do(_PUT, *values, agent.position, agent.registered_at, agent.last_seen_at)

    async def touch(self, node: str, *, health: str, detail: str, position: int, at: datetime) -> AgentRecord | None:
        """See the port."""
        record = await self._questions.row(_TOUCH, node, health, detail, position, at)
        return None if record is None else AgentRecord(**record)

    async def page(self, *, after: str, limit: int, namespaces: Sequence[str] = ()) -> Sequence[AgentRecord]:
        """See the port."""
        records = await self._questions.rows(_PAGE, after, list(namespaces), limit)
        return [AgentRecord(**record) for record in records]
