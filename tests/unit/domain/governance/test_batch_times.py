"""A batch's times by our clock."""

from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.governance.batch_times import (
    DAY_MS,
    corrected,
    correction_ms,
    days_between,
    too_old_rows,
)

NOW = 20_000 * DAY_MS + 12_345


def test_a_clock_is_corrected_when_it_is_wrong_by_more_than_two_minutes() -> None:
    """Batches wait on their way, so a little is no fault; who says nothing is believed."""
    assert correction_ms(NOW - 120_000, NOW) == 0
    assert correction_ms(NOW - 120_001, NOW) == 120_001
    assert correction_ms(NOW + 120_001, NOW) == -120_001
    assert correction_ms(0, NOW) == 0


def test_times_move_with_the_clock_and_never_far_ahead_of_us() -> None:
    """What is more than five minutes ahead happened now; nothing happened before 1970."""
    times = [NOW - 5, NOW + 300_000, NOW + 300_001]
    assert corrected(times, 0, NOW) == [NOW - 5, NOW + 300_000, NOW]
    assert corrected(times, 300_000, NOW) == [NOW + 299_995, NOW, NOW]
    assert corrected([5], -10, NOW) == [0]
    kept = [NOW]
    assert corrected(kept, 0, NOW) is kept


@given(st.integers(0, 10 * DAY_MS), st.integers(0, 5 * DAY_MS))
def test_the_parts_of_a_window_are_the_window(begin: int, length: int) -> None:
    """Each on its own day, in order, and none longer than a day."""
    parts = list(days_between(begin, begin + length))
    assert sum(ms for _, ms in parts) == length
    assert [day for day, _ in parts] == sorted({day for day, _ in parts})
    assert all(0 < ms <= DAY_MS for _, ms in parts)
    assert not parts or (parts[0][0], parts[-1][0]) == (begin // DAY_MS, (begin + length - 1) // DAY_MS)


@given(st.lists(st.integers(0, 30 * DAY_MS), max_size=20), st.integers(0, 30))
def test_every_record_is_kept_or_counted_as_too_old(times: list[int], border: int) -> None:
    """By its own day."""
    rows, old = too_old_rows(times, border)
    kept = [time for time in times if time // DAY_MS >= border]
    if len(kept) == len(times):
        assert (rows, old) == ([], {})
    else:
        assert [times[row] for row in rows] == kept
        assert sum(old.values()) == len(times) - len(kept)
        assert all(day < border for day in old)
