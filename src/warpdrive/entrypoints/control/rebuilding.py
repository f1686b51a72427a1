"""The read models made anew, when an operator asks for it."""

import structlog

from warpdrive.adapters.store.connecting import DatabasePlace, Role
from warpdrive.adapters.store.event_store import open_event_reader
from warpdrive.adapters.store.read_model_writer import PostgresReadModelWriter
from warpdrive.application.control.rebuilding import Rebuilding
from warpdrive.application.projections.codec import EventCodec

_log = structlog.get_logger(__name__)


async def rebuild_read_models(place: DatabasePlace) -> None:
    """Make the read models anew, beside the live ones, and put them in their place.

    Raises RebuildUnderWay when another process is at it, StoreUnavailable.
    """
    async with open_event_reader(place, Role.APP) as reader:
        rebuilt = await Rebuilding(reader, PostgresReadModelWriter(place), EventCodec()).run()
    _log.info(
        "the read models were rebuilt",
        position=rebuilt.position,
        events=rebuilt.projected,
        left_out=rebuilt.unknown + rebuilt.unreadable,
    )
