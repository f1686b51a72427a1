"""The PriceBook as a stream of events: a name, a currency, dated entries."""

import re
from datetime import date, datetime
from typing import Final, Self
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.domain.content.moments import in_utc
from warpdrive.domain.content.texts import why_no_label
from warpdrive.domain.price_book.errors import (
    InvalidCurrency,
    InvalidPriceBookName,
    PriceBookRetired,
    UnknownPrice,
)
from warpdrive.domain.price_book.values import PriceEntry, PricePayload, applicable, price_payload, price_value

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


class PriceBook(Aggregate):
    """What storage costs, day by day: estimates use the entry that was valid on the day they are about.

    The id is random and made by whoever creates it. Every command takes `at`, a moment with a time zone
    (ValueError without), and raises PriceBookRetired once retired; a retired book still answers `price_at`.
    """

    TOPIC = "warpdrive.price_book:PriceBook"

    class Event(Aggregate.Event):
        """Something that happened to a price book."""

    class Created(Event, Aggregate.Created):
        """The book came to be, without entries. Its state begins in `PriceBook.__init__`."""

        TOPIC = "warpdrive.price_book:Created.v1"
        name: str
        currency: str

    class PriceSet(Event):
        """A price began, or the one that began on the same day became another."""

        TOPIC = "warpdrive.price_book:PriceSet.v1"
        entry: PricePayload

        def apply(self, aggregate: "PriceBook") -> None:
            """Put the entry in the place of the one with its key."""
            others = [each for each in aggregate._prices if _key(each) != _key(self.entry)]  # noqa: SLF001 - events are the aggregate's own
            aggregate._prices = sorted([*others, self.entry], key=_key)  # noqa: SLF001 - as above

    class PriceRemoved(Event):
        """A price was taken back; what began before it applies again. `valid_from` is an ISO date."""

        TOPIC = "warpdrive.price_book:PriceRemoved.v1"
        backend: str
        storage_class: str
        valid_from: str

        def apply(self, aggregate: "PriceBook") -> None:
            """Take the entry out."""
            key = (self.backend, self.storage_class, self.valid_from)
            aggregate._prices = [each for each in aggregate._prices if _key(each) != key]  # noqa: SLF001 - as above

    class Retired(Event):
        """The book ended; its name is free again, its prices stay readable."""

        TOPIC = "warpdrive.price_book:Retired.v1"

        def apply(self, aggregate: "PriceBook") -> None:
            """End it."""
            aggregate._retired = True  # noqa: SLF001 - as above

    def __init__(self, name: str, currency: str) -> None:
        """Begin the state that `Created` describes; use `create`, which checks."""
        self._name = name
        self._currency = currency
        # One entry a key, sorted by key.
        self._prices: list[PricePayload] = []
        self._retired = False

    @classmethod
    def create(cls, book_id: UUID, name: str, currency: str, *, at: datetime) -> Self:
        """Bring a price book into being. Raises InvalidPriceBookName, InvalidCurrency."""
        reason = why_no_label(name)
        if reason is not None:
            raise InvalidPriceBookName(name, reason)
        if not _CURRENCY.fullmatch(currency):
            raise InvalidCurrency(currency)
        return cls._create(cls.Created, id=book_id, timestamp=in_utc(at), name=name, currency=currency)

    @property
    def name(self) -> str:
        """What people call it; unique among those that are not retired (the names table sees to that)."""
        return self._name

    @property
    def currency(self) -> str:
        """Three capital letters (ISO 4217); a book has one for ever."""
        return self._currency

    @property
    def prices(self) -> tuple[PriceEntry, ...]:
        """Every entry, sorted by backend, class and day."""
        return tuple(map(price_value, self._prices))

    @property
    def retired(self) -> bool:
        """Nothing may change, ever."""
        return self._retired

    def price_at(self, backend: str, storage_class: str, on: date) -> PriceEntry | None:
        """Tell what a class of a backend cost on a day, or None when no entry says so (see `applicable`)."""
        return applicable(self.prices, backend, storage_class, on)

    def set_price(self, entry: PriceEntry, *, at: datetime) -> None:
        """Let a price begin on its day, replacing what began then; nothing happens if it is the same.

        Raises InvalidPrice.
        """
        self._must_be_open()
        payload = price_payload(entry)
        if payload not in self._prices:
            self.trigger_event(self.PriceSet, timestamp=in_utc(at), entry=payload)

    def remove_price(self, backend: str, storage_class: str, valid_from: date, *, at: datetime) -> None:
        """Take back the price that begins on a day. Raises UnknownPrice."""
        self._must_be_open()
        key = (backend, storage_class, valid_from.isoformat())
        if key not in map(_key, self._prices):
            raise UnknownPrice(*key)
        self.trigger_event(
            self.PriceRemoved,
            timestamp=in_utc(at),
            backend=backend,
            storage_class=storage_class,
            valid_from=valid_from.isoformat(),
        )

    def retire(self, *, at: datetime) -> None:
        """End it for good."""
        self._must_be_open()
        self.trigger_event(self.Retired, timestamp=in_utc(at))

    def _must_be_open(self) -> None:
        if self._retired:
            raise PriceBookRetired(self._name)


def _key(payload: PricePayload) -> tuple[str, str, str]:
    """Identify an entry; ISO dates sort as the days do."""
    return payload["backend"], payload["storage_class"], payload["valid_from"]
