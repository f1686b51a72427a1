"""What a dismissal's events do to `dismissals`."""

from collections.abc import Sequence

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PutRow, RowChange
from warpdrive.application.projections.changes.stamps import stamps, touched
from warpdrive.application.projections.tables import DISMISSALS
from warpdrive.domain.dismissal.aggregate import Dismissal


def dismissal_changes(event: Dismissal.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Turn one event into row changes. Raises NotImplementedError for an event that this file forgot."""
    # Who decided is known to the record alone: an aggregate decides without knowing who asks.
    actor = recorded.actor
    match event:
        case Dismissal.Dismissed():
            row = {
                "id": str(recorded.stream),
                "kind": event.kind,
                "team_id": event.team_id,
                "backend": event.backend,
                "dismissed": True,
                "reason": event.reason,
                "decided_by": actor,
                **stamps(event, recorded),
            }
            return (PutRow(DISMISSALS.name, row),)
        case Dismissal.DismissedAgain():
            return (touched(DISMISSALS, event, recorded, dismissed=True, reason=event.reason, decided_by=actor),)
        case Dismissal.Restored():
            return (touched(DISMISSALS, event, recorded, dismissed=False, reason="", decided_by=actor),)
        case _:
            raise NotImplementedError(f"{type(event).__qualname__} has no row changes")
