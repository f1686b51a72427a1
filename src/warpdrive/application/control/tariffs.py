"""Tariffs: the price book that an estimate is made by, chosen by name or because there is only one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from warpdrive.application.control.calls import Call
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.paging import LARGEST
from warpdrive.application.control.price_books import PriceBooks
from warpdrive.application.control.views import PriceBookView
from warpdrive.domain.content.texts import ANY
from warpdrive.domain.price_book.errors import PriceBookRetired
from warpdrive.domain.price_book.values import PriceEntry, applicable


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of a book."""

    book: PriceBookView

    def price(self, backend: str, storage_class: str, on: date) -> PriceEntry | None:
        """Return what applies to a class of a backend on a day; None: there is no price."""
        return applicable(self.book.prices, backend, storage_class, on)

    def on(self, day: date) -> "DayPrices":
        """Return the prices of a day."""
        return DayPrices(self, day)


@dataclass(frozen=True, slots=True)
class DayPrices:
    """The prices of one day (see domain/governance/recommendation.Prices)."""

    tariff: Tariff
    day: date

    def of(self, backend: str, storage_class: str) -> PriceEntry | None:
        """Return what applies."""
        return self.tariff.price(backend, storage_class, self.day)

    def named(self, backend: str) -> Sequence[PriceEntry]:
        """Return the prices of the classes that are named for the backend, or for all, by class."""
        classes = sorted(
            {each.storage_class for each in self.tariff.book.prices if each.backend in {backend, ANY}} - {ANY}
        )
        found = (self.of(backend, each) for each in classes)
        # What applies to a class may be an entry for the whole backend, which is no class to move to.
        return [each for each in found if each is not None and each.storage_class != ANY]


class Tariffs:
    """Chooses price books. Raises the store's errors."""

    def __init__(self, books: PriceBooks) -> None:
        self._books = books

    async def choose(self, call: Call, book: str) -> Tariff:
        """Return the book of a name; "" is the only one.

        Raises NotFound when there is none, Malformed when there are several to choose from, PriceBookRetired.
        """
        if book:
            return _tariff((await self._books.get(call, book)).value)
        found = await self.every(call)
        if not found:
            raise NotFound("price book", "")
        if len(found) > 1:
            names = ", ".join(tariff.book.name for tariff in found)
            raise Malformed("book", f"is missing, and there are several: {names}")
        return found[0]

    async def every(self, call: Call) -> list[Tariff]:
        """Return all books that are not retired, by name; the first thousand."""
        return [Tariff(view) for view in (await self._books.page(call, size=LARGEST, token="")).value.items]


def _tariff(view: PriceBookView) -> Tariff:
    if view.retired:
        raise PriceBookRetired(view.name)
    return Tariff(view)
