"""The PriceBook: given events, when a command, then events."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

import pytest

from tests.support.replay import assert_snapshot_is_the_same, names_of
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.price_book.errors import (
    InvalidCurrency,
    InvalidPrice,
    InvalidPriceBookName,
    PriceBookRetired,
    UnknownPrice,
)
from warpdrive.domain.price_book.values import PriceEntry

ID = UUID("5a1f6c8e-0000-4000-8000-000000000001")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY = date(2026, 1, 1)


def price(backend: str = "s3", storage_class: str = "hot", on: date = DAY, storage: str = "0.02") -> PriceEntry:
    """Price a class of a backend."""
    return PriceEntry(backend, storage_class, on, Decimal(storage), Decimal("0.005"), Decimal("0.09"))


def fresh() -> PriceBook:
    """Create a price book."""
    return PriceBook.create(ID, "list prices", "EUR", at=AT)


def with_prices(*entries: PriceEntry) -> PriceBook:
    """Create a price book with entries."""
    book = fresh()
    for entry in entries:
        book.set_price(entry, at=AT)
    return book


def test_a_book_begins_without_prices() -> None:
    """Creation is one event, at the moment and with the id given."""
    book = fresh()
    assert (book.id, book.name, book.currency, book.prices, book.retired) == (ID, "list prices", "EUR", (), False)
    (event,) = book.collect_events()
    assert isinstance(event, PriceBook.Created)
    assert (event.name, event.currency, event.timestamp) == ("list prices", "EUR", AT)


def test_prices_are_exact_and_listed_in_order() -> None:
    """What was set is read back to the last digit, sorted by backend, class and day."""
    late = price(on=date(2026, 2, 1), storage="0.019")
    assert with_prices(late, price(), price("*", "*")).prices == (price("*", "*"), price(), late)


def test_a_price_that_begins_on_the_same_day_replaces() -> None:
    """A book says one thing about one day."""
    book = with_prices(price(), price(storage="0.03"))
    assert book.prices == (price(storage="0.03"),)
    assert names_of(book) == ["Created", "PriceSet", "PriceSet"]


@pytest.mark.parametrize("again", ["0.02", "0.0200", "2E-2"])
def test_the_same_price_again_is_no_event(again: str) -> None:
    """Numbers are compared, not how they are written."""
    assert names_of(with_prices(price(), price(storage=again))) == ["Created", "PriceSet"]


def test_a_price_taken_back_lets_the_earlier_apply() -> None:
    """Given two prices, when the later is removed, then the earlier goes on."""
    later = price(on=date(2026, 2, 1), storage="0.03")
    book = with_prices(price(), later)
    assert book.price_at("s3", "hot", date(2026, 3, 1)) == later
    book.remove_price("s3", "hot", later.valid_from, at=AT)
    assert book.price_at("s3", "hot", date(2026, 3, 1)) == price()


def test_a_price_that_is_not_there_cannot_be_taken_back() -> None:
    """Backend, class and day name an entry together."""
    book = with_prices(price())
    with pytest.raises(UnknownPrice) as caught:
        book.remove_price("s3", "hot", date(2026, 1, 2), at=AT)
    assert (caught.value.backend, caught.value.storage_class, caught.value.valid_from) == ("s3", "hot", "2026-01-02")
    assert book.version == 2


def test_a_price_begins_on_its_day() -> None:
    """Before it, nothing is known."""
    book = with_prices(price())
    assert book.price_at("s3", "hot", date(2025, 12, 31)) is None
    assert book.price_at("s3", "hot", DAY) == price()
    assert book.price_at("s3", "cold", DAY) is None


def test_the_most_specific_price_wins() -> None:
    """A backend's own before a class's own before the general one, even where the general one is younger."""
    general, of_class, of_backend, own = price("*", "*"), price("*", "hot"), price("s3", "*"), price("s3", "hot")
    book = with_prices(general, of_class, of_backend, own, price("*", "*", date(2026, 2, 1), "9"))
    on = date(2026, 3, 1)
    assert book.price_at("s3", "hot", on) == own
    assert book.price_at("s3", "cold", on) == of_backend
    assert book.price_at("gcs", "hot", on) == of_class
    assert book.price_at("gcs", "cold", DAY) == general
    book.remove_price("s3", "hot", DAY, at=AT)
    assert book.price_at("s3", "hot", on) == of_backend


COMMANDS: dict[str, Callable[[PriceBook, datetime], None]] = {
    "set_price": lambda it, at: it.set_price(price(storage="7"), at=at),
    "remove_price": lambda it, at: it.remove_price("s3", "hot", DAY, at=at),
    "retire": lambda it, at: it.retire(at=at),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_retired_book_refuses_changes_and_still_answers(command: str) -> None:
    """Estimates about the past need the prices of then."""
    book = with_prices(price())
    book.retire(at=AT)
    with pytest.raises(PriceBookRetired) as caught:
        COMMANDS[command](book, AT)
    assert caught.value.name == "list prices"
    assert (book.retired, book.version, book.price_at("s3", "hot", DAY)) == (True, 3, price())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_moment_without_a_zone_is_refused(command: str) -> None:
    """Nothing happens at a moment that readers would have to guess."""
    book = with_prices(price())
    with pytest.raises(ValueError, match="time zone"):
        COMMANDS[command](book, AT.replace(tzinfo=None))
    assert book.version == 2


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "\udcff"])
def test_a_book_needs_a_usable_name(name: str) -> None:
    """People choose it from a list."""
    with pytest.raises(InvalidPriceBookName) as caught:
        PriceBook.create(ID, name, "EUR", at=AT)
    assert caught.value.name == name


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "EU", "€€€", "EUR\n"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    """As ISO 4217 writes it."""
    with pytest.raises(InvalidCurrency) as caught:
        PriceBook.create(ID, "list prices", currency, at=AT)
    assert caught.value.currency == currency


@pytest.mark.parametrize("field", ["per_gib_month", "per_1000_requests", "per_gib_egress"])
@pytest.mark.parametrize(
    "amount",
    [
        "-0.01",
        "NaN",
        "sNaN",
        "Infinity",
        "1E+12",
        "1E-13",
        "0.1234567890123",
        "1E-999999",
        "0." + "1" * 40,
        "9" * 11 + "." + "1" * 20,
    ],
)
def test_an_amount_is_a_bounded_number_of_zero_or_more(field: str, amount: str) -> None:
    """Nothing is rounded on the way into an event: what does not fit is refused, whatever the field."""
    book = fresh()
    wrong: dict[str, Any] = {field: Decimal(amount)}
    with pytest.raises(InvalidPrice) as caught:
        book.set_price(replace(price(), **wrong), at=AT)
    assert caught.value.field == field
    assert names_of(book) == ["Created"]


@pytest.mark.parametrize("amount", ["0", "-0", "0E+9", "0.000000000001", "999999999999.999999999999"])
def test_the_outermost_amounts_are_kept_to_the_last_digit(amount: str) -> None:
    """Whatever precision the caller's thread works in."""
    with localcontext() as context:
        context.prec = 3
        book = with_prices(price(storage=amount))
    assert book.prices[0].per_gib_month == Decimal(amount)
    assert not book.prices[0].per_gib_month.is_signed()


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (price(backend=""), "backend"),
        (price(storage_class="a\n"), "storage_class"),
        (price(on=AT), "valid_from"),
    ],
)
def test_an_entry_names_backend_class_and_day(entry: PriceEntry, field: str) -> None:
    """The three are its key."""
    with pytest.raises(InvalidPrice) as caught:
        fresh().set_price(entry, at=AT)
    assert caught.value.field == field


def test_a_snapshot_is_the_same_book() -> None:
    """Snapshot and replay give one state."""
    assert_snapshot_is_the_same(with_prices(price(), price("*", "*")))
