"""What a price book is made of: dated entries, their payloads, and which of several applies."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Final, TypedDict

from warpdrive.domain.content.texts import ANY, why_no_word
from warpdrive.domain.price_book.errors import InvalidPrice

MOST: Final = Decimal(10) ** 12
"""Prices are below this; no currency has made it necessary yet."""

MOST_PLACES: Final = 12
"""Digits after the point: requests are sold by the thousand and priced in fractions of a cent."""

_EXACT: Final = Context(prec=28)
"""More digits than a price can have (12 + 12), so nothing here ever rounds, whatever the thread's context says."""


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """What a storage class of a backend costs from the day `valid_from` on, in the book's currency.

    `backend` and `storage_class` may be "*": any that has no entry of its own. Amounts are exact decimals, per
    GiB and month of 30 days, per thousand requests, per GiB that leaves the cloud.
    """

    backend: str
    storage_class: str
    valid_from: date
    per_gib_month: Decimal
    per_1000_requests: Decimal
    per_gib_egress: Decimal


class PricePayload(TypedDict):
    """A `PriceEntry` in texts: an ISO date, and decimals in one spelling ("0.02", never "2E-2" or "0.020")."""

    backend: str
    storage_class: str
    valid_from: str
    per_gib_month: str
    per_1000_requests: str
    per_gib_egress: str


def price_payload(entry: PriceEntry) -> PricePayload:
    """Write an entry down. Raises InvalidPrice for what cannot be a price."""
    for field, text in (("backend", entry.backend), ("storage_class", entry.storage_class)):
        reason = why_no_word(text)
        if reason is not None:
            raise InvalidPrice(field, text, reason)
    if isinstance(entry.valid_from, datetime):
        raise InvalidPrice("valid_from", entry.valid_from.isoformat(), "is a moment, not a day")
    return PricePayload(
        backend=entry.backend,
        storage_class=entry.storage_class,
        valid_from=entry.valid_from.isoformat(),
        per_gib_month=_amount_text("per_gib_month", entry.per_gib_month),
        per_1000_requests=_amount_text("per_1000_requests", entry.per_1000_requests),
        per_gib_egress=_amount_text("per_gib_egress", entry.per_gib_egress),
    )


def price_value(payload: PricePayload) -> PriceEntry:
    """Read an entry back. What was stored is believed: rules may have changed since."""
    return PriceEntry(
        backend=payload["backend"],
        storage_class=payload["storage_class"],
        valid_from=date.fromisoformat(payload["valid_from"]),
        per_gib_month=Decimal(payload["per_gib_month"]),
        per_1000_requests=Decimal(payload["per_1000_requests"]),
        per_gib_egress=Decimal(payload["per_gib_egress"]),
    )


def applicable(entries: Iterable[PriceEntry], backend: str, storage_class: str, on: date) -> PriceEntry | None:
    """Choose what applies on a day, or None.

    The most specific entry wins, a backend's own before a class's own; among those of one backend and class the
    latest that is valid on the day. An entry for "*" that is younger than a specific one does not replace it.
    """
    best: PriceEntry | None = None
    for entry in entries:
        fits = entry.backend in {backend, ANY} and entry.storage_class in {storage_class, ANY}
        if fits and entry.valid_from <= on and (best is None or _rank(entry) > _rank(best)):
            best = entry
    return best


def _rank(entry: PriceEntry) -> tuple[bool, bool, date]:
    return entry.backend != ANY, entry.storage_class != ANY, entry.valid_from


def _amount_text(field: str, amount: Decimal) -> str:
    if not amount.is_finite() or amount < 0:
        raise InvalidPrice(field, str(amount), "is no amount of zero or more")
    if amount >= MOST:
        raise InvalidPrice(field, str(amount), f"is not below {MOST:f}")
    if not amount:
        return "0"
    plain = amount.normalize(_EXACT)
    exponent = plain.as_tuple().exponent
    assert isinstance(exponent, int)  # only what is not finite has a letter there
    if plain != amount or -exponent > MOST_PLACES:
        raise InvalidPrice(field, str(amount), f"has more than {MOST_PLACES} digits after the point")
    return f"{plain:f}"
