"""How much of a wish can be promised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.quota.errors import QuotaRefused
from warpdrive.domain.quota.leasing import LEAST, USUAL_POLICY, Claim, Holding, granted, policy_of, warned
from warpdrive.domain.quota.values import LeasePolicy

MB = 1 << 20
POLICY = LeasePolicy(200 * MB, 60)


def claim(limit: int, *, usage: int | None = 0, settled: int = 0, promised: int = 0, team: str = "vision") -> Claim:
    """A quota whose soft limit is half of what refuses."""
    return Claim(team, "lake", limit // 2, limit, Holding(usage, settled, promised))


def test_what_is_wanted_is_granted_up_to_the_policy() -> None:
    """No wish at all is one for what the policy gives."""
    roomy = [claim(1000 * MB)]
    assert granted(5, POLICY, roomy, sharers=1) == 5
    assert granted(0, POLICY, roomy, sharers=1) == POLICY.bytes
    assert granted(900 * MB, POLICY, roomy, sharers=1) == POLICY.bytes
    assert granted(900 * MB, POLICY, [], sharers=1) == POLICY.bytes


def test_what_is_left_is_granted_as_long_as_it_is_worth_it() -> None:
    """64 MiB, or the whole of a smaller wish; everything counts against what is left."""
    nearly = [claim(400 * MB, usage=100 * MB, settled=100 * MB, promised=100 * MB)]
    assert granted(0, POLICY, nearly, sharers=1) == 100 * MB
    full = [claim(LEAST + 10, usage=11)]
    assert granted(LEAST - 1, POLICY, full, sharers=1) == LEAST - 1
    with pytest.raises(QuotaRefused) as refusal:
        granted(0, POLICY, full, sharers=1)
    assert (refusal.value.wanted, refusal.value.usage, refusal.value.limit) == (POLICY.bytes, 11, LEAST + 10)


def test_the_quota_with_the_least_left_refuses_and_says_so() -> None:
    """With what it knows: held, promised, its limit, and what to do."""
    claims = [claim(1000, team="a"), claim(100, usage=60, settled=10, promised=25, team="b"), claim(2000, team="c")]
    with pytest.raises(QuotaRefused, match="delete data, wait for open leases, or ask") as refusal:
        granted(7, POLICY, claims, sharers=1)
    told = refusal.value
    assert (told.team, told.backend, told.wanted, told.usage, told.open, told.limit) == ("b", "lake", 7, 70, 25, 100)
    assert granted(5, POLICY, claims, sharers=1) == 5


def test_an_overshot_quota_refuses_the_smallest_wish() -> None:
    """And one that is exactly full, too."""
    for usage in (100, 150):
        with pytest.raises(QuotaRefused):
            granted(1, POLICY, [claim(100, usage=usage)], sharers=1)


def test_what_nobody_has_counted_is_no_reason_to_refuse() -> None:
    """But what is known to be written and promised is."""
    assert granted(100, POLICY, [claim(100, usage=None)], sharers=1) == 100
    with pytest.raises(QuotaRefused):
        granted(100, POLICY, [claim(100, usage=None, settled=1)], sharers=1)
    assert (Holding(None, 5, 6).held, Holding(None, 5, 6).total, Holding(1, 5, 6).held) == (None, 11, 6)


def test_the_narrowest_policy_counts() -> None:
    """Quotas without one have the usual."""
    assert policy_of([]) == policy_of([None]) == USUAL_POLICY
    assert policy_of([LeasePolicy(5, 900), None, LeasePolicy(7, 3)]) == LeasePolicy(5, 3)


def test_a_lease_beyond_a_soft_limit_warns() -> None:
    """Not the one that just reaches it."""
    assert not warned(10, claim(100, usage=40))
    assert warned(11, claim(100, usage=40))


@given(
    wanted=st.integers(0, 10 * LEAST),
    limits=st.lists(st.tuples(st.integers(0, 10 * LEAST), st.integers(0, 10 * LEAST)), min_size=1, max_size=3),
    sharers=st.integers(1, 4),
)
def test_no_share_is_more_than_any_quota_has_left(wanted: int, limits: list[tuple[int, int]], sharers: int) -> None:
    """However many share; and what is refused would not have fitted, or hardly been of use."""
    claims = [claim(limit, usage=usage) for limit, usage in limits]
    left = min(each.left for each in claims)
    try:
        size = granted(wanted, POLICY, claims, sharers=sharers)
    except QuotaRefused:
        assert left * sharers < min(wanted or POLICY.bytes, LEAST)
    else:
        assert 0 < size <= (wanted or POLICY.bytes)
        assert -(-size // sharers) <= left
