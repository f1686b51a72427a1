"""Commands that meet: two about one name, one stream, one backend's name. Who loses a race is decided anew."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal

import anyio
import pytest

from tests.support.memory_plane import MemoryPlane
from warpdrive.application.control.errors import AlreadyThere, NotFound
from warpdrive.application.control.plane import ControlPlane
from warpdrive.domain.namespace.errors import UnknownMountEntry
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.price_book.values import PriceEntry


def entry(path: str, bucket: str = "imagenet", name: str = "") -> MountEntry:
    """Make a mount entry in a bucket."""
    return MountEntry(path, BackendDefinition(name or bucket, "s3", {"bucket": bucket}))


async def together(*commands: Callable[[], Awaitable[object]]) -> list[object]:
    """Run commands at once; returns what each gave or raised."""
    ends: list[object] = [None] * len(commands)

    async def one(index: int, command: Callable[[], Awaitable[object]]) -> None:
        try:
            ends[index] = await command()
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            ends[index] = error

    async with anyio.create_task_group() as tasks:
        for index, command in enumerate(commands):
            tasks.start_soon(one, index, command)
    return ends


def refusals(ends: list[object]) -> list[type]:
    """Name what was raised."""
    return [type(end) for end in ends if isinstance(end, Exception)]


ENDINGS: dict[str, Callable[[MemoryPlane, ControlPlane], Awaitable[object]]] = {
    "namespace": lambda on, plane: plane.namespaces.retire(on.call(), "a"),
    "team": lambda on, plane: plane.teams.disband(on.call(), "a"),
    "price book": lambda on, plane: plane.price_books.retire(on.call(), "a"),
}


async def furnished() -> MemoryPlane:
    """Make a plane with one of each, all called "a"."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "a", [entry("/x"), entry("/y", name="imagenet")])
    await on.plane.teams.ensure(on.call(), "a", ["ada"], [])
    await on.plane.price_books.set_price(on.call(), "a", "", price())
    return on


def price() -> PriceEntry:
    """Make a price."""
    return PriceEntry("*", "*", date(2026, 1, 1), Decimal(1), Decimal(0), Decimal(0))


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
async def test_of_two_who_end_something_at_once_one_finds_it_gone(
    ending: Callable[[MemoryPlane, ControlPlane], Awaitable[object]],
) -> None:
    """The second has given up a name that it no longer holds: it looks again, and there is nothing."""
    on = await furnished()
    ends = await together(lambda: ending(on, on.plane), lambda: ending(on, MemoryPlane.beside(on).plane))
    assert refusals(ends) == [NotFound]


@pytest.mark.parametrize("names", [("b", "c"), ("b", "b")])
async def test_of_two_who_rename_a_team_at_once_one_finds_the_old_name_gone(names: tuple[str, str]) -> None:
    """Whichever new name each wanted, also the same: nobody renames what is called otherwise by then."""
    on = await furnished()
    ends = await together(*(lambda name=name: on.plane.teams.rename(on.call(), "a", name) for name in names))
    assert refusals(ends) == [NotFound]


async def test_of_two_who_unmount_one_path_at_once_one_finds_it_gone() -> None:
    """Though the backend's name was given up by the other in between."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "a", [entry("/x")])
    ends = await together(
        *(lambda: on.plane.namespaces.remove_mount(on.call(), "a", "/x") for _ in range(2)),
    )
    assert refusals(ends) == [UnknownMountEntry]


async def test_two_who_ensure_one_team_at_once_both_have_it() -> None:
    """Who loses the race to create it adds to what the other has made."""
    on = MemoryPlane()
    ends = await together(
        lambda: on.plane.teams.ensure(on.call(), "a", ["ada"], []),
        lambda: on.plane.teams.ensure(on.call(), "a", ["bob"], []),
    )
    assert refusals(ends) == []
    assert (await on.plane.teams.get(on.call(), "a")).value.members == ("ada", "bob")


async def test_two_who_apply_one_namespace_at_once_both_have_it() -> None:
    """The later one's entries stand."""
    on = MemoryPlane()
    ends = await together(
        *(
            lambda path=path: on.plane.namespaces.apply(
                on.call(), "a", [entry(path)], dry_run=False, expected_version=0
            )
            for path in ("/x", "/y")
        )
    )
    assert refusals(ends) == []
    assert (await on.plane.namespaces.get(on.call(), "a")).value.entries == (entry("/y"),)


async def test_two_who_move_a_backends_name_at_once_both_have_it() -> None:
    """Who was late finds everything done."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "a", [entry("/x", "one", name="data")])
    ends = await together(
        *(
            lambda: on.plane.namespaces.apply(
                on.call(), "a", [entry("/y", "two", name="data")], dry_run=False, expected_version=0
            )
            for _ in range(2)
        )
    )
    assert refusals(ends) == []


async def test_of_two_who_create_one_name_at_once_one_is_refused() -> None:
    """It wanted a new one."""
    on = MemoryPlane()
    ends = await together(*(lambda: on.plane.namespaces.create(on.call(), "a", []) for _ in range(2)))
    assert refusals(ends) == [AlreadyThere]


async def test_a_mount_that_meets_a_retirement_finds_nothing() -> None:
    """Nobody uses the backend's name after it, so it is free."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "a", [entry("/x")])
    ends = await together(
        lambda: on.plane.namespaces.retire(on.call(), "a"),
        lambda: on.plane.namespaces.add_mount(on.call(), "a", entry("/y", name="imagenet")),
    )
    assert refusals(ends) == [NotFound]
    assert await on.store.owner_of("backend", "imagenet") is None
