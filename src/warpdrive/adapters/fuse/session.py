"""One mount, from mount(2) to unmount. pyfuse3 keeps it in module state: one session per process at a time."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pyfuse3
import structlog

from warpdrive.adapters.fuse import scheduler
from warpdrive.adapters.fuse.kernel import admit_background, widen_read_ahead
from warpdrive.adapters.fuse.mount_point import MountRefused, prepare, unmount_lazily
from warpdrive.adapters.fuse.mount_table import Mount, mount_at
from warpdrive.adapters.fuse.notices import EntryNotices
from warpdrive.adapters.fuse.operations import Operations

_log = structlog.get_logger(__name__)

WORKERS = 1024
"""Most requests in progress at once: so many may hang on one backend before another one's have to wait (R3).

Workers are started when all others are busy and, the lower bound being the same, never end; those that wait longest
are used last, so a worker costs what its peak did.
"""

DRAIN_SECONDS = 3.0
"""How long requests in progress may finish after the session was told to end; then they are cancelled."""

_CANCEL_SECONDS = 2.0
_ANSWER_SECONDS = 30.0
_FUSE_CONF = Path("/etc/fuse.conf")


@dataclass(frozen=True, slots=True)
class MountOptions:
    """How the tree is mounted. `allow_other`: other users than the mounting one may enter."""

    read_only: bool = True
    allow_other: bool = False
    allow_non_empty: bool = False
    debug: bool = False
    """Print every request and reply on standard error (libfuse's own trace)."""
    extra: frozenset[str] = frozenset()
    """Mount options passed on as they are: nosuid, noexec, noatime, ..."""

    def for_libfuse(self) -> set[str]:
        """Return the `-o` words; permission checks stay in the kernel."""
        words = {"fsname=warpdrive", "subtype=warpdrive", "default_permissions", *self.extra}
        words.add("ro" if self.read_only else "rw")
        if self.allow_other:
            words.add("allow_other")
        if self.debug:
            words.add("debug")
        return words


class Session:
    """A mounted tree that is being served; made by `mounted`."""

    def __init__(self, mount: Mount, serving: asyncio.Task[None]) -> None:
        self.mount = mount
        self._serving = serving
        self._told_to_end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """Stop taking requests; `wait_ended` then returns. Safe to call again."""
        if not self._told_to_end.done():
            self._told_to_end.set_result(None)
            if not self._serving.done():
                pyfuse3.terminate()

    async def wait_ended(self) -> bool:
        """Return when no more requests are taken: True after `end`, False when unmounted from outside.

        Raises OSError (in a group) when the connection to the kernel failed.
        """
        await asyncio.wait({self._serving, self._told_to_end}, return_when=asyncio.FIRST_COMPLETED)
        if self._told_to_end.done():
            return True
        self._serving.result()
        return False

    async def settle(self) -> None:
        """Return once the mount answers and is tuned. Raises MountRefused if it does not in time.

        The kernel is tuned only now: it overwrites its settings while the session is being negotiated.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()

        def answer(fault: OSError | None) -> None:
            if answered.done():
                return
            if fault is None:
                answered.set_result(None)
            else:
                answered.set_exception(fault)

        def ask() -> None:
            fault: OSError | None = None
            try:
                os.statvfs(self.mount.point)
            except OSError as raised:
                fault = raised
            loop.call_soon_threadsafe(answer, fault)

        # A thread of its own, not the pool's: should the mount not answer, the process can still end.
        threading.Thread(target=ask, name="mount-answers", daemon=True).start()
        try:
            await asyncio.wait_for(answered, _ANSWER_SECONDS)
        except (TimeoutError, OSError) as fault:
            raise MountRefused(f"{self.mount.point}: mounted, but it does not answer: {fault!r}") from fault
        await asyncio.to_thread(_tune, self.mount)

    async def drain(self) -> bool:
        """End, let requests in progress finish, cancel those that do not. False if one survived even that."""
        self.end()
        await asyncio.wait({self._serving}, timeout=DRAIN_SECONDS)
        if not self._serving.done():
            _log.warning("requests still in progress at the end, cancelled", after_seconds=DRAIN_SECONDS)
            self._serving.cancel()
            await asyncio.wait({self._serving}, timeout=_CANCEL_SECONDS)
        return self._serving.done()


@asynccontextmanager
async def mounted(
    operations: Operations, path: str, options: MountOptions, notices: EntryNotices | None = None
) -> AsyncIterator[Session]:
    """Mount, serve while the block runs, then drain and unmount lazily, whatever is still open.

    `notices` reach the kernel while the block runs.

    Takes at most `DRAIN_SECONDS` and a little to leave. Raises MountPointUnfit or MountRefused before anything
    is mounted.
    """
    point = await asyncio.to_thread(prepare, path, allow_non_empty=options.allow_non_empty)
    _check_permitted(options)
    scheduler.enable()
    try:
        pyfuse3.init(operations, point, options.for_libfuse())
    except RuntimeError as fault:
        raise MountRefused(
            f"{point}: the system refused the mount ({fault}); libfuse's own reason stands on standard error. "
            "Needed: /dev/fuse, and root or the program fusermount3 (package fuse3)"
        ) from fault
    serving = asyncio.create_task(pyfuse3.main(WORKERS, WORKERS), name="fuse-session")
    session = Session(Mount(point, "", "", ""), serving)
    try:
        session.mount = _find(point)
        if notices is not None:
            notices.open()
        yield session
    finally:
        with anyio.CancelScope(shield=True):
            drained = await session.drain()
            if notices is not None:
                # After the requests: a notice waits for those. One that still waits would find the session freed.
                drained = await asyncio.to_thread(notices.close) and drained
        _close(point, drained=drained)


def _tune(mount: Mount) -> None:
    widen_read_ahead(mount)
    admit_background(mount)


def _find(point: str) -> Mount:
    mount = mount_at(point)
    if mount is None:
        raise MountRefused(f"{point}: mounted, but the mount table does not show it")
    return mount


def _close(point: str, *, drained: bool) -> None:
    """Abort the connection and detach the mount: bounded even while files are open on it."""
    if drained:
        pyfuse3.close(unmount=True)
    else:
        # A handler ignored its cancellation and would answer into freed memory: leave the session to the
        # process's end.
        unmount_lazily(point)


def _check_permitted(options: MountOptions) -> None:
    """Say what fusermount3 would only print. Raises MountRefused."""
    if not options.allow_other or os.geteuid() == 0:
        return
    try:
        configured = "user_allow_other" in _FUSE_CONF.read_text().split()
    except OSError:
        configured = False
    if not configured:
        raise MountRefused(
            "allow_other is for root only here: to permit it to all users "
            f"add the line user_allow_other to {_FUSE_CONF}"
        )
