"""The eviction policy keeps a useful share of whatever is read again and again."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.content.eviction import EvictionPolicy

MAX_BYTES = 400
HIGH, LOW = 0.90, 0.80
WEIGHT = 4


class Simulation:
    """A cache of `MAX_BYTES` that knows nothing but its policy."""

    def __init__(self) -> None:
        self.policy: EvictionPolicy[int] = EvictionPolicy(int(MAX_BYTES * LOW))
        self.used = 0

    def epoch(self, blocks: Iterable[int], *, prefetched: bool = False) -> float:
        """Read the blocks once each; return the hit ratio."""
        hits = total = 0
        for block in blocks:
            total += 1
            if block in self.policy:
                hits += 1
                self.policy.touch(block)
                continue
            if not prefetched:
                self.policy.touch(block)
            self.policy.insert(block, WEIGHT)
            if prefetched:
                self.policy.touch(block)
            self.used += WEIGHT
            if self.used > MAX_BYTES * HIGH:
                wanted = int(self.used - MAX_BYTES * LOW)
                self.used -= sum(weight for _, weight in self.policy.victims(wanted, lambda _: True))
        return hits / total


@pytest.mark.parametrize("prefetched", [False, True])
def test_cyclic_epochs_over_twice_the_cache_keep_a_third(*, prefetched: bool) -> None:
    """From the third epoch on at least 0.3 of the blocks are hits, where LRU has none."""
    cache = Simulation()
    ratios = [cache.epoch(range(200), prefetched=prefetched) for _ in range(8)]
    assert min(ratios[2:]) >= 0.3


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_epochs_over_twice_the_cache_keep_a_third(seed: int) -> None:
    """Shuffling each epoch anew costs little: 0.3 on average from the third epoch on."""
    cache = Simulation()
    draw = random.Random(seed)
    ratios = [cache.epoch(draw.sample(range(200), 200)) for _ in range(12)]
    assert sum(ratios[2:]) / len(ratios[2:]) >= 0.3


@pytest.mark.parametrize("size", [10, 40, 70])
def test_a_new_working_set_that_fits_takes_over(size: int) -> None:
    """After the data set changed, the new one is fully resident within four passes."""
    cache = Simulation()
    for _ in range(4):
        cache.epoch(range(200))
    ratios = [cache.epoch(range(1000, 1000 + size)) for _ in range(5)]
    assert ratios[4] == 1.0


def test_a_new_data_set_that_does_not_fit_takes_over_too() -> None:
    """Members that nobody reads any more leave, whatever comes instead."""
    cache = Simulation()
    for _ in range(3):
        cache.epoch(range(200))
    ratios = [cache.epoch(range(1000, 1200)) for _ in range(8)]
    assert min(ratios[6:]) >= 0.3


def test_one_long_scan_does_not_wash_out_a_hot_set() -> None:
    """Blocks read once do not displace those that are read over and over."""
    cache = Simulation()
    for _ in range(5):
        cache.epoch(range(60))
    cache.epoch(range(5000, 5400))
    assert cache.epoch(range(60)) >= 0.9


def test_the_first_touch_after_an_insert_is_the_same_access() -> None:
    """A block fetched ahead and read once is no better than one that was fetched on demand."""
    ahead: EvictionPolicy[str] = EvictionPolicy(100)
    demand: EvictionPolicy[str] = EvictionPolicy(100)
    for policy, first in ((ahead, False), (demand, True)):
        policy.insert("old", 95)
        for name in "ab":
            if first:
                policy.touch(name)
            policy.insert(name, 4)
            if not first:
                policy.touch(name)
    assert [block for block, _ in ahead.victims(8, lambda _: True)] == ["a", "b"]
    assert [block for block, _ in demand.victims(8, lambda _: True)] == ["a", "b"]


def test_what_was_fetched_ahead_outlives_what_was_read() -> None:
    """In probation, blocks still waiting for their reader go after those that had theirs."""
    policy: EvictionPolicy[str] = EvictionPolicy(100)
    policy.insert("stable", 95)
    for name in ("waiting", "read"):
        policy.insert(name, 4)
    policy.touch("read")
    assert [block for block, _ in policy.victims(200, lambda _: True)] == ["read", "waiting", "stable"]


def test_victims_skips_what_may_not_go() -> None:
    """A block that is pinned stays resident and another goes instead."""
    policy: EvictionPolicy[str] = EvictionPolicy(100)
    for name in "abc":
        policy.insert(name, 40)
    chosen = policy.victims(80, lambda block: block != "c")
    assert sorted(chosen) == [("a", 40), ("b", 40)]
    assert "c" in policy
    assert policy.victims(1, lambda _: False) == []


def test_weights_follow_growth_and_loss() -> None:
    """A block weighs what is recorded of it now; at nothing it is gone."""
    policy: EvictionPolicy[str] = EvictionPolicy(100)
    policy.insert("a", 10)
    policy.insert("a", 20)
    assert policy.weight("a") == 30
    policy.shrink("a", 25)
    assert policy.weight("a") == 5
    policy.shrink("a", 5)
    assert "a" not in policy
    assert policy.forget("a") == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["insert", "touch", "victims", "forget", "shrink"]), st.integers(0, 12), st.integers(1, 50)
        )
    )
)
def test_the_weights_always_add_up(steps: list[tuple[str, int, int]]) -> None:
    """Whatever happens, the policy holds exactly the blocks and bytes it was given and did not return."""
    policy: EvictionPolicy[int] = EvictionPolicy(100)
    model: dict[int, int] = {}
    for verb, block, amount in steps:
        if verb == "insert":
            policy.insert(block, amount)
            model[block] = model.get(block, 0) + amount
        elif verb == "touch":
            policy.touch(block)
        elif verb == "forget":
            assert policy.forget(block) == model.pop(block, 0)
        elif verb == "shrink":
            policy.shrink(block, amount)
            if model.get(block, 0) > amount:
                model[block] -= amount
            else:
                model.pop(block, None)
        else:
            before = sum(model.values())
            gone = policy.victims(amount, lambda key: key % 3 != 0)
            for key, weight in gone:
                assert model.pop(key) == weight
                assert key % 3 != 0
            reachable = before - sum(weight for key, weight in model.items() if key % 3 == 0)
            assert before - sum(model.values()) >= min(amount, reachable)
        assert {key: policy.weight(key) for key in range(13) if key in policy} == model
        assert len(policy) == len(model)
    assert sum(weight for _, weight in policy.victims(10**9, lambda _: True)) == sum(model.values())
