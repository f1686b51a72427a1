"""The process between mounted and unmounted: announce readiness, wait for the end, say why it came."""

import signal
from collections.abc import AsyncIterator, Callable

import anyio
import structlog

from warpdrive.adapters.fuse.notices import EntryNotices
from warpdrive.adapters.fuse.operations import Operations
from warpdrive.adapters.fuse.session import MountOptions, Session, mounted
from warpdrive.entrypoints.process.readiness import READY, STOPPING, notify
from warpdrive.entrypoints.process.signals import ending_signals

_log = structlog.get_logger(__name__)


async def serve(
    operations: Operations,
    mount_point: str,
    options: MountOptions,
    announce: Callable[[], None],
    notices: EntryNotices | None = None,
) -> None:
    """Mount, call `announce` (and tell systemd) once the mount answers, return when it is unmounted.

    SIGTERM, SIGINT, SIGHUP (a closed terminal) and an unmount from outside end it, all the same way: in bounded
    time, even while files are open or a backend hangs. Raises MountFault when the mount does not come up.
    """
    with anyio.open_signal_receiver(*ending_signals()) as signals:
        async with mounted(operations, mount_point, options, notices) as session, anyio.create_task_group() as tasks:
            tasks.start_soon(_end_on_signal, signals, session)
            tasks.start_soon(_announce, session, announce)
            asked = await session.wait_ended()
            tasks.cancel_scope.cancel()
            notify(STOPPING)
            _log.info("unmounting" if asked else "unmounted from outside", mount_point=session.mount.point)


async def _announce(session: Session, announce: Callable[[], None]) -> None:
    await session.settle()
    _log.info("mounted", mount_point=session.mount.point, device=session.mount.device)
    announce()
    notify(READY)


async def _end_on_signal(signals: AsyncIterator[signal.Signals], session: Session) -> None:
    async for received in signals:
        _log.info("signal received", signal=received.name)
        session.end()
