"""A worker without an API beside it: `--role worker`.

Apart from the work itself, because whoever only works needs no migrations, and a child that starts with every control
plane shall not load what it does not use.
"""

import structlog

from warpdrive.adapters.store.migrating import migrate
from warpdrive.entrypoints.control.worker import working
from warpdrive.entrypoints.process.ending import ending
from warpdrive.entrypoints.process.readiness import READY, STOPPING, notify
from warpdrive.entrypoints.settings.control import ControlSettings

_log = structlog.get_logger(__name__)


async def run_worker(settings: ControlSettings) -> None:
    """Work on the configured database until SIGTERM, SIGINT or SIGHUP.

    Raises what `run.START_FAULTS` lists when it cannot start.
    """
    place = settings.database
    assert place is not None, "an embedded database is its api's own"
    async with ending() as told:
        _log.info("the database is ready", database=str(place), revision=await migrate(place))
        async with working(place, settings):
            notify(READY)
            await told.wait()
            notify(STOPPING)
