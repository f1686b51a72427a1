"""Recorded events to row changes, by the codec; what cannot be projected is counted, never a reason to stop.

Events of topics that are none of ours (newer software's, or somebody else's in the same tables) concern no row. An
event of ours that cannot be read is a fault for the operator: it is told, and the comparison shows what it costs.
"""

import logging
from collections.abc import Sequence
from typing import Final

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import RowChange
from warpdrive.application.projections.changes import row_changes
from warpdrive.application.projections.codec import EventCodec, UnknownTopic, UnreadableEvent
from warpdrive.application.projections.fitting import check_fits

log = logging.getLogger(__name__)

_NOT_OURS: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What a payload of another shape under one of our topics comes to, once somebody looks into it."""


class Projecting:
    """Turns events into row changes and counts what passes through."""

    def __init__(self, codec: EventCodec) -> None:
        self._codec = codec
        self.projected = 0
        """Events that became row changes."""
        self.unknown = 0
        """Events of topics that are none of ours."""
        self.unreadable = 0
        """Events of ours whose bytes are not what we write."""

    def changes(self, recorded: RecordedEvent) -> Sequence[RowChange]:
        """Say what one event changes; nothing if it cannot be projected."""
        try:
            changes = row_changes(self._codec.decode(recorded), recorded)
            for change in changes:
                check_fits(change)
        except UnknownTopic:
            self.unknown += 1
            return ()
        except (UnreadableEvent, *_NOT_OURS) as fault:
            self.unreadable += 1
            log.error("event at position %d (%s) was left out: %r", recorded.position, recorded.topic, fault)  # noqa: TRY400 - the fault says it all, a trace would not
            return ()
        self.projected += 1
        return changes
