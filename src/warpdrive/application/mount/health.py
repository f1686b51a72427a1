"""Is the agent well? Checks are values with a name; the answer is one summary and a line for each.

Every check is bounded by a deadline and its outcome is kept for some seconds, so that probes (a load
balancer, a kubelet, an operator's loop) cost the backends nothing.
"""

import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import anyio
import anyio.to_thread

from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.errors import BackendError
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.application.ports.page_cache import CacheStats


class CheckFailedError(Exception):
    """Raised by a check that found its subject unwell. The words are for an operator."""


class HealthCheck(Protocol):
    """One thing that can be well or not."""

    @property
    def name(self) -> str:
        """Stable name, unique in a report: `mount`, `cache`, `backend:photos`."""

    async def probe(self) -> str:
        """Return a few words when all is well; raise CheckFailedError otherwise. May be cancelled."""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What one check said. `seconds`: how long it took; `age`: seconds since then."""

    name: str
    ok: bool
    detail: str
    seconds: float
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All outcomes, in the order of the checks."""

    checks: tuple[CheckOutcome, ...]

    @property
    def status(self) -> Literal["ok", "degraded"]:
        """`ok` when every check is."""
        return "ok" if all(check.ok for check in self.checks) else "degraded"


class Health:
    """Runs the checks side by side; an outcome younger than `max_age` seconds is given again.

    `coming` gives checks whose subjects come and go; they are asked for at each report.
    """

    def __init__(
        self,
        checks: Sequence[HealthCheck],
        clock: Clock,
        *,
        coming: Callable[[], Sequence[HealthCheck]] = tuple,
        deadline: float = 5.0,
        max_age: float = 5.0,
    ) -> None:
        self._checks = tuple(checks)
        self._coming = coming
        self._clock = clock
        self._deadline = deadline
        self._max_age = max_age
        self._last: dict[str, tuple[float, CheckOutcome]] = {}
        # Held over a whole round: probes that arrive together share one.
        self._round = anyio.Lock()

    async def report(self) -> HealthReport:
        """Return every check's outcome within about `deadline` seconds. Never raises for a check's fault."""
        async with self._round:
            checks = (*self._checks, *self._coming())
            async with anyio.create_task_group() as tasks:
                for check in checks:
                    known = self._last.get(check.name)
                    if known is None or self._clock.monotonic() - known[0] >= self._max_age:
                        tasks.start_soon(self._ask, check)
            self._last = {check.name: self._last[check.name] for check in checks}
            outcomes = list(self._last.values())
        now = self._clock.monotonic()
        return HealthReport(
            tuple(
                CheckOutcome(seen.name, seen.ok, seen.detail, seen.seconds, max(0.0, now - at)) for at, seen in outcomes
            )
        )

    async def _ask(self, check: HealthCheck) -> None:
        started = self._clock.monotonic()
        ok, detail = False, f"no answer within {self._deadline:g} s"
        with anyio.move_on_after(self._deadline):
            try:
                detail = await check.probe()
                ok = True
            except CheckFailedError as error:
                detail = str(error)
        now = self._clock.monotonic()
        self._last[check.name] = (now, CheckOutcome(check.name, ok, detail, now - started))


class MountAnswers:
    """The mount point answers statvfs, asked through the kernel as any program would."""

    name = "mount"

    def __init__(self, mount_point: str) -> None:
        self._mount_point = mount_point
        # A thread that hangs in a dead mount cannot be ended, so there is never more than one.
        self._asking = threading.Lock()

    async def probe(self) -> str:
        """Ask in a worker thread, which is left behind at the deadline."""
        if not self._asking.acquire(blocking=False):
            raise CheckFailedError("the mount point has not answered an earlier statvfs")
        try:
            figures = await anyio.to_thread.run_sync(self._statvfs, abandon_on_cancel=True)
        except OSError as error:
            raise CheckFailedError(f"statvfs {self._mount_point}: {error.strerror}") from None
        return f"{figures.f_namemax} bytes a name, answers"

    def _statvfs(self) -> os.statvfs_result:
        try:
            return os.statvfs(self._mount_point)
        finally:
            self._asking.release()


class CacheOpens:
    """The cache's index answers and its disk takes stores.

    `index` asks the index; it raises OSError when there is no answer.
    """

    name = "cache"

    def __init__(self, stats: Callable[[], CacheStats], index: Callable[[], Awaitable[None]]) -> None:
        self._stats = stats
        self._index = index

    async def probe(self) -> str:
        """Ask the index, then look at the totals."""
        try:
            await self._index()
        except OSError as error:
            raise CheckFailedError(f"the cache index does not open: {error}") from None
        stats = self._stats()
        if stats.degraded:
            raise CheckFailedError("the cache disk refuses stores; reading goes on uncached")
        return f"{stats.objects} objects, {stats.size_bytes} of {stats.max_bytes} bytes"


class BackendServes:
    """A mount entry's backend answers the cheapest question there is: one name of its listing.

    One that could not be opened (missing extra, unresolved auth, another tenant's) is always unwell, and says why.
    """

    def __init__(self, backend: MountedBackend, name: str) -> None:
        self.name = f"backend:{name}"
        self._backend = backend

    async def probe(self) -> str:
        """List one name."""
        if not self._backend.online:
            raise CheckFailedError(self._backend.fault)
        try:
            with self._backend.held() as reader:
                await reader.list_page(ObjectKey(""), limit=1)
        except BackendError as error:
            raise CheckFailedError(f"{error.kind}: {error.detail}") from None
        return "answers"


def backend_checks(backends: Iterable[MountedBackend]) -> list[HealthCheck]:
    """Return a check for each backend; names are unique, also where several entries show one backend."""
    checks: dict[str, HealthCheck] = {}
    for backend in backends:
        name = backend.name if f"backend:{backend.name}" not in checks else f"{backend.name} at {backend.entry.path}"
        check = BackendServes(backend, name)
        checks[check.name] = check
    return list(checks.values())
