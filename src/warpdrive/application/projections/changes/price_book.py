"""What a price book's events do to `price_books` and `prices`."""

from collections.abc import Sequence

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PutRow, RemoveRow, RowChange
from warpdrive.application.projections.changes.stamps import stamps, touched
from warpdrive.application.projections.tables import PRICE_BOOKS, PRICES
from warpdrive.domain.price_book.aggregate import PriceBook


def price_book_changes(event: PriceBook.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Turn one event into row changes. Raises NotImplementedError for an event that this file forgot."""
    stream = str(recorded.stream)
    match event:
        case PriceBook.Created():
            row = {
                "id": stream,
                "name": event.name,
                "currency": event.currency,
                "retired": False,
                **stamps(event, recorded),
            }
            return (PutRow(PRICE_BOOKS.name, row),)
        case PriceBook.PriceSet():
            price = {"book_id": stream, **event.entry}
            return (PutRow(PRICES.name, price), touched(PRICE_BOOKS, event, recorded))
        case PriceBook.PriceRemoved():
            key = {
                "book_id": stream,
                "backend": event.backend,
                "storage_class": event.storage_class,
                "valid_from": event.valid_from,
            }
            return (RemoveRow(PRICES.name, key), touched(PRICE_BOOKS, event, recorded))
        case PriceBook.Retired():
            return (touched(PRICE_BOOKS, event, recorded, retired=True),)
        case _:
            raise NotImplementedError(f"{type(event).__qualname__} has no row changes")
