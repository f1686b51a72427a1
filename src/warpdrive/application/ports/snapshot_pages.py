"""Snapshots, all of them: what audit compares with the events that they stand for."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from warpdrive.application.ports.event_store import StoredSnapshot


class SnapshotPages(Protocol):
    """Owned by audit. Raises StoreUnavailable."""

    async def snapshots(self, after: tuple[UUID, int] | None, limit: int) -> Sequence[StoredSnapshot]:
        """Return up to `limit` snapshots that come after a stream and version, in the order of streams and versions."""
