"""One event to the row changes that it causes: a file per aggregate, and the way to the right one.

Nothing is read to decide, so events can be projected in batches, again from the beginning, or in memory by an
auditor. Each event also stamps its stream's own row with its version, its position and its moment.
"""

from collections.abc import Sequence

from eventsourcing.domain import Aggregate

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import RowChange
from warpdrive.application.projections.changes.namespace import namespace_changes
from warpdrive.application.projections.changes.price_book import price_book_changes
from warpdrive.application.projections.changes.quota import quota_changes
from warpdrive.application.projections.changes.team import team_changes
from warpdrive.application.projections.changes.tenant_access import tenant_access_changes
from warpdrive.application.projections.changes.token import token_changes
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.token.aggregate import Token

__all__ = ["row_changes"]


def row_changes(event: Aggregate.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Say what a decoded event, recorded so, changes. Raises NotImplementedError for an event of no known aggregate."""
    match event:
        case Namespace.Event():
            return namespace_changes(event, recorded)
        case Quota.Event():
            return quota_changes(event, recorded)
        case TenantAccess.Event():
            return tenant_access_changes(event, recorded)
        case Team.Event():
            return team_changes(event, recorded)
        case PriceBook.Event():
            return price_book_changes(event, recorded)
        case Token.Event():
            return token_changes(event, recorded)
        case _:
            raise NotImplementedError(f"{type(event).__qualname__} has no row changes")
