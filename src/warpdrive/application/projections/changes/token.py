"""What a token's events do to `tokens`."""

from collections.abc import Sequence

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PutRow, RowChange
from warpdrive.application.projections.changes.stamps import stamps, touched
from warpdrive.application.projections.tables import TOKENS
from warpdrive.domain.content.moments import moment_value
from warpdrive.domain.token.aggregate import Token


def token_changes(event: Token.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Turn one event into row changes. Raises NotImplementedError for an event that this file forgot."""
    match event:
        case Token.Issued():
            return (_issued(event, recorded),)
        case Token.Revoked():
            return (touched(TOKENS, event, recorded, revoked=True),)
        case _:
            raise NotImplementedError(f"{type(event).__qualname__} has no row changes")


def _issued(event: Token.Issued, recorded: RecordedEvent) -> PutRow:
    grant = event.grant
    row = {
        "id": str(recorded.stream),
        "digest": grant["digest"],
        "role": grant["role"],
        "namespaces": grant["namespaces"],
        "teams": grant["teams"],
        "node": grant["node"],
        "note": grant["note"],
        "created_at": event.timestamp,
        # Who issued it is known to the record alone: an aggregate decides without knowing who asks.
        "created_by": recorded.actor,
        "expires_at": moment_value(grant["expires_at"]),
        "revoked": False,
        **stamps(event, recorded),
    }
    return PutRow(TOKENS.name, row)
