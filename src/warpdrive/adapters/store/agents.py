"""The agents' register: one row a node, the last word of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.application.ports.agents import AgentRecord

_COLUMNS: Final = 'node, namespace, version, mount_point, health, detail, "position", registered_at, last_seen_at'

_PRESENT: Final = """
    WITH before AS (SELECT last_seen_at FROM public.agents WHERE node = $1),
    span AS (SELECT greatest(max(last_seen_at), {at} - interval '60 seconds') AS begin, count(*) AS known FROM before),
    parts AS (
        SELECT day, known, extract(epoch FROM least({at}, day + interval '1 day') - greatest(begin, day)) * 1000 AS ms
        FROM span, unnest(ARRAY[date_trunc('day', {at}) - interval '1 day', date_trunc('day', {at})]) AS day
    ),
    present AS (
        INSERT INTO telemetry.presence AS known (node, day, present_ms, last_at)
        SELECT $1, day::date, CASE WHEN known > 0 THEN greatest(ms, 0)::bigint ELSE 0 END, {at} FROM parts
        WHERE day = date_trunc('day', {at}) AND (known > 0 OR {new}) OR known > 0 AND ms > 0
        ORDER BY day
        ON CONFLICT (node, day) DO UPDATE SET
            present_ms = known.present_ms + excluded.present_ms, last_at = greatest(known.last_at, excluded.last_at)
    )
"""
"""A word of an agent says that it has been there since the one before, or for a minute of it, on the UTC days in which
that was. A node's first word (if one may be: `new`) counts nothing, and makes it known that there is such a node."""

_PUT: Final = f"""
    {_PRESENT.format(at="$9::timestamptz", new="true")}
    INSERT INTO public.agents ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (node) DO UPDATE SET namespace = excluded.namespace, version = excluded.version,
        mount_point = excluded.mount_point, health = excluded.health, detail = excluded.detail,
        "position" = excluded."position", registered_at = excluded.registered_at, last_seen_at = excluded.last_seen_at
"""  # noqa: S608 - a constant's text

_TOUCH: Final = f"""
    {_PRESENT.format(at="$5::timestamptz", new="false")}
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
