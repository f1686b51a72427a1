"""Whose bytes something would be that nobody has written yet: by the rules and mount entries of this moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import NotFound, PermissionDenied
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.domain.governance.attribution import Attribution, Claim, Showing, attribution
from warpdrive.domain.governance.recorded_texts import recorded_key
from warpdrive.domain.namespace.payloads import entry_value
from warpdrive.domain.namespace.values import BackendDefinition


@dataclass(frozen=True, slots=True)
class Belonging:
    """`backend`: the home of the bytes, under which they will be counted; `owners`: sorted ids of teams."""

    backend: str
    place: str
    owners: tuple[str, ...]


@dataclass(slots=True)
class _Decided:
    """What is decided as of a position."""

    position: int = -1
    backends: dict[str, BackendDefinition] = field(default_factory=dict)
    namespaces: dict[str, set[str]] = field(default_factory=dict)
    """Names of those that have a backend, by its name."""
    places: dict[str, Attribution] = field(default_factory=dict)


class Owners:
    """Answers from the read models, which are read again only when they moved on."""

    def __init__(self, models: ReadModels) -> None:
        self._models = models
        self._decided = _Decided()

    async def of(self, principal: Principal, backend: str, key: str) -> Belonging:
        """Say whose a key below the backend's prefix would be; a prefix of keys answers for what is right below it.

        Raises NotFound (the backend) and PermissionDenied when no namespace in the caller's scope has it.
        """
        decided = await self._read()
        definition = decided.backends.get(backend)
        if definition is None:
            raise NotFound("backend", backend)
        if principal.namespaces and decided.namespaces[backend].isdisjoint(principal.namespaces):
            raise PermissionDenied(principal.name, f"a namespace with the backend {backend!r} in its scope")
        found = decided.places[definition.place].of(recorded_key(definition.prefix, key))
        assert found is not None, "the backend itself shows the key"
        return Belonging(found.backend, definition.place, found.owners)

    async def _read(self) -> _Decided:
        # First, so that what is read is not older than it says.
        position = await self._models.position()
        if position == self._decided.position:
            return self._decided
        names = {
            row["id"]: row["name"]
            for row in await self._models.rows("namespaces", where={"retired": False}, order=("id",))
        }
        decided = _Decided(position)
        for row in await self._models.rows("mount_entries", order=("namespace_id", "path")):
            if row["namespace_id"] in names:
                backend = entry_value(row["entry"]).backend
                decided.backends[backend.name] = backend
                decided.namespaces.setdefault(backend.name, set()).add(names[row["namespace_id"]])
        decided.places = await self._attributions(decided.backends)
        self._decided = decided
        return decided

    async def _attributions(self, backends: Mapping[str, BackendDefinition]) -> dict[str, Attribution]:
        living = {row["id"] for row in await self._models.rows("teams", where={"disbanded": False}, order=("id",))}
        claims = [
            Claim(row["team_id"], row["backend"], row["prefix"])
            for row in await self._models.rows("ownership_rules", order=("team_id", "backend", "prefix"))
            if row["team_id"] in living
        ]
        places: dict[str, list[Showing]] = {}
        for each in backends.values():
            places.setdefault(each.place, []).append(Showing(each.name, each.prefix))
        return {place: attribution(showings, claims) for place, showings in places.items()}
