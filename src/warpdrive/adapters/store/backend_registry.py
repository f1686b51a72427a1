"""The backends that namespaces name, numbered: where each one's bytes live, and below which prefix.

Rows are never deleted, since objects, sums and accesses of former backends refer to them; `present` says which of them
a namespace has now. Crawler, ingest and attribution ask here, each on its own connection.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg

from warpdrive.domain.namespace.payloads import entry_value
from warpdrive.domain.namespace.values import BackendDefinition

_ENTRIES: Final = """
    SELECT entry.entry FROM read_model.mount_entries AS entry
    JOIN read_model.namespaces AS namespace ON namespace.id = entry.namespace_id
    WHERE NOT namespace.retired ORDER BY entry.backend, entry.namespace_id, entry.path
"""
_PRESENT: Final = """
    SELECT backend.id, backend.name, place.id AS place_id, place.place, backend.prefix, backend.type
    FROM storage.backends AS backend JOIN storage.places AS place ON place.id = backend.place_id
    WHERE backend.present ORDER BY backend.name
"""
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('storage.backends'))"
_PLACES: Final = """
    INSERT INTO storage.places (place) SELECT DISTINCT wanted FROM unnest($1::text[]) AS wanted
    WHERE NOT EXISTS (SELECT FROM storage.places WHERE place = wanted) ORDER BY wanted
    ON CONFLICT (place) DO NOTHING
"""
_GONE: Final = """
    UPDATE storage.backends AS backend SET present = false FROM storage.places AS place
    WHERE place.id = backend.place_id AND backend.present AND NOT EXISTS (
        SELECT FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (name, place, prefix)
        WHERE wanted.name = backend.name AND wanted.place = place.place AND wanted.prefix = backend.prefix
    )
"""
_THERE: Final = """
    INSERT INTO storage.backends AS backend (name, place_id, prefix, type, present)
    SELECT wanted.name, place.id, wanted.prefix, wanted.type, true
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS wanted (name, place, prefix, type)
    JOIN storage.places AS place ON place.place = wanted.place ORDER BY wanted.name
    ON CONFLICT (name, place_id, prefix) DO UPDATE SET present = true WHERE NOT backend.present
"""


@dataclass(frozen=True, slots=True)
class RegisteredBackend:
    """A row of storage.backends with its place. Whole keys are `prefix` and the key below it."""

    id: int
    name: str
    place_id: int
    place: str
    prefix: str
    type: str


async def backend_definitions(connection: "asyncpg.Connection[asyncpg.Record]") -> Mapping[str, BackendDefinition]:
    """Return what namespaces that are not retired say of each backend, by name.

    One name is one place and prefix everywhere; ways and auth references may differ, and one of them is taken.
    """
    found: dict[str, BackendDefinition] = {}
    for record in await connection.fetch(_ENTRIES):
        backend = entry_value(json.loads(record["entry"])).backend
        found.setdefault(backend.name, backend)
    return found


async def register_backends(connection: "asyncpg.Connection[asyncpg.Record]") -> Mapping[str, RegisteredBackend]:
    """Bring storage.places and storage.backends in line with the mount entries; return the present ones by name.

    Cheap when nothing changed: two questions. Writes in a transaction of its own, or inside the caller's; calls at
    once are no harm. Raises the driver's errors.
    """
    wanted = await _wanted(connection)
    present = await _present(connection)
    if wanted == {(each.name, each.place, each.prefix, each.type) for each in present.values()}:
        return present
    async with connection.transaction():
        await connection.execute(_ONE_AT_A_TIME)
        # Again: while this one waited, somebody else may have written what it does not know yet.
        wanted = await _wanted(connection)
        columns = [list(column) for column in zip(*sorted(wanted), strict=True)] or [[], [], [], []]
        names, places, prefixes, types = columns
        await connection.execute(_PLACES, places)
        # First those that went, since a name may be another backend's now and is only one's at a time.
        await connection.execute(_GONE, names, places, prefixes)
        await connection.execute(_THERE, names, places, prefixes, types)
    return await _present(connection)


async def _wanted(connection: "asyncpg.Connection[asyncpg.Record]") -> set[tuple[str, str, str, str]]:
    """Return name, place, prefix and type of what namespaces have."""
    definitions = await backend_definitions(connection)
    return {(each.name, each.place, each.prefix, each.type) for each in definitions.values()}


async def _present(connection: "asyncpg.Connection[asyncpg.Record]") -> Mapping[str, RegisteredBackend]:
    return {record["name"]: RegisteredBackend(**record) for record in await connection.fetch(_PRESENT)}
