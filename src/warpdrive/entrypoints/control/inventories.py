"""Inventories, wired: which places are known from reports, and where those are."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from warpdrive.adapters.lake import ParquetFiles
from warpdrive.application.control.inventory import Inventory, InventorySource, Provider, open_listing
from warpdrive.application.ports.crawl_register import CrawlRegister, CrawlState
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.application.ports.listing_source import ListingFailed, ListingSource
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.domain.governance.attribution import topmost
from warpdrive.domain.namespace.values import BackendDefinition
from warpdrive.entrypoints.control.backends import open_source
from warpdrive.entrypoints.settings.control import ControlSettings
from warpdrive.entrypoints.settings.inventories import InventorySettings


def inventory_of(settings: ControlSettings, definitions: Sequence[BackendDefinition]) -> InventorySettings | None:
    """Return the inventory that is about one of these backends of a place; None: the place is to be listed."""
    names = {definition.name for definition in definitions}
    return next((each for each in settings.inventories if each.backend in names), None)


@asynccontextmanager
async def open_inventory(
    inventory: InventorySettings,
    definitions: Sequence[BackendDefinition],
    settings: ControlSettings,
    register: CrawlRegister,
) -> AsyncIterator[ListingSource]:
    """Open the newest report about a place, whose backends these are.

    Raises ListingFailed, NothingNew, StoreUnavailable.
    """
    definition = next(each for each in definitions if each.name == inventory.backend)
    options = definition.options
    place = options.get("bucket") or options.get("container") or ""
    completed = await register.page(backend=inventory.backend, state=CrawlState.COMPLETED, limit=1)
    try:
        backend = open_source(inventory.source, settings)
    except BackendMisconfigured as fault:
        raise ListingFailed(f"the source of the inventory of {inventory.backend!r}: {fault.detail}") from fault
    roots = tuple(topmost({each.prefix for each in definitions}))
    reports = Inventory(Provider(inventory.format), backend.reader, ObjectKey(inventory.prefix), place, roots)
    try:
        yield await open_listing(
            InventorySource(reports, ParquetFiles()), roots, completed[0].started_at if completed else None
        )
    finally:
        await backend.aclose()
