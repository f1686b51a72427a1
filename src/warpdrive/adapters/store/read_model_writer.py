"""The read models, written: steps of the one runner, and rebuilds beside the live tables.

Who runs holds an advisory lock on the very connection that its steps go over: when that is lost, the lock is free and
none of its steps can come through any more. Every step takes its tracking row first. So a swap, which takes the row
too, never comes between a step's look at the position and its rows; and a statement after that sees the tables that
bear the names then.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import asyncpg
import structlog

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, hang_up
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.adapters.store.read_models import POSITION
from warpdrive.adapters.store.row_statements import (
    BESIDE,
    LIVE,
    as_records,
    known_keys,
    patch,
    removal,
    upsert,
)
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.application.ports.read_models import (
    PatchRow,
    ProjectionConflict,
    ProjectionTarget,
    PutRow,
    RebuildUnderWay,
    RemoveRow,
    RowChange,
    RowMissing,
)
from warpdrive.application.projections.net_changes import net_changes
from warpdrive.application.projections.tables import TABLES, Table

_RUNNER: Final = int.from_bytes(b"warpproj", "big")
_REBUILDER: Final = int.from_bytes(b"warprebu", "big")
"""Numbers of the advisory locks: bytes that nobody else picks by chance."""

_CLOSE_PATIENCE_S: Final = 0.5

_MOVE: Final = """
    INSERT INTO public.warpdrive_tracking AS tracking (application_name, notification_id) VALUES ($1, $2)
    ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id
        WHERE tracking.notification_id < excluded.notification_id
            AND ($3::bigint IS NULL OR tracking.notification_id = $3)
    RETURNING notification_id
"""

_HOLD: Final = "SELECT 1 FROM public.warpdrive_tracking WHERE application_name = $1 FOR UPDATE"
"""Keeps the live tables' steps waiting until the transaction ends."""

_log = structlog.get_logger(__name__)


class PostgresReadModelWriter:
    """`ReadModelWriter`: each runner and each rebuild has a connection of its own."""

    def __init__(self, place: DatabasePlace) -> None:
        self._place = place

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ProjectionTarget | None]:
        """See the port."""
        async with self._connection("warpdrive projector") as connection:
            if not await self._locked(connection, _RUNNER):
                yield None
                return
            with anyio.CancelScope() as scope:

                def lost(_: object) -> None:
                    scope.cancel()

                connection.add_termination_listener(lost)
                yield _Tables(connection, LIVE)
                connection.remove_termination_listener(lost)
            if scope.cancelled_caught:
                raise StoreUnavailable("the runner's connection was lost, and its lock with it")

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator[ProjectionTarget]:
        """See the port."""
        async with self._connection("warpdrive rebuild") as connection:
            if not await self._locked(connection, _REBUILDER):
                raise RebuildUnderWay("another rebuild has not ended yet")
            with told_as_store_errors():
                await connection.execute("SELECT public.warpdrive_begin_rebuild()")
            try:
                yield _Tables(connection, BESIDE)
            finally:
                await self._clear(connection)

    async def swap_in(self, rebuilt: ProjectionTarget, catch_up: Callable[[], Awaitable[object]]) -> None:
        """See the port."""
        assert isinstance(rebuilt, _Tables), "only what `rebuilding` gave can be swapped in"
        await rebuilt.swap_in(catch_up)

    @asynccontextmanager
    async def _connection(self, name: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        with told_as_store_errors():
            connection = await connect(
                self._place,
                Role.APP,
                application_name=name,
                # Seconds and tries: a runner whose machine vanished keeps its lock for no longer than this.
                tcp_keepalives_idle="5",
                tcp_keepalives_interval="1",
                tcp_keepalives_count="3",
            )
        try:
            yield connection
        finally:
            await hang_up(connection, patience_s=_CLOSE_PATIENCE_S)

    async def _locked(self, connection: "asyncpg.Connection[asyncpg.Record]", lock: int) -> bool:
        with told_as_store_errors():
            return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock))

    async def _clear(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Drop what is left over. What cannot be dropped now is in nobody's way, and the next rebuild drops it."""
        with anyio.move_on_after(_CLOSE_PATIENCE_S, shield=True) as patience:
            try:
                with told_as_store_errors():
                    await connection.execute("SELECT public.warpdrive_clear_rebuild()")
            except StoreUnavailable as fault:
                _log.warning("tables of a rebuild are left for the next one to drop", fault=str(fault))
        if patience.cancelled_caught:
            _log.warning("tables of a rebuild are left for the next one to drop", fault="somebody still reads them")


class _Tables:
    """`ProjectionTarget`: one schema's tables, over one connection."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", schema: str) -> None:
        self._connection = connection
        self._schema = schema
        # None before the first look.
        self._seen: int | None = None

    async def position(self) -> int:
        with told_as_store_errors():
            self._seen = int(await self._connection.fetchval(POSITION, self._schema) or 0)
        return self._seen

    async def apply(self, changes: Sequence[RowChange], *, position: int) -> None:
        net = net_changes(changes)
        with told_as_store_errors():
            async with self._connection.transaction():
                if await self._connection.fetchval(_MOVE, self._schema, position, self._seen) is None:
                    raise ProjectionConflict(f"a step to position {position} was applied already")
                await self._write(net)
        self._seen = position

    async def swap_in(self, catch_up: Callable[[], Awaitable[object]]) -> None:
        assert self._schema == BESIDE, "live tables are where they belong"
        with told_as_store_errors():
            async with self._connection.transaction():
                await self._connection.execute(_HOLD, LIVE)
                await catch_up()
                if not await self._connection.fetchval("SELECT public.warpdrive_swap_rebuilt()"):
                    raise ProjectionConflict("the rebuilt tables are behind the live ones")

    async def _write(self, net: Sequence[RowChange]) -> None:
        """Write changes of which none concerns the same row as another, a statement for all that are alike."""
        for name, rows in _grouped((each.table, each.row) for each in net if isinstance(each, PutRow)).items():
            await self._connection.execute(upsert(self._schema, TABLES[name]), as_records(rows))
        patches = [each for each in net if isinstance(each, PatchRow)]
        for (name, *columns), alike in _grouped(
            ((each.table, *sorted(each.changes)), each) for each in patches
        ).items():
            await self._patch(TABLES[name], columns, alike)
        for name, keys in _grouped((each.table, each.key) for each in net if isinstance(each, RemoveRow)).items():
            await self._connection.execute(removal(self._schema, TABLES[name]), as_records(keys))

    async def _patch(self, table: Table, columns: Sequence[str], patches: Sequence[PatchRow]) -> None:
        records = as_records({**each.key, **each.changes} for each in patches)
        status = await self._connection.execute(patch(self._schema, table, columns), records)
        if int(status.rpartition(" ")[2]) == len(patches):
            return
        found = await self._connection.fetch(known_keys(self._schema, table), records)
        known = {tuple(record.values()) for record in found}
        missing = next(each.key for each in patches if tuple(each.key[column] for column in table.key) not in known)
        raise RowMissing(table.name, missing)


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> Mapping[Any, list[Any]]:
    """Gather what has the same first half, in the order of first appearance."""
    groups: dict[Any, list[Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
