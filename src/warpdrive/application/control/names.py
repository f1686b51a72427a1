"""From the names that people use to the ids of streams."""

from uuid import UUID

from warpdrive.application.control.errors import NotFound
from warpdrive.application.ports.event_store import EventWriter


class Names:
    """Looks names up where they are claimed, so an answer is never older than the last write."""

    def __init__(self, writer: EventWriter) -> None:
        self._writer = writer

    async def find(self, kind: str, name: str) -> UUID:
        """Find who has the name now. `kind` is namespace, team or price_book. Raises NotFound, StoreUnavailable."""
        owner = await self._writer.owner_of(kind, name)
        if owner is None:
            raise NotFound(kind.replace("_", " "), name)
        return UUID(owner)
