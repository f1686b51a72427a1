"""Bounds that count: the allowance of frames, the budget of bytes, the length of a fault."""

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.manual_clock import ManualClock
from warpdrive.adapters.rpc.connection import Allowance
from warpdrive.adapters.rpc.faults import shortened
from warpdrive.adapters.rpc.reading import ReceiveBudget


def test_an_allowance_is_a_burst_and_then_a_rate() -> None:
    """Three at once, then two a second, never more than three saved up."""
    clock = ManualClock()
    allowance = Allowance(3, 2.0, clock.monotonic)
    assert [allowance.spend() for _ in range(4)] == [True, True, True, False]
    clock.advance(1.0)
    assert [allowance.spend() for _ in range(2)] == [True, False]
    clock.advance(1000.0)
    assert [allowance.spend() for _ in range(4)] == [True, True, True, False]


def test_a_budget_is_never_overdrawn() -> None:
    """What does not fit is refused whole and takes nothing."""
    budget = ReceiveBudget(100)
    budget.take(60)
    with pytest.raises(GRPCError) as caught:
        budget.take(41)
    assert caught.value.status is Status.RESOURCE_EXHAUSTED
    assert budget.free == 40
    budget.take(40)
    budget.give_back(60)
    assert budget.free == 60


@given(st.text())
def test_short_messages_stay_as_they_are(message: str) -> None:
    """Only what would not fit is cut."""
    assert shortened(message) == message


@given(st.text(alphabet="aü€😀", min_size=2049))
def test_long_messages_are_cut_between_characters(message: str) -> None:
    """The beginning stays, and the result says that something is missing."""
    cut = shortened(message)
    assert cut.endswith(" ...")
    assert message.startswith(cut.removesuffix(" ..."))
    assert len(cut.encode()) <= 2048 + 4
