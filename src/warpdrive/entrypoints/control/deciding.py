"""What a worker needs to decide something itself: commands on the event store, as the API has them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.application.control.commands import Commands
from warpdrive.application.control.streams import Streams
from warpdrive.application.projections.codec import EventCodec


@asynccontextmanager
async def deciding(place: DatabasePlace) -> AsyncIterator[Commands]:
    """Give commands for the block. Raises DatabaseUnavailable, DatabaseMisconfigured before it."""
    async with open_event_store(place, readers=2) as store:
        codec = EventCodec()
        yield Commands(store, Streams(store, store, codec), store, codec)
