"""Leases: bytes promised to nodes that are about to write, so that nobody asks about each write.

What is granted is never more than a quota has left after what was counted, what was written since, and what is
promised already. So a limit is overshot by no more than nodes write beyond their leases or after their end; the sum of
open leases bounds what can come without another question.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid5

from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.commands import Commands, Decision
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.owners import Owners
from warpdrive.application.control.quotas import Quotas
from warpdrive.application.control.views import QuotaView
from warpdrive.application.ports.lease_books import Grant, Lease, LeaseBooks, LeaseWish, QuotaName
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.projections.codec import UnknownTopic, UnreadableEvent
from warpdrive.domain.content.texts import ANY
from warpdrive.domain.governance.splitting import split
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.errors import QuotaRefused, QuotaRemoved
from warpdrive.domain.quota.leasing import Claim, Holding, granted, policy_of, warned
from warpdrive.domain.quota.values import LARGEST, LeasePolicy, limit_of

log = logging.getLogger(__name__)

_ONCE: Final = 60
"""Seconds: a quota's refusals of one node are told once in each such stretch of time."""


@dataclass(frozen=True, slots=True)
class LeaseView:
    """A lease; `teams` by name. `state`: open, settled or expired."""

    id: str
    node: str
    backend: str
    teams: tuple[str, ...]
    bytes: int
    settled_bytes: int
    granted_at: datetime
    expires_at: datetime
    state: str
    warned: bool


@dataclass(frozen=True, slots=True)
class OpenLeases:
    """Leases that are open, and the sum of their bytes."""

    leases: tuple[LeaseView, ...]
    bytes: int


class Leases:
    """Use cases of leases. All raise what the store does."""

    def __init__(
        self, books: LeaseBooks, owners: Owners, quotas: Quotas, commands: Commands, models: ReadModels
    ) -> None:
        self._books = books
        self._owners = owners
        self._quotas = quotas
        self._commands = commands
        self._models = models
        self._told: set[UUID] = set()
        """Refusals that are events already, of the present stretch of time only."""
        self._stretch = 0

    async def acquire(self, call: Call, node: str, *, backend: str, key: str, wanted: int) -> Done[LeaseView]:
        """Promise a node up to `wanted` bytes (0: what the policy gives) for a key or prefix of a backend.

        What is granted may be less, see `granted`. Every owner's quota of the backend and of all backends has to agree
        to the owner's share. A quota of which nobody has counted the usage refuses only what does not fit by itself. A
        repeated call has its first lease. Raises QuotaRefused, Malformed, NotFound (the backend), PermissionDenied.
        """
        if wanted < 0:
            raise Malformed("bytes", "must be 0 or more")
        position = await self._models.position()
        mine = await self._owners.of(call.principal, backend, key)
        rows = await self._asked(mine.owners, mine.backend)
        names = await self._names({row["team_id"] for row in rows})

        def decide(holdings: Mapping[str, Holding]) -> Grant:
            claims = {row["id"]: _claim(row, names, holdings[row["id"]], call.at) for row in rows}
            policy = policy_of([_policy(row) for row in rows])
            size = granted(wanted, policy, list(claims.values()), sharers=max(1, len(mine.owners)))
            parts = split(size, mine.owners) if mine.owners else {}
            shares = {row["id"]: parts[row["team_id"]] for row in rows}
            above = any(warned(shares[quota], claim) for quota, claim in claims.items())
            return Grant(size, policy.seconds, warned=above, shares=shares)

        wish = LeaseWish(call.command_id, call.request_hash, node, mine.backend, mine.place, mine.owners, call.at)
        quotas = [QuotaName(row["id"], row["team_id"], row["backend"]) for row in rows]
        try:
            lease = await self._books.grant(wish, quotas, decide)
        except QuotaRefused as refusal:
            await self._tell(call, node, refusal, rows, names)
            raise
        return Done(_view(lease, names, call.at), position)

    async def settle(self, call: Call, node: str, lease: UUID, *, used: int) -> Done[LeaseView]:
        """Write down how many bytes of a lease a node has written, and give the rest back.

        More than was promised is counted too, and so is what comes after the lease's end. A repetition has the first
        answer. Raises Malformed, NotFound: the node has no such lease, or it ended more than a day ago.
        """
        if not 0 <= used <= LARGEST:
            raise Malformed("used_bytes", "must be 0 or more")
        position = await self._models.position()
        settled = await self._books.settle(lease, node, used, call.at)
        if settled is None:
            raise NotFound("lease", str(lease))
        return Done(_view(settled, await self._names(settled.teams), call.at), position)

    async def open(self, call: Call, *, team: str, backend: str) -> Done[OpenLeases]:
        """Show open leases, of one team or backend if given: their sum is all that can come without another question.

        Raises NotFound (the team).
        """
        position = await self._models.position()
        wanted = str(await self._quotas.team_id(team)) if team else ""
        leases = [
            lease
            for lease in await self._books.open(call.at)
            if (not wanted or wanted in lease.teams) and backend in {"", lease.backend}
        ]
        names = await self._names({each for lease in leases for each in lease.teams})
        views = tuple(_view(lease, names, call.at) for lease in leases)
        return Done(OpenLeases(views, sum(view.bytes for view in views)), position)

    async def set_policy(self, call: Call, team: str, backend: str, policy: LeasePolicy) -> Done[QuotaView]:
        """Decide how much a quota promises at once, and for how long. Raises NotFound, InvalidLeasePolicy."""
        return await self._quotas.set_lease_policy(call, team, backend, policy)

    async def _asked(self, owners: Sequence[str], backend: str) -> Sequence[Mapping[str, Any]]:
        if not owners:
            return ()
        where = {"team_id": list(owners), "backend": [backend, ANY], "removed": False}
        return await self._models.rows("quotas", where=where, order=("team_id", "backend"))

    async def _names(self, teams: Collection[str]) -> Mapping[str, str]:
        if not teams:
            return {}
        rows = await self._models.rows("teams", where={"id": sorted(teams)}, order=("id",))
        return {row["id"]: row["name"] for row in rows}

    async def _tell(
        self,
        call: Call,
        node: str,
        refusal: QuotaRefused,
        rows: Sequence[Mapping[str, Any]],
        names: Mapping[str, str],
    ) -> None:
        """Write the refusal into the quota's stream, once a minute for each quota and node.

        A node that is refused asks again and again, and the stream is kept for ever. The command's id is made of the
        quota, the node and the minute, so that one is recorded whichever control plane refuses; what this process has
        told in the present minute it does not even ask about.
        """
        quota = next(
            UUID(row["id"])
            for row in rows
            if (_name(row["team_id"], names), row["backend"]) == (refusal.team, refusal.backend)
        )
        stretch = int(call.at.timestamp()) // _ONCE
        if stretch != self._stretch:
            self._stretch = stretch
            self._told.clear()
        command = uuid5(quota, f"refused|{stretch}|{node}")
        if command in self._told:
            return
        telling = Call(call.principal, command, sha256(command.bytes).digest(), call.correlation_id, call.at)

        async def locate() -> UUID:
            return quota

        def decide(found: Quota | None) -> Decision[Quota]:
            if found is None:
                raise NotFound("quota", str(quota))
            found.refuse_lease(node, refusal.wanted, min(LARGEST, refusal.usage + refusal.open), at=call.at)
            return Decision(found)

        try:
            await self._commands.change(Quota, telling, locate, decide, lambda _: None)
        except QuotaRemoved:
            return  # in this very moment; the next call is limited by it no longer
        except (UnknownTopic, UnreadableEvent) as fault:
            # Newer software's, in the middle of an upgrade: the node is refused all the same.
            log.error("a refused lease of %s is not in the record of quota %s: %s", node, quota, fault)  # noqa: TRY400 - the fault says it all
            return
        self._told.add(command)


def _claim(row: Mapping[str, Any], names: Mapping[str, str], holding: Holding, at: datetime) -> Claim:
    limit = limit_of(at, soft=row["soft"], hard=row["hard"], grace_until=row["grace_until"])
    return Claim(_name(row["team_id"], names), row["backend"], row["soft"], limit, holding)


def _policy(row: Mapping[str, Any]) -> LeasePolicy | None:
    return None if row["lease_bytes"] is None else LeasePolicy(row["lease_bytes"], row["lease_seconds"])


def _name(team: str, names: Mapping[str, str]) -> str:
    return names.get(team, team)


def _view(lease: Lease, names: Mapping[str, str], at: datetime) -> LeaseView:
    state = "settled" if lease.settled_at is not None else "open" if lease.expires_at > at else "expired"
    return LeaseView(
        id=str(lease.id),
        node=lease.node,
        backend=lease.backend,
        teams=tuple(sorted(_name(team, names) for team in lease.teams)),
        bytes=lease.bytes,
        settled_bytes=lease.settled_bytes,
        granted_at=lease.granted_at,
        expires_at=lease.expires_at,
        state=state,
        warned=lease.warned,
    )
