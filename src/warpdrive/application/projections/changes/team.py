"""What a team's events do to `teams`, `team_members` and `ownership_rules`."""

from collections.abc import Sequence
from typing import Any

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PutRow, RemoveRow, RowChange
from warpdrive.application.projections.changes.stamps import stamps, touched
from warpdrive.application.projections.tables import OWNERSHIP_RULES, TEAM_MEMBERS, TEAMS
from warpdrive.domain.team.aggregate import Team


def team_changes(event: Team.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Turn one event into row changes. Raises NotImplementedError for an event that this file forgot."""
    team = {"team_id": str(recorded.stream)}
    beside: tuple[RowChange, ...] = ()
    changed: dict[str, Any] = {}
    match event:
        case Team.Created():
            return (_created(event, recorded),)
        case Team.Renamed():
            changed = {"name": event.name}
        case Team.MemberAdded():
            beside = (PutRow(TEAM_MEMBERS.name, {**team, "principal": event.principal}),)
        case Team.MemberRemoved():
            beside = (RemoveRow(TEAM_MEMBERS.name, {**team, "principal": event.principal}),)
        case Team.OwnershipRuleAdded():
            beside = (PutRow(OWNERSHIP_RULES.name, {**team, "backend": event.backend, "prefix": event.prefix}),)
        case Team.OwnershipRuleRemoved():
            beside = (RemoveRow(OWNERSHIP_RULES.name, {**team, "backend": event.backend, "prefix": event.prefix}),)
        case Team.Disbanded():
            changed = {"disbanded": True}
        case _:
            raise NotImplementedError(f"{type(event).__qualname__} has no row changes")
    return (*beside, touched(TEAMS, event, recorded, **changed))


def _created(event: Team.Created, recorded: RecordedEvent) -> PutRow:
    row = {
        "id": str(recorded.stream),
        "name": event.name,
        "disbanded": False,
        "created_at": event.timestamp,
        **stamps(event, recorded),
    }
    return PutRow(TEAMS.name, row)
