"""The Quota as a stream of events.

What is known about usage comes from events too, so a replay knows as much as who was there: an observed number that
crosses nothing is kept as `UsageObserved`, and one that is the same as before is no event. Observe after a crawl or
a round of settled leases, not after each write.
"""

from datetime import datetime, timedelta
from typing import Self
from uuid import UUID, uuid5

from eventsourcing.domain import Aggregate

from warpdrive.domain.content.moments import in_utc, moment_text, moment_value
from warpdrive.domain.content.texts import escaped, why_no_word
from warpdrive.domain.quota.errors import (
    InvalidLeasePolicy,
    InvalidLimits,
    InvalidQuotaBackend,
    InvalidUsage,
    QuotaRemoved,
)
from warpdrive.domain.quota.values import (
    LARGEST,
    LONGEST_GRACE,
    LeasePolicy,
    QuotaLimits,
    Standing,
    limit_of,
    standing_of,
)


class Quota(Aggregate):
    """How many bytes a team may hold in one backend, or in all ("*").

    There is one stream per team and backend, for ever: a removed quota is set again in it. Every command takes
    `at`, a moment with a time zone (ValueError without), and raises QuotaRemoved once removed, but for
    `set_limits`.
    """

    TOPIC = "warpdrive.quota:Quota"

    class Event(Aggregate.Event):
        """Something that happened to a quota."""

    class Defined(Event, Aggregate.Created):
        """The team got limits for the backend. The state begins in `Quota.__init__`."""

        TOPIC = "warpdrive.quota:Defined.v1"
        team_id: str
        backend: str
        soft: int
        hard: int
        grace_seconds: int

    Created = Defined
    """The library wants this name on every aggregate, and would make an event of its own otherwise."""

    class LimitsSet(Event):
        """The limits became others, or a removed quota came back with these."""

        TOPIC = "warpdrive.quota:LimitsSet.v1"
        soft: int
        hard: int
        grace_seconds: int

        def apply(self, aggregate: "Quota") -> None:
            """Set the limits; a grace that runs keeps its end."""
            aggregate._limits = [self.soft, self.hard, self.grace_seconds]  # noqa: SLF001 - events are the aggregate's own
            aggregate._removed = False  # noqa: SLF001 - as above

    class LeasePolicySet(Event):
        """How much is promised to a node at once became this."""

        TOPIC = "warpdrive.quota:LeasePolicySet.v1"
        bytes: int
        seconds: int

        def apply(self, aggregate: "Quota") -> None:
            """Set the policy."""
            aggregate._lease = [self.bytes, self.seconds]  # noqa: SLF001 - as above

    class UsageObserved(Event):
        """The team was seen to hold another number of bytes, which began or ended no grace and is no hard crossing."""

        TOPIC = "warpdrive.quota:UsageObserved.v1"
        usage: int

        def apply(self, aggregate: "Quota") -> None:
            """Know the usage."""
            aggregate._usage = self.usage  # noqa: SLF001 - as above

    class SoftLimitCrossed(Event):
        """The team was seen above its soft limit, and its grace began; it ends at `grace_until` (ISO 8601, UTC)."""

        TOPIC = "warpdrive.quota:SoftLimitCrossed.v1"
        usage: int
        limit: int
        grace_until: str

        def apply(self, aggregate: "Quota") -> None:
            """Know the usage and when the grace ends."""
            aggregate._usage = self.usage  # noqa: SLF001 - as above
            aggregate._grace_until = self.grace_until  # noqa: SLF001 - as above

    class HardLimitCrossed(Event):
        """The team was seen above its hard limit."""

        TOPIC = "warpdrive.quota:HardLimitCrossed.v1"
        usage: int
        limit: int

        def apply(self, aggregate: "Quota") -> None:
            """Know the usage."""
            aggregate._usage = self.usage  # noqa: SLF001 - as above

    class Recovered(Event):
        """The team was seen within its soft limit again; a later crossing starts a new grace."""

        TOPIC = "warpdrive.quota:Recovered.v1"
        usage: int

        def apply(self, aggregate: "Quota") -> None:
            """Know the usage and end the grace."""
            aggregate._usage = self.usage  # noqa: SLF001 - as above
            aggregate._grace_until = ""  # noqa: SLF001 - as above

    class LeaseRefused(Event):
        """A node was refused bytes. `usage` counts open leases too; `limit` is what refused (see `limit_at`)."""

        TOPIC = "warpdrive.quota:LeaseRefused.v1"
        node: str
        wanted: int
        usage: int
        limit: int

    class Removed(Event):
        """The team may hold what it likes."""

        TOPIC = "warpdrive.quota:Removed.v1"

        def apply(self, aggregate: "Quota") -> None:
            """Forget usage, grace and lease policy: a quota that comes back knows nothing until somebody counts."""
            aggregate._removed = True  # noqa: SLF001 - as above
            aggregate._usage = None  # noqa: SLF001 - as above
            aggregate._grace_until = ""  # noqa: SLF001 - as above
            aggregate._lease = []  # noqa: SLF001 - as above

    def __init__(self, team_id: str, backend: str, soft: int, hard: int, grace_seconds: int) -> None:
        """Begin the state that `Defined` describes; use `define`, which checks."""
        self._team_id = team_id
        self._backend = backend
        self._limits = [soft, hard, grace_seconds]
        self._lease: list[int] = []
        self._usage: int | None = None
        # Not "" exactly while the last usage known was above the soft limit: so a grace starts once a crossing.
        self._grace_until = ""
        self._removed = False

    @staticmethod
    def id_of(team_id: UUID, backend: str) -> UUID:
        """Name the stream of a team's quota for a backend ("*": for all)."""
        return uuid5(team_id, backend)

    @classmethod
    def define(cls, team_id: UUID, backend: str, limits: QuotaLimits, *, at: datetime) -> Self:
        """Begin the stream with limits. Raises InvalidQuotaBackend, InvalidLimits."""
        reason = why_no_word(backend)
        if reason is not None:
            raise InvalidQuotaBackend(backend, reason)
        _check_limits(limits)
        return cls._create(
            cls.Defined,
            id=cls.id_of(team_id, backend),
            timestamp=in_utc(at),
            team_id=str(team_id),
            backend=backend,
            soft=limits.soft,
            hard=limits.hard,
            grace_seconds=limits.grace_seconds,
        )

    @property
    def team_id(self) -> UUID:
        """Whose bytes are counted."""
        return UUID(self._team_id)

    @property
    def backend(self) -> str:
        """Where they are counted; "*" means everywhere."""
        return self._backend

    @property
    def limits(self) -> QuotaLimits:
        """The limits in bytes; of a removed quota the last ones."""
        return QuotaLimits(*self._limits)

    @property
    def lease_policy(self) -> LeasePolicy | None:
        """How much is promised to a node at once; None leaves it to the control plane."""
        return LeasePolicy(*self._lease) if self._lease else None

    @property
    def usage(self) -> int | None:
        """Bytes held when somebody counted last; None until then."""
        return self._usage

    @property
    def grace_until(self) -> datetime | None:
        """When the grace ends or ended; None while the soft limit is kept."""
        return moment_value(self._grace_until)

    @property
    def removed(self) -> bool:
        """Nothing is limited until limits are set again."""
        return self._removed

    def standing(self, at: datetime) -> Standing:
        """Tell where the team stands at a moment, by the usage known."""
        return standing_of(
            in_utc(at), removed=self._removed, usage=self._usage, hard=self.limits.hard, grace_until=self.grace_until
        )

    def limit_at(self, at: datetime) -> int:
        """Give the bytes above which leases are refused: the hard limit, or the soft one once its grace ended."""
        limits = self.limits
        return limit_of(in_utc(at), soft=limits.soft, hard=limits.hard, grace_until=self.grace_until)

    def set_limits(self, limits: QuotaLimits, *, at: datetime) -> None:
        """Give the quota these limits, also when it was removed, and judge the last usage known by them.

        Nothing happens if they are the same. Raises InvalidLimits.
        """
        _check_limits(limits)
        if limits == self.limits and not self._removed:
            return
        exceeded = self._exceeded()
        self.trigger_event(
            self.LimitsSet,
            timestamp=in_utc(at),
            soft=limits.soft,
            hard=limits.hard,
            grace_seconds=limits.grace_seconds,
        )
        if self._usage is not None:
            self._judge(self._usage, exceeded=exceeded, at=at)

    def set_lease_policy(self, policy: LeasePolicy, *, at: datetime) -> None:
        """Decide how much is promised to a node at once. Raises InvalidLeasePolicy."""
        self._must_stand()
        if not (0 < policy.bytes <= LARGEST and 0 < policy.seconds <= LONGEST_GRACE):
            raise InvalidLeasePolicy(policy.bytes, policy.seconds)
        if policy != self.lease_policy:
            self.trigger_event(self.LeasePolicySet, timestamp=in_utc(at), bytes=policy.bytes, seconds=policy.seconds)

    def observe_usage(self, usage: int, *, at: datetime) -> None:
        """Tell how many bytes the team holds now; nothing happens if that is known. Raises InvalidUsage."""
        self._must_stand()
        _check_usage("usage", usage)
        self._judge(usage, exceeded=self._exceeded(), at=at)

    def refuse_lease(self, node: str, wanted: int, usage: int, *, at: datetime) -> None:
        """Keep that a node was refused `wanted` bytes when `usage` bytes were held or promised.

        Raises InvalidUsage.
        """
        self._must_stand()
        _check_usage("wanted", wanted)
        _check_usage("usage", usage)
        self.trigger_event(
            self.LeaseRefused,
            timestamp=in_utc(at),
            node=escaped(node),
            wanted=wanted,
            usage=usage,
            limit=self.limit_at(at),
        )

    def remove(self, *, at: datetime) -> None:
        """Limit nothing from now on."""
        self._must_stand()
        self.trigger_event(self.Removed, timestamp=in_utc(at))

    def _judge(self, usage: int, *, exceeded: bool, at: datetime) -> None:
        """Say what the usage crosses; `exceeded` tells whether the hard limit was crossed before."""
        limits = self.limits
        if usage > limits.soft and not self._grace_until:
            grace_until = moment_text(in_utc(at) + timedelta(seconds=limits.grace_seconds))
            self.trigger_event(
                self.SoftLimitCrossed, timestamp=in_utc(at), usage=usage, limit=limits.soft, grace_until=grace_until
            )
        if usage <= limits.soft and self._grace_until:
            self.trigger_event(self.Recovered, timestamp=in_utc(at), usage=usage)
        if usage > limits.hard and not exceeded:
            self.trigger_event(self.HardLimitCrossed, timestamp=in_utc(at), usage=usage, limit=limits.hard)
        if usage != self._usage:
            self.trigger_event(self.UsageObserved, timestamp=in_utc(at), usage=usage)

    def _exceeded(self) -> bool:
        return self._usage is not None and self._usage > self.limits.hard

    def _must_stand(self) -> None:
        if self._removed:
            raise QuotaRemoved(self._team_id, self._backend)


def _check_limits(limits: QuotaLimits) -> None:
    if not (0 <= limits.soft <= limits.hard <= LARGEST and 0 <= limits.grace_seconds <= LONGEST_GRACE):
        raise InvalidLimits(limits.soft, limits.hard, limits.grace_seconds)


def _check_usage(field: str, value: int) -> None:
    if not 0 <= value <= LARGEST:
        raise InvalidUsage(field, value)
