"""What a quota's events do to `quotas`."""

from collections.abc import Sequence
from typing import Any

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PutRow, RowChange
from warpdrive.application.projections.changes.stamps import stamps, touched
from warpdrive.application.projections.tables import QUOTAS
from warpdrive.domain.content.moments import moment_value
from warpdrive.domain.quota.aggregate import Quota


def quota_changes(event: Quota.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Turn one event into row changes. Raises NotImplementedError for an event that this file forgot."""
    changed: dict[str, Any] = {}
    match event:
        case Quota.Defined():
            return (_defined(event, recorded),)
        case Quota.LimitsSet():
            changed = {"soft": event.soft, "hard": event.hard, "grace_seconds": event.grace_seconds, "removed": False}
        case Quota.LeasePolicySet():
            changed = {"lease_bytes": event.bytes, "lease_seconds": event.seconds}
        case Quota.UsageObserved() | Quota.HardLimitCrossed():
            changed = {"usage": event.usage}
        case Quota.SoftLimitCrossed():
            changed = {"usage": event.usage, "grace_until": moment_value(event.grace_until)}
        case Quota.Recovered():
            changed = {"usage": event.usage, "grace_until": None}
        case Quota.LeaseRefused():
            pass
        case Quota.Removed():
            changed = {
                "usage": None,
                "grace_until": None,
                "lease_bytes": None,
                "lease_seconds": None,
                "removed": True,
            }
        case _:
            raise NotImplementedError(f"{type(event).__qualname__} has no row changes")
    return (touched(QUOTAS, event, recorded, **changed),)


def _defined(event: Quota.Defined, recorded: RecordedEvent) -> PutRow:
    row = {
        "id": str(recorded.stream),
        "team_id": event.team_id,
        "backend": event.backend,
        "soft": event.soft,
        "hard": event.hard,
        "grace_seconds": event.grace_seconds,
        "usage": None,
        "grace_until": None,
        "lease_bytes": None,
        "lease_seconds": None,
        "removed": False,
        **stamps(event, recorded),
    }
    return PutRow(QUOTAS.name, row)
