"""Which prices a book has for a day."""

from datetime import UTC, date, datetime
from decimal import Decimal

from warpdrive.application.control.tariffs import Tariff
from warpdrive.application.control.views import PriceBookView
from warpdrive.domain.price_book.values import PriceEntry

DAY = date(2026, 3, 31)


def entry(backend: str, storage_class: str, amount: str, day: date = DAY) -> PriceEntry:
    """Make a price."""
    return PriceEntry(backend, storage_class, day, Decimal(amount), Decimal(0), Decimal(0))


def tariff(*prices: PriceEntry) -> Tariff:
    """Make a book."""
    return Tariff(PriceBookView("id", "list", "EUR", prices, False, 1, datetime(2026, 1, 1, tzinfo=UTC)))  # noqa: FBT003 - as views are made


def test_classes_are_those_that_are_named_for_the_backend_or_for_all() -> None:
    """At their price of the day; what does not hold yet, or is another backend's, is none."""
    prices = tariff(
        entry("*", "cold", "1"),
        entry("lake", "hot", "2"),
        entry("lake", "hot", "9", date(2026, 4, 1)),
        entry("pool", "warm", "3"),
        entry("lake", "later", "4", date(2026, 4, 1)),
        entry("*", "*", "5"),
    ).on(DAY)
    assert [(each.storage_class, int(each.per_gib_month)) for each in prices.named("lake")] == [("cold", 1), ("hot", 2)]
    found = prices.of("lake", "unknown")
    assert found is not None
    assert found.per_gib_month == 5


def test_a_price_for_the_whole_backend_comes_before_that_of_a_class_of_all() -> None:
    """So the class costs there what all do, and is none to move to."""
    prices = tariff(entry("*", "cold", "1"), entry("lake", "*", "2")).on(DAY)
    assert prices.named("lake") == []
    assert [each.storage_class for each in prices.named("pool")] == ["cold"]
