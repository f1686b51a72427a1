"""What a namespace's events do to `namespaces` and `mount_entries`."""

from collections.abc import Sequence
from typing import Any

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PutRow, RemoveRow, RowChange
from warpdrive.application.projections.changes.stamps import stamps, touched
from warpdrive.application.projections.tables import MOUNT_ENTRIES, NAMESPACES
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.payloads import EntryPayload, entry_value


def namespace_changes(event: Namespace.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Turn one event into row changes. Raises NotImplementedError for an event that this file forgot."""
    stream = str(recorded.stream)
    match event:
        case Namespace.Created():
            row = {
                "id": stream,
                "name": event.name,
                "sealed": False,
                "retired": False,
                "created_at": event.timestamp,
                **stamps(event, recorded),
            }
            return (PutRow(NAMESPACES.name, row),)
        case Namespace.MountEntryAdded() | Namespace.MountEntryReconfigured():
            return (
                PutRow(MOUNT_ENTRIES.name, mount_entry_row(stream, event.entry)),
                touched(NAMESPACES, event, recorded),
            )
        case Namespace.MountEntryRemoved():
            return (
                RemoveRow(MOUNT_ENTRIES.name, {"namespace_id": stream, "path": event.path}),
                touched(NAMESPACES, event, recorded),
            )
        case Namespace.Sealed():
            return (touched(NAMESPACES, event, recorded, sealed=True),)
        case Namespace.Unsealed():
            return (touched(NAMESPACES, event, recorded, sealed=False),)
        case Namespace.Retired():
            return (touched(NAMESPACES, event, recorded, retired=True),)
        case _:
            raise NotImplementedError(f"{type(event).__qualname__} has no row changes")


def mount_entry_row(stream: str, entry: EntryPayload) -> dict[str, Any]:
    """Write an entry as its row, with what is asked for most beside it."""
    backend = entry_value(entry).backend
    return {
        "namespace_id": stream,
        "path": entry["path"],
        "entry": entry,
        "backend": backend.name,
        "fingerprint": backend.fingerprint,
        "tenant": backend.tenant,
    }
