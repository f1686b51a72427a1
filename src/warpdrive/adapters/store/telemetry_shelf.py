"""`TelemetryShelf` on PostgreSQL: partitions are dropped by functions of their owner, rows of other tables deleted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Final

from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.running_alone import running_alone
from warpdrive.application.ports.telemetry_shelf import TelemetryKeeper

_KEEPER: Final = int.from_bytes(b"warpkeep", "big")
"""Number of the advisory lock."""

# The archive has a day when it has as many records as were counted: late ones reach it by and by.
_DAYS: Final = """
    SELECT part.day FROM (
        SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'telemetry.records'::regclass
    ) AS part
    WHERE part.day < $1 AND (NOT $2 OR EXISTS (
        SELECT FROM telemetry.archives AS a WHERE a.day = part.day
            AND a.records >= (SELECT coalesce(sum(s.records), 0) FROM telemetry.activity AS s WHERE s.day = part.day)
    ))
    ORDER BY part.day
"""
_MONTHS: Final = """
    SELECT month FROM (
        SELECT to_date(right(c.relname, 6), 'YYYYMM') AS month FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'telemetry.rollups'::regclass
    ) AS part
    WHERE month + interval '1 month' <= $1::date ORDER BY month
"""
_COUNTED: Final = (
    "DELETE FROM telemetry.activity WHERE day < $1",
    "DELETE FROM telemetry.coverage WHERE day < $1",
    "DELETE FROM telemetry.presence WHERE day < $1",
)


class PostgresTelemetryShelf:
    """See the port. `questions`: on a pool that others may share."""

    def __init__(self, place: DatabasePlace, questions: Questions) -> None:
        self._place = place
        self._questions = questions

    @asynccontextmanager
    async def sole(self) -> AsyncIterator[TelemetryKeeper | None]:
        """See the port."""
        async with running_alone(self._place, _KEEPER, "warpdrive retention") as alone:
            yield _Keeper(self._questions) if alone else None


class _Keeper:
    """See `TelemetryKeeper`."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def make_room(self, day: date) -> None:
        await self._questions.do("SELECT public.warpdrive_telemetry_day($1)", day)

    async def days(self, *, before: date, archived_only: bool) -> Sequence[date]:
        return [day for (day,) in await self._questions.rows(_DAYS, before, archived_only)]

    async def drop_day(self, day: date) -> bool:
        return bool(await self._questions.value("SELECT public.warpdrive_telemetry_drop_day($1)", day))

    async def drop_sums(self, *, before: date) -> int:
        dropped = 0
        for (month,) in await self._questions.rows(_MONTHS, before):
            dropped += bool(await self._questions.value("SELECT public.warpdrive_telemetry_drop_month($1)", month))
        for statement in _COUNTED:
            await self._questions.do(statement, before)
        return dropped

    async def forget_batches(self, *, before: datetime) -> None:
        await self._questions.do("DELETE FROM telemetry.batches WHERE received_at < $1", before)
