"""Price books on the wire: amounts are decimal texts in both directions, so nothing is ever rounded."""

from typing import Final

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import amount, backend_or_any, day, present, required
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Page
from warpdrive.application.control.views import PriceBookView
from warpdrive.domain.content.texts import ANY
from warpdrive.domain.price_book.values import PriceEntry


def price_value(field: str, price: wire.Price) -> PriceEntry:
    """Read one dated price; `field` is where it stands. Raises Malformed."""
    return PriceEntry(
        backend=backend_or_any(price.backend),
        storage_class=price.storage_class or ANY,
        valid_from=day(f"{field}.valid_from", price.valid_from),
        per_gib_month=amount(f"{field}.per_gib_month", price.per_gib_month),
        per_1000_requests=amount(f"{field}.per_thousand_requests", price.per_thousand_requests),
        per_gib_egress=amount(f"{field}.per_gib_egress", price.per_gib_egress),
    )


def _price_message(entry: PriceEntry) -> Fields:
    return {
        "backend": entry.backend,
        "storage_class": entry.storage_class,
        "valid_from": entry.valid_from.isoformat(),
        "per_gib_month": f"{entry.per_gib_month:f}",
        "per_thousand_requests": f"{entry.per_1000_requests:f}",
        "per_gib_egress": f"{entry.per_gib_egress:f}",
    }


def price_book_message(view: PriceBookView) -> Fields:
    """Write a price book."""
    return {
        "id": view.id,
        "name": view.name,
        "currency": view.currency,
        "prices": [_price_message(entry) for entry in view.prices],
        "retired": view.retired,
        "version": view.version,
        "updated_at": view.updated_at,
    }


def _page_message(page: Page[PriceBookView]) -> Fields:
    return {"books": [price_book_message(view) for view in page.items], "next_page_token": page.next_token}


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "GovernanceService/SetPrice",
        wire.SetPriceRequest,
        lambda plane, call, request: plane.price_books.set_price(
            call,
            required("book", request.book),
            request.currency,
            price_value("price", present("price", request.price)),
        ),
        price_book_message,
    ),
    command(
        "GovernanceService/RemovePrice",
        wire.RemovePriceRequest,
        lambda plane, call, request: plane.price_books.remove_price(
            call,
            required("book", request.book),
            backend_or_any(request.backend),
            request.storage_class or ANY,
            day("valid_from", request.valid_from),
        ),
        price_book_message,
    ),
    query(
        "GovernanceService/GetPriceBook",
        wire.GetPriceBookRequest,
        lambda plane, call, request: plane.price_books.get(call, required("book", request.book)),
        price_book_message,
    ),
    query(
        "GovernanceService/ListPriceBooks",
        wire.ListPriceBooksRequest,
        lambda plane, call, request: plane.price_books.page(call, size=request.page_size, token=request.page_token),
        _page_message,
    ),
    command(
        "GovernanceService/RetirePriceBook",
        wire.RetirePriceBookRequest,
        lambda plane, call, request: plane.price_books.retire(call, required("book", request.book)),
        price_book_message,
    ),
)
