"""Limits: how much at once, how much a second."""

import pytest

from tests.support.manual_clock import ManualClock
from warpdrive.adapters.wire.limits import CallLimits, Crowd, Rates
from warpdrive.application.control.errors import TooBusy


def test_a_full_crowd_takes_nobody_until_somebody_leaves() -> None:
    """The limit counts who is present, also after a failure inside."""
    crowd = Crowd("calls", 1)
    with crowd.one_more(), pytest.raises(TooBusy), crowd.one_more():
        pass
    with pytest.raises(RuntimeError), crowd.one_more():
        raise RuntimeError
    with crowd.one_more():
        assert crowd.present == 1


def test_a_burst_is_followed_by_the_rate() -> None:
    """A principal may call `burst` times at once and then `rate` times a second; another one is not concerned."""
    clock = ManualClock()
    rates = Rates(CallLimits(rate=10.0, burst=3), clock.monotonic)
    for _ in range(3):
        rates.take("a")
    with pytest.raises(TooBusy) as caught:
        rates.take("a")
    assert caught.value.retry_after == pytest.approx(0.1)
    rates.take("b")
    clock.advance(caught.value.retry_after)
    rates.take("a")
    with pytest.raises(TooBusy):
        rates.take("a")


def test_a_long_silence_saves_no_more_than_a_burst() -> None:
    """Tokens do not pile up."""
    clock = ManualClock()
    rates = Rates(CallLimits(rate=10.0, burst=2), clock.monotonic)
    rates.take("a")
    clock.advance(3600)
    rates.take("a")
    rates.take("a")
    with pytest.raises(TooBusy):
        rates.take("a")
