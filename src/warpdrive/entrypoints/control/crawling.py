"""What the crawler opens backends with: this process's own credentials, by the definition's reference."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from warpdrive.adapters.blob.factory import Backend
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.index.register import PostgresCrawlRegister
from warpdrive.adapters.store.index.runner import PostgresStorageIndex
from warpdrive.application.control.crawling.backend_listing import BackendListing, Root, roots_of
from warpdrive.application.control.crawling.crawl_pass import OpenSource
from warpdrive.application.control.crawling.crawler import Crawler
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.crawl_register import CrawlRegister
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.application.ports.listing_source import ListingFailed, ListingSource
from warpdrive.domain.namespace.values import BackendDefinition
from warpdrive.entrypoints.control.backends import open_backend
from warpdrive.entrypoints.control.inventories import inventory_of, open_inventory
from warpdrive.entrypoints.settings.control import ControlSettings


def crawler(place: DatabasePlace, questions: Questions, settings: ControlSettings, clock: Clock) -> Crawler:
    """Put the crawler together; its `run` has to be started."""
    register = PostgresCrawlRegister(questions)
    return Crawler(
        register,
        PostgresStorageIndex(place),
        backend_source(settings, register),
        clock,
        timedelta(seconds=settings.server.storage_crawl_interval),
    )


def backend_source(settings: ControlSettings, register: CrawlRegister) -> OpenSource:
    """Return what opens the backends of a place to list them, or the newest report about it where there are such."""

    @asynccontextmanager
    async def source(place: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
        del place
        inventory = inventory_of(settings, definitions)
        if inventory is not None:
            async with open_inventory(inventory, definitions, settings, register) as reported:
                yield reported
            return
        # Nothing is connected before it is used, so none needs to be closed when another cannot be opened.
        opened = [_opened(definition, settings) for definition in roots_of(definitions)]
        try:
            yield BackendListing([Root(each.definition.name, each.definition.prefix, each.reader) for each in opened])
        finally:
            for each in opened:
                await each.aclose()

    return source


def _opened(definition: BackendDefinition, settings: ControlSettings) -> Backend:
    try:
        return open_backend(definition, settings)
    except BackendMisconfigured as fault:
        raise ListingFailed(f"backend {definition.name!r} cannot be opened here: {fault.detail}") from fault
