"""Costs, duplicates and recommendations on PostgreSQL: the answers are the twins', and dismissals stay."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tests.support.filled_warehouse import DAY, MOMENT, PlainLedger, PlainObject, PlainUse, fill_postgres
from tests.support.governed_plane import GovernedPlane
from tests.support.postgres import FreshDatabase, superuser
from tests.support.postgres_plane import postgres_plane
from warpdrive.adapters.store.memory.warehouse import LedgerCounts
from warpdrive.application.control.calls import Call
from warpdrive.application.control.plane import ControlPlane
from warpdrive.domain.price_book.values import PriceEntry

GIB = 1 << 30
MD5 = ("md5", bytes(16))
OLD = MOMENT - timedelta(days=300)


def filled() -> GovernedPlane:
    """Make a twin with something of everything."""
    on = GovernedPlane()
    on.tell_all()
    on.facts.objects += [
        PlainObject("lake", "stale", 8 * GIB, modified_at=OLD, first_seen=OLD, storage_class="hot"),
        PlainObject(
            "lake",
            "idle",
            GIB,
            modified_at=OLD,
            first_seen=OLD,
            last_access=DAY - timedelta(days=40),
            owners=("t1", "t2"),
        ),
        PlainObject("below", "copy", 3 * GIB, digest=MD5, last_access=DAY),
        PlainObject("lake", "copied", 3 * GIB, digest=MD5, owners=("t1",)),
    ]
    on.facts.uses += [PlainUse("ann", DAY, "lake", "idle", opens=5, bytes_read=GIB, misses=7)]
    on.facts.ledger += [
        PlainLedger(DAY - timedelta(days=back), "lake", (), LedgerCounts(added_objects=1, added_bytes=GIB))
        for back in range(20)
    ]
    return on


async def answers(plane: ControlPlane, call: Call) -> list[Any]:
    """Ask everything, and leave out positions."""
    found: list[Any] = [
        (await plane.costs.get(call, months=2)).value,
        (await plane.costs.get(call, group_by="backend")).value,
        (await plane.duplicates.page(call)).value,
        (await plane.recommendations.get(call, dismissed=True)).value,
    ]
    return [replace(each, as_of=replace(each.as_of, position=0)) for each in found]


async def test_both_planes_give_the_same_answers(migrated_database: FreshDatabase) -> None:
    """From the same facts, prices and decisions; what is dismissed on PostgreSQL is gone from its answer."""
    place = await migrated_database()
    twin = filled()
    twin.fill()
    async with superuser(place, inside=True) as connection:
        await fill_postgres(connection, twin.facts)
    async with postgres_plane(place) as real:
        real.clock.set_wall(datetime.combine(DAY, time(5), UTC).timestamp())
        for storage_class, amount in (("hot", "0.02"), ("cold", "0.005"), ("*", "0.03")):
            entry = PriceEntry("*", storage_class, date(2026, 1, 1), Decimal(amount), Decimal(1), Decimal("0.09"))
            await twin.plane.price_books.set_price(twin.call(), "list", "USD", entry)
            await real.plane.price_books.set_price(real.call(), "list", "USD", entry)
        await real.project()
        wanted = await answers(twin.plane, twin.call())
        assert await answers(real.plane, real.call()) == wanted
        told = wanted[-1].recommendations
        assert {each.kind for each in told} == {"archive_stale", "cheaper_class", "remove_duplicates"}
        done = await real.plane.recommendations.dismiss(real.call(), told[0].id, "not yet")
        await real.project()
        left = (await real.plane.recommendations.get(real.call())).value.recommendations
        assert [each.id for each in left] == [each.id for each in told[1:]]
        (shown,) = [
            each.dismissal
            for each in (await real.plane.recommendations.get(real.call(), dismissed=True)).value.recommendations
            if each.dismissal is not None
        ]
        assert shown == done.value
