"""Where the names of backends lead: to a place, a prefix and a number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import anyio

from warpdrive.adapters.store.backend_registry import register_backends

_BELIEVED_S: Final = 5.0
"""A name may lead elsewhere since: mount entries change."""

_UNKNOWN: Final = """
    WITH places AS (
        INSERT INTO storage.places AS place (place) SELECT 'unknown|name=' || name FROM unnest($1::text[]) AS name
        ORDER BY 1 ON CONFLICT (place) DO UPDATE SET place = excluded.place RETURNING place.id, place.place
    )
    INSERT INTO storage.backends AS backend (name, place_id, prefix, type, present)
    SELECT name, places.id, '', 'unknown', false
    FROM unnest($1::text[]) AS name JOIN places ON places.place = 'unknown|name=' || name ORDER BY name
    ON CONFLICT (name, place_id, prefix) DO UPDATE SET type = excluded.type
    RETURNING backend.name, backend.id, backend.place_id
"""


@dataclass(frozen=True, slots=True)
class KnownBackend:
    """Whole keys are `prefix` and the key below it."""

    id: int
    place_id: int
    prefix: str


class KnownBackends:
    """The backends by name, asked again after a while, and at once for names that are new."""

    def __init__(self) -> None:
        self._known: dict[str, KnownBackend] = {}
        self._strangers: dict[str, KnownBackend] = {}
        self._asked = -_BELIEVED_S

    async def find(self, connection: Any, names: Iterable[str]) -> Mapping[str, KnownBackend]:
        """Return every name's backend. Names that no namespace has get a place of their own, so nothing is lost.

        Raises the driver's errors.
        """
        wanted = set(names)
        old = anyio.current_time() - self._asked >= _BELIEVED_S
        # A stranger is looked for among the mount entries as rarely as a known name: nonsense must not make work.
        if old or not wanted <= (self._known.keys() | self._strangers.keys()):
            present = await register_backends(connection)
            self._known = {name: KnownBackend(each.id, each.place_id, each.prefix) for name, each in present.items()}
            self._strangers = {}
            self._asked = anyio.current_time()
        missing = sorted(wanted - self._known.keys() - self._strangers.keys())
        if missing:
            for name, number, place in await connection.fetch(_UNKNOWN, missing):
                self._strangers[name] = KnownBackend(number, place, "")
        return {name: self._known.get(name) or self._strangers[name] for name in wanted}
