"""The one place where anything is tried again: exponential back-off with full jitter and a deadline.

Only faults that an adapter called transient are retried, and only where trying again cannot do harm:

- `stat`, `list_page`, `read_range`: always. A read goes on at the first byte not yet announced, under the
  version that the first attempt saw, so a retry never repeats bytes and never mixes two versions.
- `copy` without a version, `delete` without a version: always (the second attempt of a delete whose first
  reply was lost finds nothing: that is success).
- `write` without a precondition: when the body can be read again, which is what an AsyncIterable that is
  not an AsyncIterator says (each `aiter()` starts anew; a generator cannot).
- Conditional `write`, `copy`, `delete`: after Throttled only, which says that the server did nothing. After
  any other fault the outcome is unknown (the reply may have been lost after the deed, and a second attempt
  would then lose against the first), so the fault is raised, its words say so, and the caller looks. A body
  that has been touched and cannot be read again is never sent again either.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.adapters.blob.patience import Patience
from warpdrive.application.ports.errors import (
    BackendError,
    DeadlineExceeded,
    ObjectNotFound,
    ShortBody,
    Throttled,
)
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion

Answer = TypeVar("Answer")


class RetryingStore(ForwardingStore):
    """Raises DeadlineExceeded, with the last fault's words, when `deadline_s` leaves no room for a retry.

    An attempt under way is never cut by the deadline while it moves; `watching` ends one that does not.
    """

    def __init__(self, inner: ObjectStore, patience: Patience) -> None:
        super().__init__(inner)
        self._patience = patience
        self._gave_up_at: float | None = None
        """When an operation last used up its deadline; None since anything has succeeded."""

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        return await self._repeat(f"stat {key!r}", lambda: self.inner.stat(key))

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page."""
        return await self._repeat(
            f"list {prefix!r}",
            lambda: self.inner.list_page(prefix, cursor=cursor, limit=limit, recursive=recursive),
        )

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Fill `into`, resuming after a fault at the first byte that is not there yet."""
        progress = _Progress(version, sink)
        budget: _Budget | None = None
        began = self._patience.monotonic()
        while True:
            done = progress.filled
            progress.base = done
            rest = into[done:] if done else into
            try:
                info = await self.inner.read_range(key, offset + done, rest, version=progress.version, sink=progress)
            except BackendError as fault:
                if not fault.transient:
                    raise
                if isinstance(fault, ShortBody):
                    progress.advanced(fault.received)
                if progress.info is not None and progress.filled == len(into):
                    return progress.info  # the fault came after the last byte
                budget = budget or self._budget(began, f"read {key!r} at {offset}")
                if progress.filled > done:
                    budget.moved()
                await budget.spend(fault)
            else:
                self._gave_up_at = None
                return info

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Publish `body`; retried as the module says."""

        def attempt() -> Awaitable[ObjectInfo]:
            return self.inner.write(key, body, size=size, precondition=precondition, metadata=metadata)

        if isinstance(body, AsyncIterator):
            return await attempt()
        if precondition is not None:
            return await self._repeat(f"write {key!r}", attempt, only=Throttled)
        return await self._repeat(f"write {key!r}", attempt)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy within the backend; with `version` a pinned source makes the second attempt the same deed."""
        return await self._repeat(f"copy {source!r}", lambda: self.inner.copy(source, target, version=version))

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object; retried as the module says."""
        if version is not None:
            await self._repeat(f"delete {key!r}", lambda: self.inner.delete(key, version=version), only=Throttled)
            return
        lost_reply = False

        async def attempt() -> None:
            nonlocal lost_reply
            try:
                await self.inner.delete(key)
            except ObjectNotFound:
                if not lost_reply:
                    raise
            except BackendError as fault:
                lost_reply = lost_reply or (fault.transient and not isinstance(fault, Throttled))
                raise

        await self._repeat(f"delete {key!r}", attempt)

    async def _repeat(
        self,
        what: str,
        attempt: Callable[[], Awaitable[Answer]],
        *,
        only: type[BackendError] = BackendError,
    ) -> Answer:
        began = self._patience.monotonic()
        budget: _Budget | None = None
        while True:
            try:
                answer = await attempt()
            except BackendError as fault:
                if not fault.transient:
                    raise
                if not isinstance(fault, only):
                    fault.add_note(f"{what}: the outcome is unknown, the reply was lost")
                    raise
                budget = budget or self._budget(began, what)
                await budget.spend(fault)
            else:
                self._gave_up_at = None
                return answer

    def _budget(self, began: float, what: str) -> "_Budget":
        patience = self._patience
        weary = self._gave_up_at is not None and patience.monotonic() - self._gave_up_at < patience.weary_s
        return _Budget(patience, began, what, 0.0 if weary else patience.deadline_s, self._give_up)

    def _give_up(self, *, exhausted: bool) -> None:
        if exhausted:  # what a weary attempt adds is no news, and must not prolong the weariness
            self._gave_up_at = self._patience.monotonic()


class _GiveUp(Protocol):
    def __call__(self, *, exhausted: bool) -> None: ...


class _Budget:
    """The time one operation may spend on trying again. Made at the first fault: success costs nothing."""

    def __init__(self, patience: Patience, began: float, what: str, deadline_s: float, give_up: "_GiveUp") -> None:
        self._patience = patience
        self._began = began
        self._what = what
        self._deadline_s = deadline_s
        self._give_up = give_up
        self._attempt = 0
        self._faults = 0

    def moved(self) -> None:
        """The last attempt brought something: back off from the start again."""
        self._attempt = 0

    async def spend(self, fault: BackendError) -> None:
        """Wait before the next attempt. Raises DeadlineExceeded when that would begin past the deadline."""
        self._faults += 1
        delay = self._patience.backoff(self._attempt)
        self._attempt += 1
        if isinstance(fault, Throttled) and fault.retry_after is not None:
            # Never sooner than asked; the jitter on top keeps a thousand nodes from coming back at once.
            delay += max(0.0, fault.retry_after)
        elapsed = self._patience.monotonic() - self._began
        if elapsed + delay > self._deadline_s:
            self._give_up(exhausted=self._deadline_s > 0)
            raise DeadlineExceeded(
                f"{self._what}: gave up after {self._faults} attempts and {elapsed:.1f} s "
                f"of {self._deadline_s:g} s; last: {fault.kind}: {fault.detail}"
            ) from fault
        await self._patience.sleep(delay)


class _Progress:
    """The caller's sink, seen by an attempt that fills only the rest of the buffer."""

    __slots__ = ("_sink", "base", "filled", "info", "version")

    def __init__(self, version: ObjectVersion | None, sink: BodySink | None) -> None:
        self._sink = sink
        self.version = version
        self.info: ObjectInfo | None = None
        self.base = 0
        self.filled = 0

    def started(self, info: ObjectInfo) -> None:
        self.info = info
        if self.version is None:
            self.version = info.version
        if self._sink is not None:
            self._sink.started(info)

    def advanced(self, filled: int) -> None:
        reached = self.base + filled
        if reached > self.filled:
            self.filled = reached
            if self._sink is not None:
                self._sink.advanced(reached)
