"""Single fields: what people type, and what is wrong with it."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from warpdrive.adapters.wire.fields import amount, count, day, period, required, size, whole_period
from warpdrive.application.control.errors import Malformed


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (size, "500TB", 500 * 1024**4),
        (size, "9223372036854775807", 2**63 - 1),
        (period, "1h30m", 5400.0),
        (whole_period, "7d", 7 * 86400),
        (day, "2026-01-31", date(2026, 1, 31)),
        (amount, "0.023", Decimal("0.023")),
        (amount, "", Decimal(0)),
    ],
)
def test_what_people_type_is_read(read: Callable[[str, str], object], text: str, value: object) -> None:
    """Sizes are powers of 1024, periods seconds, amounts exact."""
    assert read("field", text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (size, ""),
        (size, "-1"),
        (size, "many"),
        (size, "8192PB"),
        (size, "NaN"),
        (size, "1e3"),
        (period, "7 d"),
        (period, "101y"),
        (period, "-7d"),
        (period, "99999999d"),
        (whole_period, "1500ms"),
        (day, "20260131"),
        (day, "2026-02-30"),
        (day, "2026-W05"),
        (day, ""),
        (amount, "NaN"),
        (amount, "Infinity"),
        (amount, "-0.01"),
        (amount, "1_000"),
        (amount, "9" * 41),
        (amount, "0x10"),
        (amount, "\u0661"),
        (required, ""),
    ],
)
def test_what_cannot_be_right_is_malformed(read: Callable[[str, str], object], text: str) -> None:
    """Every wrong text is refused under the field's name."""
    with pytest.raises(Malformed) as caught:
        read("price.per_gib_month", text)
    assert caught.value.field == "price.per_gib_month"


def test_a_count_is_not_negative() -> None:
    """A version or position below 0 is a mistake, not a wish for everything."""
    assert count("position", 0) == 0
    with pytest.raises(Malformed, match="negative"):
        count("position", -1)
