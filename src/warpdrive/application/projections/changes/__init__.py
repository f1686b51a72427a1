"""One event to the row changes that it causes: a file per aggregate, and the way to the right one.

Nothing is read to decide, so events can be projected in batches, again from the beginning, or in memory by an
auditor. Each event also stamps its stream's own row with its version, its position and its moment.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from eventsourcing.domain import Aggregate

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import RowChange
from warpdrive.application.projections.changes.dismissal import dismissal_changes
from warpdrive.application.projections.changes.namespace import namespace_changes
from warpdrive.application.projections.changes.price_book import price_book_changes
from warpdrive.application.projections.changes.quota import quota_changes
from warpdrive.application.projections.changes.team import team_changes
from warpdrive.application.projections.changes.tenant_access import tenant_access_changes
from warpdrive.application.projections.changes.token import token_changes
from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.token.aggregate import Token

__all__ = ["row_changes"]

_CHANGES: Final[Mapping[type[Aggregate.Event], Callable[[Any, RecordedEvent], Sequence[RowChange]]]] = MappingProxyType(
    {
        Namespace.Event: namespace_changes,
        Quota.Event: quota_changes,
        TenantAccess.Event: tenant_access_changes,
        Team.Event: team_changes,
        PriceBook.Event: price_book_changes,
        Token.Event: token_changes,
        Dismissal.Event: dismissal_changes,
    }
)
"""The base of each aggregate's events -> what they change."""


def row_changes(event: Aggregate.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Say what a decoded event, recorded so, changes. Raises NotImplementedError for an event of no known aggregate."""
    for kind in type(event).__mro__:
        if kind in _CHANGES:
            return _CHANGES[kind](event, recorded)
    raise NotImplementedError(f"{type(event).__qualname__} has no row changes")
