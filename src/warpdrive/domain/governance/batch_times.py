"""A batch's times by our clock: nodes' clocks are wrong, and days end in the middle of batches."""

from collections.abc import Iterator, Sequence
from typing import Final

DAY_MS: Final = 86_400_000

TOLERATED_SKEW_MS: Final = 120_000
"""A clock may be wrong by so much before it is corrected: batches wait on their way, too."""

_FUTURE_MS: Final = 300_000
"""A record may be so far ahead of us; one that is further happened now."""


def correction_ms(sent_at_ms: int, received_ms: int) -> int:
    """Return what to add to every time of a batch; 0 for a clock that is right, or that nobody told."""
    difference = received_ms - sent_at_ms
    return difference if sent_at_ms and abs(difference) > TOLERATED_SKEW_MS else 0


def corrected(times_ms: list[int], correction: int, received_ms: int) -> list[int]:
    """Return times by our clock; the same list when nothing changes."""
    if correction:
        times_ms = [each + correction for each in times_ms]
    if times_ms and max(times_ms) > received_ms + _FUTURE_MS:
        latest = received_ms + _FUTURE_MS
        times_ms = [received_ms if each > latest else each for each in times_ms]
    if times_ms and min(times_ms) < 0:
        times_ms = [max(each, 0) for each in times_ms]
    return times_ms


def days_between(from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """Yield (day since 1970, milliseconds) of every UTC day that [from, to) has a part in."""
    while from_ms < to_ms:
        midnight = (from_ms // DAY_MS + 1) * DAY_MS
        end = min(midnight, to_ms)
        yield from_ms // DAY_MS, end - from_ms
        from_ms = end


def too_old_rows(times_ms: Sequence[int], kept_from_day: int) -> tuple[list[int], dict[int, int]]:
    """Return the rows of what is still kept, and how many are not, by day. An empty list of days: all are kept."""
    border = kept_from_day * DAY_MS
    if not times_ms or min(times_ms) >= border:
        return [], {}
    kept: list[int] = []
    old: dict[int, int] = {}
    for row, time in enumerate(times_ms):
        if time >= border:
            kept.append(row)
        else:
            old[time // DAY_MS] = old.get(time // DAY_MS, 0) + 1
    return kept, old
