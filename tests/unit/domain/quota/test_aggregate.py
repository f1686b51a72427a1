"""The Quota: given events, when a command, then events."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from tests.support.replay import assert_snapshot_is_the_same, names_of
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.errors import (
    InvalidLeasePolicy,
    InvalidLimits,
    InvalidQuotaBackend,
    InvalidUsage,
    QuotaRemoved,
)
from warpdrive.domain.quota.values import LARGEST, LONGEST_GRACE, WEEK, LeasePolicy, QuotaLimits, Standing

TEAM = UUID("5a1f6c8e-0000-4000-8000-000000000001")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIMITS = QuotaLimits(soft=100, hard=200, grace_seconds=3600)


def fresh() -> Quota:
    """Define a quota of 100 and 200 bytes with an hour of grace."""
    return Quota.define(TEAM, "s3", LIMITS, at=AT)


def with_usage(*usages: int) -> Quota:
    """Define a quota and observe one usage after another."""
    quota = fresh()
    for usage in usages:
        quota.observe_usage(usage, at=AT)
    return quota


def removed() -> Quota:
    """Define a quota and remove it."""
    quota = with_usage(150)
    quota.set_lease_policy(LeasePolicy(10, 10), at=AT)
    quota.remove(at=AT)
    return quota


def test_a_quota_begins_with_limits_and_unknown_usage() -> None:
    """Nobody has counted yet, so nobody knows where the team stands."""
    quota = fresh()
    assert (quota.team_id, quota.backend, quota.limits) == (TEAM, "s3", LIMITS)
    assert (quota.usage, quota.lease_policy, quota.grace_until, quota.removed) == (None, None, None, False)
    assert quota.standing(AT) is Standing.UNKNOWN
    (event,) = quota.collect_events()
    assert isinstance(event, Quota.Defined)
    assert (event.team_id, event.backend, event.timestamp) == (str(TEAM), "s3", AT)


def test_its_stream_is_named_by_team_and_backend() -> None:
    """Whoever knows the two finds the stream; "*" has its own."""
    assert fresh().id == Quota.id_of(TEAM, "s3") == uuid5(TEAM, "s3")
    assert Quota.define(TEAM, "*", LIMITS, at=AT).id == Quota.id_of(TEAM, "*") != fresh().id


def test_a_grace_is_a_week_unless_said() -> None:
    """The limits alone are enough."""
    assert QuotaLimits(1, 2).grace_seconds == WEEK == 604_800


@pytest.mark.parametrize(
    ("usages", "events", "standing"),
    [
        ((100,), ["UsageObserved"], Standing.OK),
        ((101,), ["SoftLimitCrossed"], Standing.WARNED),
        ((200,), ["SoftLimitCrossed"], Standing.WARNED),
        ((201,), ["SoftLimitCrossed", "HardLimitCrossed"], Standing.EXCEEDED),
        ((101, 102), ["SoftLimitCrossed", "UsageObserved"], Standing.WARNED),
        ((101, 100), ["SoftLimitCrossed", "Recovered"], Standing.OK),
        ((201, 202), ["SoftLimitCrossed", "HardLimitCrossed", "UsageObserved"], Standing.EXCEEDED),
        ((201, 150), ["SoftLimitCrossed", "HardLimitCrossed", "UsageObserved"], Standing.WARNED),
        (
            (201, 150, 201),
            ["SoftLimitCrossed", "HardLimitCrossed", "UsageObserved", "HardLimitCrossed"],
            Standing.EXCEEDED,
        ),
        ((101, 0, 101), ["SoftLimitCrossed", "Recovered", "SoftLimitCrossed"], Standing.WARNED),
        ((50, 50), ["UsageObserved"], Standing.OK),
        ((101, 101), ["SoftLimitCrossed"], Standing.WARNED),
    ],
)
def test_crossings_are_told_once(usages: tuple[int, ...], events: list[str], standing: Standing) -> None:
    """A limit is crossed when usage is seen above it for the first time since it was kept; a limit reached is kept."""
    quota = with_usage(*usages)
    assert names_of(quota) == ["Defined", *events]
    assert (quota.usage, quota.standing(AT)) == (usages[-1], standing)


def test_a_grace_starts_at_the_crossing_and_ends_once() -> None:
    """More usage does not move the end, and at the end the soft limit refuses."""
    quota = with_usage(101)
    quota.observe_usage(150, at=AT + HOUR / 2)
    assert quota.grace_until == AT + HOUR
    assert quota.standing(AT + HOUR - timedelta(microseconds=1)) is Standing.WARNED
    assert quota.standing(AT + HOUR) is Standing.GRACE_ENDED
    assert (quota.limit_at(AT), quota.limit_at(AT + HOUR)) == (200, 100)


def test_a_new_crossing_starts_a_new_grace() -> None:
    """Given a recovery, when the limit is crossed again, then the team has its full grace again."""
    quota = with_usage(101, 100)
    quota.observe_usage(101, at=AT + 3 * HOUR)
    assert quota.grace_until == AT + 4 * HOUR


def test_crossings_say_by_how_much() -> None:
    """An auditor reads usage, limit and the grace's end from the events alone."""
    soft, hard = with_usage(201).collect_events()[1:]
    assert isinstance(soft, Quota.SoftLimitCrossed)
    assert (soft.usage, soft.limit, soft.grace_until) == (201, 100, "2026-01-02T04:04:05+00:00")
    assert isinstance(hard, Quota.HardLimitCrossed)
    assert (hard.usage, hard.limit) == (201, 200)


@pytest.mark.parametrize(
    ("usage", "limits", "events"),
    [
        (50, QuotaLimits(40, 200), ["LimitsSet", "SoftLimitCrossed"]),
        (50, QuotaLimits(10, 20), ["LimitsSet", "SoftLimitCrossed", "HardLimitCrossed"]),
        (150, QuotaLimits(150, 200), ["LimitsSet", "Recovered"]),
        (150, QuotaLimits(100, 140), ["LimitsSet", "HardLimitCrossed"]),
        (250, QuotaLimits(100, 300), ["LimitsSet"]),
        (250, QuotaLimits(90, 190), ["LimitsSet"]),
        (250, QuotaLimits(400, 500), ["LimitsSet", "Recovered"]),
    ],
)
def test_new_limits_judge_the_last_usage_known(usage: int, limits: QuotaLimits, events: list[str]) -> None:
    """A limit moved below or above what is held is crossed or kept at once, not at the next count."""
    quota = with_usage(usage)
    quota.collect_events()
    quota.set_limits(limits, at=AT)
    assert names_of(quota) == events
    assert (quota.limits, quota.usage) == (limits, usage)


def test_new_limits_judge_nothing_while_usage_is_unknown() -> None:
    """What nobody counted crosses nothing."""
    quota = fresh()
    quota.set_limits(QuotaLimits(0, 0), at=AT)
    assert names_of(quota) == ["Defined", "LimitsSet"]


def test_a_running_grace_keeps_its_end_when_limits_change() -> None:
    """Otherwise a team could be given, or robbed of, time that it was told of."""
    quota = with_usage(150)
    quota.set_limits(QuotaLimits(110, 200, 5), at=AT)
    assert quota.grace_until == AT + HOUR


def test_the_same_limits_again_are_no_event() -> None:
    """Given limits, when they are set again, then nothing happened."""
    quota = fresh()
    quota.set_limits(LIMITS, at=AT)
    quota.set_lease_policy(LeasePolicy(10, 10), at=AT)
    quota.set_lease_policy(LeasePolicy(10, 10), at=AT)
    assert names_of(quota) == ["Defined", "LeasePolicySet"]
    assert quota.lease_policy == LeasePolicy(10, 10)


def test_a_refused_lease_says_which_limit_refused() -> None:
    """The hard limit refuses, and the soft one when its grace has ended; usage known from crawls stays as it is."""
    quota = with_usage(150)
    quota.refuse_lease("gpu-7", 64, 190, at=AT)
    quota.refuse_lease("gpu-\udc80", 64, 190, at=AT + HOUR)
    first, second = quota.collect_events()[2:]
    assert isinstance(first, Quota.LeaseRefused)
    assert isinstance(second, Quota.LeaseRefused)
    assert (first.node, first.wanted, first.usage, first.limit) == ("gpu-7", 64, 190, 200)
    assert (second.node, second.limit) == ("gpu-\\udc80", 100)
    assert quota.usage == 150


def test_a_removed_quota_is_set_again_in_its_stream() -> None:
    """Given a removal, when limits are set, even the same, then the quota stands and knows nothing yet."""
    quota = removed()
    assert quota.standing(AT) is Standing.REMOVED
    quota.set_limits(LIMITS, at=AT)
    assert names_of(quota)[-2:] == ["Removed", "LimitsSet"]
    assert quota.standing(AT) is Standing.UNKNOWN
    assert (quota.removed, quota.lease_policy, quota.grace_until) == (False, None, None)
    quota.observe_usage(150, at=AT)
    assert names_of(quota)[-1] == "SoftLimitCrossed"


COMMANDS: dict[str, Callable[[Quota, datetime], None]] = {
    "set_limits": lambda it, at: it.set_limits(QuotaLimits(1, 2), at=at),
    "set_lease_policy": lambda it, at: it.set_lease_policy(LeasePolicy(1, 1), at=at),
    "observe_usage": lambda it, at: it.observe_usage(7, at=at),
    "refuse_lease": lambda it, at: it.refuse_lease("gpu-7", 1, 1, at=at),
    "remove": lambda it, at: it.remove(at=at),
}


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"set_limits"}))
def test_a_removed_quota_refuses_all_but_limits(command: str) -> None:
    """What limits nothing cannot be crossed, leased from or removed."""
    quota = removed()
    version = quota.version
    with pytest.raises(QuotaRemoved) as caught:
        COMMANDS[command](quota, AT)
    assert (caught.value.team_id, caught.value.backend) == (str(TEAM), "s3")
    assert quota.version == version


@pytest.mark.parametrize("command", COMMANDS)
def test_a_moment_without_a_zone_is_refused(command: str) -> None:
    """Nothing happens at a moment that readers would have to guess."""
    quota = fresh()
    with pytest.raises(ValueError, match="time zone"):
        COMMANDS[command](quota, AT.replace(tzinfo=None))
    assert names_of(quota) == ["Defined"]


@pytest.mark.parametrize(
    "limits",
    [
        QuotaLimits(-1, 0),
        QuotaLimits(2, 1),
        QuotaLimits(0, LARGEST + 1),
        QuotaLimits(1, 2, -1),
        QuotaLimits(1, 2, LONGEST_GRACE + 1),
    ],
)
def test_limits_are_ordered_and_fit_64_bits(limits: QuotaLimits) -> None:
    """What no column holds, or no usage can meet, is no limit."""
    with pytest.raises(InvalidLimits) as caught:
        Quota.define(TEAM, "s3", limits, at=AT)
    assert (caught.value.soft, caught.value.hard, caught.value.grace_seconds) == (
        limits.soft,
        limits.hard,
        limits.grace_seconds,
    )
    quota = fresh()
    with pytest.raises(InvalidLimits):
        quota.set_limits(limits, at=AT)
    assert names_of(quota) == ["Defined"]


@pytest.mark.parametrize("policy", [LeasePolicy(0, 1), LeasePolicy(1, 0), LeasePolicy(LARGEST + 1, 1)])
def test_a_lease_promises_something_for_some_time(policy: LeasePolicy) -> None:
    """A lease of nothing would be asked for at every write."""
    with pytest.raises(InvalidLeasePolicy) as caught:
        fresh().set_lease_policy(policy, at=AT)
    assert (caught.value.size, caught.value.seconds) == (policy.bytes, policy.seconds)


@pytest.mark.parametrize("value", [-1, LARGEST + 1])
def test_bytes_are_counted_from_zero_to_64_bits(value: int) -> None:
    """A negative usage is a mistake of whoever counted."""
    quota = fresh()
    with pytest.raises(InvalidUsage) as caught:
        quota.observe_usage(value, at=AT)
    assert (caught.value.field, caught.value.value) == ("usage", value)
    with pytest.raises(InvalidUsage) as caught:
        quota.refuse_lease("gpu-7", value, 0, at=AT)
    assert caught.value.field == "wanted"
    with pytest.raises(InvalidUsage):
        quota.refuse_lease("gpu-7", 0, value, at=AT)
    assert names_of(quota) == ["Defined"]


@pytest.mark.parametrize("backend", ["", "a\n", "\udcff", "x" * 256])
def test_a_quota_names_its_backend(backend: str) -> None:
    """People read it in lists, and the stream's id is made of it."""
    with pytest.raises(InvalidQuotaBackend) as caught:
        Quota.define(TEAM, backend, LIMITS, at=AT)
    assert caught.value.backend == backend


@pytest.mark.parametrize("quota", [fresh(), with_usage(150), with_usage(250, 1), removed()])
def test_a_snapshot_is_the_same_quota(quota: Quota) -> None:
    """Snapshot and replay give one state."""
    assert_snapshot_is_the_same(quota)
