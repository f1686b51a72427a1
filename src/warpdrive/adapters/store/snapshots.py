"""Snapshots in PostgreSQL: a shelf beside the events."""

from typing import Final
from uuid import UUID

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.application.ports.event_store import StoredSnapshot

_LATEST: Final = """
    SELECT originator_id, originator_version, topic, state FROM public.warpdrive_snapshots
    WHERE originator_id = $1 AND originator_version <= $2 ORDER BY originator_version DESC LIMIT 1
"""
_KEEP: Final = "INSERT INTO public.warpdrive_snapshots VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
_LAST: Final = 2**63 - 1


class PostgresSnapshotShelf:
    """See SnapshotShelf."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def latest(self, stream: UUID, *, to_version: int | None = None) -> StoredSnapshot | None:
        """Return the newest snapshot of the stream, not newer than `to_version`."""
        row = await self._questions.row(_LATEST, stream, _LAST if to_version is None else min(to_version, _LAST))
        return None if row is None else StoredSnapshot(*row)

    async def keep(self, snapshot: StoredSnapshot) -> None:
        """Keep one; keeping the same version again does nothing."""
        await self._questions.do(_KEEP, snapshot.stream, snapshot.version, snapshot.topic, snapshot.state)
