"""Backends: every one that a namespace has, what is indexed of it and how its crawls go."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlRegister
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.ports.usage_facts import UsageFacts
from warpdrive.domain.namespace.payloads import entry_value
from warpdrive.domain.namespace.values import BackendDefinition

_LOOKED_AT: Final = 20
"""Crawls of a name, newest first: some may be of a place that had the name before."""


@dataclass(frozen=True, slots=True)
class BackendView:
    """A backend. `generation` 0: never crawled to the end; `last_crawl`: the newest, whatever came of it."""

    name: str
    type: str
    place: str
    prefix: str
    namespaces: tuple[str, ...]
    objects: int
    bytes: int
    generation: int
    crawled_at: datetime | None
    last_crawl: CrawlRecord | None


@dataclass(frozen=True, slots=True)
class BackendsView:
    """In the order of their names."""

    backends: tuple[BackendView, ...]
    as_of: AsOf


class Backends:
    """Use case of backends. Raises the store's errors."""

    def __init__(self, models: ReadModels, moments: Moments, sums: UsageFacts, crawls: CrawlRegister) -> None:
        self._models = models
        self._moments = moments
        self._sums = sums
        self._crawls = crawls

    async def every(self, call: Call) -> Done[BackendsView]:
        """Show those of the namespaces in the caller's scope."""
        as_of = await self._moments.now(call.at)
        mounted = await self._mounted(call)
        if call.principal.namespaces:
            # Of others not even the names: neither here nor beside those that were crawled with them.
            as_of = replace(as_of, crawls=tuple(mark for mark in as_of.crawls if mark.name in mounted))
        marks = {mark.name: mark for mark in as_of.crawls}
        held: dict[str, tuple[int, int]] = {}
        for row in await self._sums.capacity():
            objects, size = held.get(row.backend, (0, 0))
            held[row.backend] = (objects + row.objects, size + row.bytes)
        shown: list[BackendView] = []
        for name, (backend, namespaces) in sorted(mounted.items()):
            mark = marks.get(name)
            # One that is not numbered yet is at no place that anything is known of.
            known = mark is not None and (mark.place, mark.prefix) == (backend.place, backend.prefix)
            crawls = await self._crawls.page(backend=name, limit=_LOOKED_AT) if known else ()
            last = next((crawl for crawl in crawls if crawl.place == backend.place), None)
            if last is not None:
                last = replace(last, backends=tuple(each for each in last.backends if each in mounted))
            objects, size = held.get(name, (0, 0))
            shown.append(
                BackendView(
                    name=name,
                    type=backend.type,
                    place=backend.place,
                    prefix=backend.prefix,
                    namespaces=tuple(sorted(namespaces)),
                    objects=objects,
                    bytes=size,
                    generation=mark.generation if mark and known else 0,
                    crawled_at=mark.completed_at if mark and known else None,
                    last_crawl=last,
                )
            )
        return Done(BackendsView(tuple(shown), as_of), as_of.position)

    async def _mounted(self, call: Call) -> Mapping[str, tuple[BackendDefinition, set[str]]]:
        """Return each backend's definition and the names of the namespaces that have it."""
        scope = call.principal.namespaces
        living = await self._models.rows("namespaces", where={"retired": False}, order=("id",))
        names = {row["id"]: row["name"] for row in living if not scope or row["name"] in scope}
        found: dict[str, tuple[BackendDefinition, set[str]]] = {}
        for row in await self._models.rows("mount_entries", order=("namespace_id", "path")):
            if row["namespace_id"] in names:
                backend = entry_value(row["entry"]).backend
                found.setdefault(backend.name, (backend, set()))[1].add(names[row["namespace_id"]])
        return found
