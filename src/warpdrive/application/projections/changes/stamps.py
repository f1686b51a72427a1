"""What every event does to its stream's own row: the stamps, alone or with more."""

from typing import Any

from eventsourcing.domain import Aggregate

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PatchRow
from warpdrive.application.projections.tables import Table


def stamps(event: Aggregate.Event, recorded: RecordedEvent) -> dict[str, Any]:
    """Say which event touched the row last. `updated_at` is the command's moment, as an aggregate knows it."""
    return {"version": recorded.version, "position": recorded.position, "updated_at": event.timestamp}


def stream_row(recorded: RecordedEvent) -> dict[str, Any]:
    """Return the key of the stream's own row."""
    return {"id": str(recorded.stream)}


def touched(table: Table, event: Aggregate.Event, recorded: RecordedEvent, **changes: Any) -> PatchRow:
    """Patch the stream's own row with the stamps and these columns."""
    return PatchRow(table.name, stream_row(recorded), {**changes, **stamps(event, recorded)})
