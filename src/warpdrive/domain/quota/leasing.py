"""How much of a wish for bytes can be promised without ever holding more than a quota allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from warpdrive.domain.quota.errors import QuotaRefused
from warpdrive.domain.quota.values import LeasePolicy

USUAL_POLICY: Final = LeasePolicy(bytes=1 << 30, seconds=600)
"""1 GiB for 10 minutes, where a quota has no policy of its own: at 1 GB/s a node asks once a second."""

LEAST: Final = 64 << 20
"""Bytes: less than 64 MiB is not promised to who wants more, since a writer would soon ask again."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What counts against a quota, in bytes.

    `usage`: counted by the last complete crawl, None before the first; `settled`: written on leases since that crawl
    began; `open`: promised to nodes.
    """

    usage: int | None
    settled: int
    open: int

    @property
    def held(self) -> int | None:
        """What the team holds as far as anybody knows; None: nobody has counted."""
        return None if self.usage is None else self.usage + self.settled

    @property
    def total(self) -> int:
        """All of it; what nobody has counted counts as nothing."""
        return (self.usage or 0) + self.settled + self.open


@dataclass(frozen=True, slots=True)
class Claim:
    """A quota that a lease counts against. `limit`: bytes above which it refuses now (see `Quota.limit_at`)."""

    team: str
    backend: str
    soft: int
    limit: int
    holding: Holding

    @property
    def left(self) -> int:
        """Bytes that can still be promised; negative when the limit is overshot."""
        return self.limit - self.holding.total


def policy_of(policies: Sequence[LeasePolicy | None]) -> LeasePolicy:
    """Return what all quotas of a lease allow at once: the least bytes and the least seconds of their policies."""
    stated = [policy or USUAL_POLICY for policy in policies] or [USUAL_POLICY]
    return LeasePolicy(min(each.bytes for each in stated), min(each.seconds for each in stated))


def granted(wanted: int, policy: LeasePolicy, claims: Sequence[Claim], *, sharers: int) -> int:
    """Return how many bytes to promise. `sharers` teams own them together, and each one's quota takes its share.

    `wanted` 0 asks for what the policy gives. Promised is the least of what is wanted, what the policy gives, and what
    is left, as long as that is not less than both what is wanted and LEAST. Raises QuotaRefused about the quota with
    the least left.
    """
    wish = min(wanted or policy.bytes, policy.bytes)
    if not claims:
        return wish
    narrowest = min(claims, key=lambda claim: (claim.left, claim.team, claim.backend))
    possible = min(wish, narrowest.left * sharers)
    if possible >= min(wish, LEAST):
        return possible
    raise QuotaRefused(
        narrowest.team,
        narrowest.backend,
        -(-wish // sharers),
        (narrowest.holding.usage or 0) + narrowest.holding.settled,
        narrowest.holding.open,
        narrowest.limit,
    )


def warned(share: int, claim: Claim) -> bool:
    """Tell whether a lease of which `share` bytes count against the quota leads beyond its soft limit."""
    return claim.holding.total + share > claim.soft
