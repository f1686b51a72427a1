"""Price books: what storage costs, dated."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeGuard
from uuid import UUID

from warpdrive.application.control.calls import Call, Done, Page
from warpdrive.application.control.commands import Commands, Decision
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.names import Names
from warpdrive.application.control.paging import page_of, page_size, page_start
from warpdrive.application.control.views import PriceBookView
from warpdrive.application.ports.event_store import NameUse
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.price_book.values import PriceEntry, PricePayload, price_value

_ORDER: Final = ("name", "id")
_PRICES: Final = ("book_id", "backend", "storage_class", "valid_from")
_USUAL_CURRENCY: Final = "USD"


class PriceBooks:
    """Use cases of price books. Commands raise what the aggregate does, NotFound, Malformed, the store's errors."""

    def __init__(self, commands: Commands, names: Names, models: ReadModels, new_id: Callable[[], UUID]) -> None:
        self._commands = commands
        self._names = names
        self._models = models
        self._new_id = new_id

    async def set_price(self, call: Call, book: str, currency: str, entry: PriceEntry) -> Done[PriceBookView]:
        """Set one price; the book comes to be when it is missing, in the currency given or in USD.

        Raises Malformed when the book is in another currency.
        """

        def decide(found: PriceBook | None) -> Decision[PriceBook]:
            names: tuple[NameUse, ...] = ()
            if not _is(found, book):
                found = PriceBook.create(self._new_id(), book, currency or _USUAL_CURRENCY, at=call.at)
                names = (_use(found, 1),)
            elif currency not in {"", found.currency}:
                raise Malformed("currency", f"price book {book!r} is in {found.currency}, not in {currency}")
            found.set_price(entry, at=call.at)
            return Decision(found, names)

        return await self._commands.change(PriceBook, call, lambda: self._find_or_make(book), decide, price_book_view)

    async def remove_price(
        self, call: Call, book: str, backend: str, storage_class: str, valid_from: date
    ) -> Done[PriceBookView]:
        """Take one price out."""

        def decide(found: PriceBook | None) -> Decision[PriceBook]:
            there = _there(found, book)
            there.remove_price(backend, storage_class, valid_from, at=call.at)
            return Decision(there)

        return await self._commands.change(PriceBook, call, lambda: self._find(book), decide, price_book_view)

    async def retire(self, call: Call, book: str) -> Done[PriceBookView]:
        """End it; its name is free."""

        def decide(found: PriceBook | None) -> Decision[PriceBook]:
            there = _there(found, book)
            there.retire(at=call.at)
            return Decision(there, (_use(there, -1),))

        return await self._commands.change(PriceBook, call, lambda: self._find(book), decide, price_book_view)

    async def get(self, call: Call, book: str) -> Done[PriceBookView]:
        """Show one, by name; a retired one by its id."""
        del call
        position = await self._models.position()
        found = await self._models.rows("price_books", where={"name": book, "retired": False}, order=_ORDER, limit=1)
        if not found:
            by_id = await self._models.row("price_books", {"id": book})
            found = [] if by_id is None else [by_id]
        if not found:
            raise NotFound("price book", book)
        return Done((await self._with_prices(found))[0], position)

    async def page(self, call: Call, *, size: int, token: str) -> Done[Page[PriceBookView]]:
        """Show all that are not retired, by name. Raises Malformed."""
        del call
        limit = page_size(size)
        position = await self._models.position()
        rows = await self._models.rows(
            "price_books",
            where={"retired": False},
            order=_ORDER,
            after=page_start(token, len(_ORDER)),
            limit=limit + 1,
        )
        views = {view.id: view for view in await self._with_prices(rows[:limit])}
        return Done(page_of(rows, limit, _ORDER, lambda row: views[row["id"]]), position)

    async def _find(self, book: str) -> UUID:
        return await self._names.find("price_book", book)

    async def _find_or_make(self, book: str) -> UUID | None:
        try:
            return await self._find(book)
        except NotFound:
            return None

    async def _with_prices(self, rows: Sequence[Mapping[str, Any]]) -> list[PriceBookView]:
        if not rows:
            return []
        prices: dict[str, list[PriceEntry]] = {row["id"]: [] for row in rows}
        for row in await self._models.rows("prices", where={"book_id": list(prices)}, order=_PRICES):
            prices[row["book_id"]].append(price_value(_payload(row)))
        return [
            PriceBookView(
                id=row["id"],
                name=row["name"],
                currency=row["currency"],
                prices=tuple(sorted(prices[row["id"]], key=_price_order)),
                retired=row["retired"],
                version=row["version"],
                updated_at=row["updated_at"],
            )
            for row in rows
        ]


def price_book_view(book: PriceBook) -> PriceBookView:
    """Show an aggregate as it is."""
    return PriceBookView(
        id=str(book.id),
        name=book.name,
        currency=book.currency,
        prices=tuple(sorted(book.prices, key=_price_order)),
        retired=book.retired,
        version=book.version,
        updated_at=book.modified_on,
    )


def _payload(row: Mapping[str, Any]) -> PricePayload:
    return PricePayload(
        backend=row["backend"],
        storage_class=row["storage_class"],
        valid_from=row["valid_from"],
        per_gib_month=row["per_gib_month"],
        per_1000_requests=row["per_1000_requests"],
        per_gib_egress=row["per_gib_egress"],
    )


def _price_order(entry: PriceEntry) -> tuple[str, str, date]:
    return entry.backend, entry.storage_class, entry.valid_from


def _is(book: PriceBook | None, name: str) -> TypeGuard[PriceBook]:
    """Tell whether what the name led to still has it: it may have been retired since the name was looked up."""
    return book is not None and book.name == name and not book.retired


def _there(book: PriceBook | None, name: str) -> PriceBook:
    if not _is(book, name):
        raise NotFound("price book", name)
    return book


def _use(book: PriceBook, uses: int) -> NameUse:
    return NameUse("price_book", book.name, str(book.id), uses)
