"""The `eventsourcing` library's recorder interfaces over our store: synchronous, by a portal thread.

Each insert becomes a command of its own. What the store's port does not have (tracking in the same transaction as
events) is done as the library does it, on one connection: an upsert of the tracking row, then the append function.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
)

from tests.support.appends import REQUEST
from tests.support.postgres import superuser
from warpdrive.adapters.store import append_call
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.embedded.roles import create_database
from warpdrive.adapters.store.event_store import PostgresEventStore, open_event_store
from warpdrive.application.ports.event_store import Append, CommandFacts, ConcurrentWrite, NewEvent, RecordedEvent

TRACK = """
    INSERT INTO public.warpdrive_tracking VALUES ($1, $2)
    ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id
    WHERE warpdrive_tracking.notification_id < excluded.notification_id RETURNING notification_id
"""
PAGE = 500


def _command(events: Sequence[StoredEvent]) -> Append:
    facts = CommandFacts(uuid4(), REQUEST, "library")
    new = [NewEvent(uuid_of(each), each.originator_version, each.topic, each.state) for each in events]
    return Append(facts, new[-1].stream if new else uuid4(), new[-1].version if new else 0, new)


def uuid_of(event: StoredEvent) -> UUID:
    """Return a stored event's stream."""
    assert isinstance(event.originator_id, UUID)
    return event.originator_id


def _notification(event: RecordedEvent) -> Notification:
    return Notification(event.stream, event.version, event.topic, event.state, event.position)


class OurAggregateRecorder(AggregateRecorder):
    """Streams only."""

    def __init__(self, portal: BlockingPortal, store: PostgresEventStore, connection: Any) -> None:
        self.portal = portal
        self.store = store
        self.connection = connection

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append one command. Raises IntegrityError."""
        if stored_events:
            self._append(_command(stored_events))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Read one stream."""

        async def read() -> Sequence[RecordedEvent]:
            assert isinstance(originator_id, UUID)
            return await self.store.stream(originator_id, after_version=-1 if gt is None else gt, to_version=lte)

        events = [StoredEvent(each.stream, each.version, each.topic, each.state) for each in self.portal.call(read)]
        return (events[::-1] if desc else events)[:limit]

    def _append(self, append: Append) -> list[int]:
        async def write() -> list[int]:
            receipt = await self.store.append(append)
            events: list[RecordedEvent] = []
            for stream in {event.stream for event in append.events}:
                events += await self.store.stream(stream, after_version=-1, to_position=receipt.position)
            return sorted(event.position for event in events if event.command_id == append.facts.command_id)

        try:
            return self.portal.call(write)
        except ConcurrentWrite as fault:
            raise IntegrityError(fault.detail) from fault


class OurApplicationRecorder(OurAggregateRecorder, ApplicationRecorder):
    """Streams and the order of all."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append one command and return its positions. Raises IntegrityError."""
        return self._append(_command(stored_events)) if stored_events else []

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Read all streams."""

        async def read() -> list[RecordedEvent]:
            found: list[RecordedEvent] = []
            after = (start or 0) - (1 if inclusive_of_start and start else 0)
            while len(found) < limit:
                page = await self.store.read(after, PAGE if topics else limit - len(found), to=stop)
                if not page:
                    break
                after = page[-1].position
                found += [event for event in page if not topics or event.topic in topics]
            return found[:limit]

        return [_notification(event) for event in self.portal.call(read)]

    def max_notification_id(self) -> int | None:
        """Return the head."""
        return self.portal.call(self.store.head) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Follow all streams."""
        return OurSubscription(self, gt, topics)


class OurSubscription(Subscription[ApplicationRecorder]):
    """Pulls batches out of a subscription of the store."""

    _PATIENCE_S = 5.0

    def __init__(self, recorder: OurApplicationRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._portal = recorder.portal
        self._inner = recorder.portal.wrap_async_context_manager(recorder.store.subscribe(gt or 0))
        self._batches = self._inner.__enter__()
        self._pending: list[Notification] = []

    def stop(self) -> None:
        """Stop once."""
        if not self._has_been_stopped:
            super().stop()
            self._inner.__exit__(None, None, None)

    def __next__(self) -> Notification:
        """Wait for the next event of the topics."""
        while not self._pending and not self._has_been_stopped:
            self._pending = [
                _notification(event)
                for event in self._portal.call(self._next_batch)
                if not self._topics or event.topic in self._topics
            ]
        if self._has_been_stopped:
            raise StopIteration
        return self._pending.pop(0)

    async def _next_batch(self) -> Sequence[RecordedEvent]:
        with anyio.fail_after(self._PATIENCE_S):
            return await anext(self._batches)


class OurProcessRecorder(OurApplicationRecorder, ProcessRecorder):
    """All of it, and tracking."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, tracking: Tracking | None = None, **_: Any
    ) -> Sequence[int] | None:
        """Append, and move a position in the same transaction. Raises IntegrityError."""
        if tracking is None:
            return super().insert_events(stored_events)
        return self.portal.call(self._together, stored_events, tracking)

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move a position. Raises IntegrityError."""
        self.portal.call(self._together, (), tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """Return a position."""

        async def ask() -> int | None:
            found: int | None = await self.connection.fetchval(
                "SELECT notification_id FROM public.warpdrive_tracking WHERE application_name = $1", application_name
            )
            return found

        return self.portal.call(ask)

    async def _together(self, stored_events: Sequence[StoredEvent], tracking: Tracking) -> None:
        async with self.connection.transaction():
            if await self.connection.fetchval(TRACK, tracking.application_name, tracking.notification_id) is None:
                raise IntegrityError(f"{tracking} was passed already")
            if stored_events:
                append = _command(stored_events)
                row = await self.connection.fetchrow(append_call.SQL, 5000, *append_call.arguments([append]))
                if row["outcome"] != "recorded":
                    raise IntegrityError(str(append_call.outcome(append, row)))


@contextmanager
def our_recorders(server: DatabasePlace, template: str) -> Iterator[OurProcessRecorder]:
    """Copy a migrated database, and give a recorder over it; the others are made of its parts."""
    place = replace(server, name=f"test_{uuid4().hex}")

    async def begin() -> Any:
        async with superuser(server) as root:
            await create_database(root, place.name, template=template)
        return await connect(place, Role.APP, application_name="tests")

    async def end() -> None:
        await connection.close()
        async with superuser(server) as root:
            await root.execute(f'DROP DATABASE "{place.name}" WITH (FORCE)')

    with start_blocking_portal() as portal:
        connection = portal.call(begin)
        try:
            with portal.wrap_async_context_manager(open_event_store(place)) as store:
                yield OurProcessRecorder(portal, store, connection)
        finally:
            portal.call(end)
