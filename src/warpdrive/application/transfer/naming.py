"""Which objects a move is about, and what each is called at the destination."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from warpdrive.application.ports.errors import ObjectNotFound
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey
from warpdrive.application.transfer.faults import SourceMissing


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object to be moved: as it is now, and the key that it gets; "" when it can have none."""

    info: ObjectInfo
    target: ObjectKey


@dataclass(frozen=True, slots=True)
class Route:
    """From where to where. `prefix`: the keys that begin with `source` get `target` in its stead; else one object."""

    source: ObjectKey
    target: ObjectKey
    prefix: bool


async def is_prefix(reader: ObjectReader, source: str) -> bool:
    """Say what a key means: everything below it ("", "a/", or no object has that name), or one object.

    Raises what `ObjectReader.stat` raises, but ObjectNotFound.
    """
    if not source or source.endswith("/"):
        return True
    try:
        return (await reader.stat(ObjectKey(source))).is_directory
    except ObjectNotFound:
        return True


def route_of(source: str, target: str, *, prefix: bool) -> Route:
    """Put a route together. One object goes to `target`, or below it by its last name if that is "" or ends in "/"."""
    if prefix:
        return Route(_as_prefix(source), _as_prefix(target), prefix=True)
    whole = target + source.rpartition("/")[2] if not target or target.endswith("/") else target
    return Route(ObjectKey(source), ObjectKey(whole), prefix=False)


def _as_prefix(key: str) -> ObjectKey:
    return ObjectKey(key if not key or key.endswith("/") else f"{key}/")


async def wanted_objects(reader: ObjectReader, route: Route) -> AsyncGenerator[Wanted, None]:
    """Yield what the route is about, a page in memory. Raises SourceMissing and what the backend answers."""
    if not route.prefix:
        try:
            info = await reader.stat(route.source)
        except ObjectNotFound:
            raise SourceMissing(route.source) from None
        if info.is_directory:
            raise SourceMissing(route.source)
        yield Wanted(info, route.target)
        return
    cursor: str | None = None
    found = False
    while True:
        try:
            page = await reader.list_page(
                route.source, cursor=cursor, limit=reader.capabilities.list_limit, recursive=True
            )
        except ObjectNotFound:
            if found:
                raise
            raise SourceMissing(route.source) from None
        for info in page.objects:
            found = True
            yield Wanted(info, ObjectKey(route.target + info.key[len(route.source) :]))
        cursor = page.cursor
        if cursor is None:
            break
    if not found:
        raise SourceMissing(route.source)


def inside_one_another(one: str, other: str) -> bool:
    """Say whether one of two whole keys or prefixes lies in the other, so that a move would meet its own work."""
    return _as_prefix(one).startswith(_as_prefix(other)) or _as_prefix(other).startswith(_as_prefix(one))
