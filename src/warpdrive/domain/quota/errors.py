"""What a Quota refuses, as facts with fields. All are permanent: the same command fails again."""

from warpdrive.domain.quota.values import LARGEST, LONGEST_GRACE


class QuotaError(Exception):
    """Base of every refusal of a Quota."""


class InvalidLimits(QuotaError):
    """Raised when limits are not 0 <= soft <= hard in 64 bits, or the grace is negative or beyond ten years."""

    def __init__(self, soft: int, hard: int, grace_seconds: int) -> None:
        super().__init__(
            f"limits must be 0 <= soft <= hard <= {LARGEST} with a grace of 0 to {LONGEST_GRACE} seconds, "
            f"not soft {soft}, hard {hard}, grace {grace_seconds}"
        )
        self.soft = soft
        self.hard = hard
        self.grace_seconds = grace_seconds


class InvalidLeasePolicy(QuotaError):
    """Raised when a lease would promise nothing, more than 64 bits hold, or end at once."""

    def __init__(self, size: int, seconds: int) -> None:
        super().__init__(
            f"a lease must be of 1 to {LARGEST} bytes for 1 to {LONGEST_GRACE} seconds, not {size} for {seconds}"
        )
        self.size = size
        self.seconds = seconds


class InvalidUsage(QuotaError):
    """Raised when a number of bytes that were counted or wanted is negative or beyond 64 bits."""

    def __init__(self, field: str, value: int) -> None:
        super().__init__(f"{field} must be 0 to {LARGEST} bytes, not {value}")
        self.field = field
        self.value = value


class InvalidQuotaBackend(QuotaError):
    """Raised when a quota is for a backend whose name is none (see `reason`)."""

    def __init__(self, backend: str, reason: str) -> None:
        super().__init__(f"quota's backend {backend!r} {reason}")
        self.backend = backend
        self.reason = reason


class QuotaRemoved(QuotaError):
    """Raised when a removed quota is asked for anything but new limits."""

    def __init__(self, team_id: str, backend: str) -> None:
        super().__init__(f"the quota of team {team_id} for backend {backend!r} is removed")
        self.team_id = team_id
        self.backend = backend


class QuotaRefused(QuotaError):
    """Raised when a lease would not fit below a limit. Nothing was promised; it passes when the team makes room.

    In bytes: `wanted` of this quota, `usage` counted and written since, `open` promised to nodes, `limit` what refuses.
    """

    def __init__(self, team: str, backend: str, wanted: int, usage: int, open: int, limit: int) -> None:  # noqa: A002 - the contract's word, and a field of the error
        super().__init__(
            f"the quota of team {team} on backend {backend!r} refuses {wanted} bytes: {usage} are held and {open} "
            f"promised of {limit}; delete data, wait for open leases, or ask an operator for higher limits"
        )
        self.team = team
        self.backend = backend
        self.wanted = wanted
        self.usage = usage
        self.open = open
        self.limit = limit
