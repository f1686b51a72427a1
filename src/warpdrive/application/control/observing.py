"""The observer: tells each quota what its team holds, whenever that may have changed.

Usage is what the last complete crawl counted for the team, by the owner basis and split like every answer about usage,
and what was written on leases since that crawl began. It is unknown until a crawl of the backend has completed; for a
quota on all backends until one of any has, and what was never crawled counts as nothing there.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NoReturn
from uuid import UUID, uuid5

import anyio

from warpdrive.application.control.calls import Call, Principal
from warpdrive.application.control.commands import Commands, Decision
from warpdrive.application.control.errors import NotFound
from warpdrive.application.control.quotas import quota_view
from warpdrive.application.control.views import QuotaView
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.event_store import EventStoreError
from warpdrive.application.ports.lease_books import QuotaName, UsageBooks
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.projections.codec import UnknownTopic, UnreadableEvent
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.errors import QuotaRemoved
from warpdrive.domain.quota.values import LARGEST
from warpdrive.domain.token.values import Role

log = logging.getLogger(__name__)

ACTOR: Final = "system:quota-observer"

LOOK_S: Final = 1.0
"""Between looks at whether anything has changed, and questions for the lock while another process observes."""
_ROUND_S: Final = 60.0
"""A round is made so often even when nothing seems to have changed; old leases are forgotten then."""
_LONGEST_PAUSE_S: Final = 5.0
"""Before trying again after a fault, doubling from LOOK_S."""
_KEPT: Final = timedelta(days=1)
"""How long leases are kept that have ended: to be settled late, and to answer repetitions."""


class QuotaObserver:
    """Observes whenever no other process does."""

    def __init__(
        self, books: UsageBooks, models: ReadModels, commands: Commands, clock: Clock, *, look_s: float = LOOK_S
    ) -> None:
        self._books = books
        self._models = models
        self._commands = commands
        self._clock = clock
        self._look_s = look_s
        self._principal = Principal(ACTOR, Role.ADMIN)

    async def run(self) -> NoReturn:
        """Observe until cancelled, which takes effect within a second."""
        pause = self._look_s
        while True:
            try:
                async with self._books.observing() as alone:
                    if alone:
                        log.info("this process observes quotas")
                        await self._follow()
                pause = self._look_s
            except EventStoreError as fault:
                log.warning("the quota observer begins again: %s", fault)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            await anyio.sleep(pause)

    async def observe(self) -> int:
        """Count, and tell every quota whose usage became another one; returns how many were told."""
        await self._books.recount()
        rows = await self._models.rows("quotas", where={"removed": False}, order=("id",))
        teams = {row["id"]: row for row in await self._models.rows("teams", where={"disbanded": False}, order=("id",))}
        lasting = [row for row in rows if row["team_id"] in teams]
        quotas = [QuotaName(row["id"], row["team_id"], row["backend"]) for row in lasting]
        holdings = await self._books.holdings(quotas, self._now())
        told = 0
        for row in lasting:
            held = holdings[row["id"]].held
            if held is not None and min(held, LARGEST) != row["usage"]:
                await self._tell(row, min(held, LARGEST), teams[row["team_id"]]["name"])
                told += 1
        return told

    async def _follow(self) -> NoReturn:
        last, due = "", 0.0
        while True:
            mark = f"{await self._books.mark()} {await self._models.position()}"
            if mark != last or self._clock.monotonic() >= due:
                if self._clock.monotonic() >= due:
                    await self._books.prune(self._now() - _KEPT)
                    due = self._clock.monotonic() + _ROUND_S
                await self.observe()
                last = mark
            await anyio.sleep(self._look_s)

    async def _tell(self, row: Mapping[str, Any], usage: int, team: str) -> None:
        """Tell one quota. The version that was looked at is in the command's id: a repetition changes nothing."""
        quota = UUID(row["id"])
        command = uuid5(quota, f"observed|{row['version']}|{usage}")
        at = self._now()
        call = Call(self._principal, command, sha256(command.bytes).digest(), ACTOR, at)

        async def locate() -> UUID:
            return quota

        def decide(found: Quota | None) -> Decision[Quota]:
            if found is None:
                raise NotFound("quota", row["id"])
            found.observe_usage(usage, at=at)
            return Decision(found)

        try:
            done = await self._commands.change(Quota, call, locate, decide, lambda found: quota_view(found, team, at))
        except QuotaRemoved:
            return  # since the rows were read
        except (UnknownTopic, UnreadableEvent) as fault:
            # Newer software's, in the middle of an upgrade: other quotas are told all the same.
            log.error("quota %s cannot be told its usage: %s", row["id"], fault)  # noqa: TRY400 - the fault says it all
            return
        if not done.repeated:
            _report(row, done.value)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)


def _report(before: Mapping[str, Any], after: QuotaView) -> None:
    """Log a crossing for who reads logs; everybody else hears of it by the event and the watch stream."""
    usage = after.usage or 0
    what = (after.team, after.backend, usage)
    if usage > after.hard and (before["usage"] or 0) <= before["hard"]:
        log.warning("team %s is over its hard limit on backend %s: %d bytes of %d", *what, after.hard)
    elif after.grace_until is not None and before["grace_until"] is None:
        until = after.grace_until.isoformat()
        log.warning(
            "team %s is over its soft limit on backend %s: %d bytes of %d, tolerated until %s", *what, after.soft, until
        )
    elif after.grace_until is None and before["grace_until"] is not None:
        log.info("team %s is within its limits on backend %s again: %d bytes", *what)
