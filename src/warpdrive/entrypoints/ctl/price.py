"""`price`: what things cost, from which day on."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import click

from warpdrive.entrypoints.ctl.completion import BOOK
from warpdrive.entrypoints.ctl.output import Column, Row, csv_columns, output_options, print_csv, print_table
from warpdrive.entrypoints.ctl.session import (
    Session,
    confirm,
    json_option,
    pass_session,
    print_json,
    printable,
    yes_option,
)


class AmountType(click.ParamType[str]):
    """A decimal number in the book's currency, checked here and sent as it was typed."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it; a usage error otherwise."""
        text = str(value).strip()
        try:
            amount = Decimal(text)
        except InvalidOperation:
            self.fail(f"{text!r} is no number like 0.023", param, ctx)
        if not amount.is_finite() or amount < 0:
            self.fail(f"{text!r} is no price; it is 0 or more", param, ctx)
        return text


@click.group()
def price() -> None:
    """Price books: dated prices for backends and storage classes."""


@price.command("set")
@click.argument("book", type=BOOK)
@click.option("--backend", default="*", show_default=True, help="A backend's name; '*' is every one without its own.")
@click.option("--class", "storage_class", default="*", show_default=True, help="Such as hot or STANDARD_IA.")
@click.option("--from", "valid_from", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day: 2027-01-31.")
@click.option("--per-gib-month", type=AmountType(), required=True)
@click.option("--per-1000-requests", type=AmountType(), default="0", show_default=True)
@click.option("--per-gib-egress", type=AmountType(), default="0", show_default=True)
@click.option("--currency", default="", help="Three capital letters; of a new book.  [USD]")
@json_option
@pass_session
def set_price(
    session: Session,
    book: str,
    *,
    backend: str,
    storage_class: str,
    valid_from: datetime,
    per_gib_month: str,
    per_1000_requests: str,
    per_gib_egress: str,
    currency: str,
    as_json: bool,
) -> None:
    """Set one dated price; the book comes to be if it is missing."""
    entry = {
        "backend": backend,
        "storage_class": storage_class,
        "valid_from": valid_from.date().isoformat(),
        "per_gib_month": per_gib_month,
        "per_thousand_requests": per_1000_requests,
        "per_gib_egress": per_gib_egress,
    }
    with session.plane() as plane:
        answer = plane.call("GovernanceService/SetPrice", {"book": book, "currency": currency, "price": entry})
    if as_json:
        print_json(answer)
        return
    words = f"{per_gib_month} {answer['currency']} per GiB and month from {entry['valid_from']} on"
    print(printable(f"{answer['name']}: {backend} {storage_class} costs {words}"))


@price.command("list")
@click.argument("book", type=BOOK, required=False)
@output_options
@pass_session
def list_prices(session: Session, book: str | None, *, style: str) -> None:
    """Show price books, or one. A row is a price; JSON shows the books."""
    with session.plane() as plane:
        if book is None:
            books = list(plane.items("GovernanceService/ListPriceBooks"))
        else:
            books = [plane.call("GovernanceService/GetPriceBook", {"book": book})]
    if style == "json":
        print_json(books)
        return
    nothing: Row = {}
    rows = [_row(found, entry) for found in books for entry in found["prices"] or (nothing,)]
    if style == "csv":
        print_csv(["book", "currency", *csv_columns("Price")], rows)
    elif rows:
        print_table(rows, _COLUMNS)
    else:
        print("no price books; warpdrive-ctl price set BOOK --from DATE --per-gib-month AMOUNT makes one")


@price.command("remove")
@click.argument("book", type=BOOK)
@click.option("--backend", default="*", show_default=True, help="As it was set; '*' is the price so named alone.")
@click.option("--class", "storage_class", default="*", show_default=True, help="As it was set.")
@click.option("--from", "valid_from", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The price's first day.")
@json_option
@pass_session
def remove_price(
    session: Session, book: str, *, backend: str, storage_class: str, valid_from: datetime, as_json: bool
) -> None:
    """Take one dated price out; what began before it applies again."""
    day = valid_from.date().isoformat()
    fields = {"book": book, "backend": backend, "storage_class": storage_class, "valid_from": day}
    with session.plane() as plane:
        answer = plane.call("GovernanceService/RemovePrice", fields)
    if as_json:
        print_json(answer)
    else:
        print(printable(f"{answer['name']}: the price of {backend} {storage_class} from {day} on is removed"))


@price.command()
@click.argument("book", type=BOOK)
@yes_option
@json_option
@pass_session
def retire(session: Session, book: str, *, yes: bool, as_json: bool) -> None:
    """End a price book for good: its name is free again, its history stays."""
    with session.plane() as plane:
        if not yes:
            count = len(plane.call("GovernanceService/GetPriceBook", {"book": book})["prices"])
            confirm(f"Retire price book {book} with {count} prices? This cannot be undone.")
        retired = plane.call("GovernanceService/RetirePriceBook", {"book": book})
    if as_json:
        print_json(retired)
    else:
        print(printable(f"price book {book} retired (id {retired['id']})"))


def _row(book: Mapping[str, Any], entry: Mapping[str, Any]) -> Row:
    return {"book": book["name"], "currency": book["currency"], **entry}


def _column(heading: str, field: str, *, right: bool = False) -> Column:
    return Column(heading, lambda row: str(row.get(field, "-")), right)


_COLUMNS = (
    _column("book", "book"),
    _column("backend", "backend"),
    _column("class", "storageClass"),
    _column("from", "validFrom"),
    _column("per GiB month", "perGibMonth", right=True),
    _column("per 1000 requests", "perThousandRequests", right=True),
    _column("per GiB egress", "perGibEgress", right=True),
    _column("currency", "currency"),
)
