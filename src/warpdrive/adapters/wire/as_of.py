"""As of when an answer holds, on the wire: beside every answer about storage and its use."""

from typing import Final

from warpdrive.adapters.wire.binding import Fields
from warpdrive.application.control.as_of import AsOf
from warpdrive.domain.governance.coverage import Coverage

SHOWN_GAPS: Final = 20
"""An answer lists so many of the gaps in its coverage; their number is told."""


def as_of_message(as_of: AsOf) -> Fields:
    """Write it."""
    return {
        "computed_at": as_of.computed_at,
        "position": as_of.position,
        "attributed_position": as_of.attributed_position,
        "crawls": [
            {"backend": mark.name, "generation": mark.generation, "completed_at": mark.completed_at}
            for mark in as_of.crawls
        ],
        "coverage": None if as_of.coverage is None else _coverage_message(as_of.coverage),
        "readers_counted_at": as_of.readers_counted_at,
    }


def _coverage_message(coverage: Coverage) -> Fields:
    return {
        "from_day": coverage.from_day.isoformat(),
        "to_day": coverage.to_day.isoformat(),
        "complete": coverage.complete,
        "share": coverage.share,
        "gaps": [
            {
                "node": gap.node,
                "day": gap.day.isoformat(),
                "missing_seconds": gap.missing_seconds,
                "lost_records": gap.lost_records,
            }
            for gap in coverage.gaps[:SHOWN_GAPS]
        ],
        "gaps_in_all": len(coverage.gaps),
    }
