"""What is recommended, with which figures, and what is too small to tell."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.price_tags import Tags, tags
from warpdrive.domain.governance.pricing import GIB, Range
from warpdrive.domain.governance.recommendation import (
    Advice,
    Kind,
    Remaining,
    archive_stale,
    cheaper_class,
    held,
    ordered,
    recommendation_id,
    remove_duplicates,
    size_text,
    without,
    worth_telling,
)

SINCE = date(2026, 1, 1)
TIB = 1024 * GIB


def row(size: int, *owners: str, backend: str = "lake", storage_class: str = "hot", objects: int = 2) -> Remaining:
    """Make a sum."""
    return Remaining(backend, owners, storage_class, objects, size)


def test_ids_are_the_same_for_ever() -> None:
    """They are written in dismissals, so no change of the code may change them."""
    assert recommendation_id("archive_stale", "", "lake") == UUID("0794a2e7-21fd-5e3c-b6d9-413fe7e5145f")
    ids = {recommendation_id(*each) for each in (("a", "b", "c"), ("a", "b/c", ""), ("a", "", "b/c"), ("a", "c", "b"))}
    assert len(ids) == 4


def test_the_id_of_an_advice_is_made_of_what_it_is_about() -> None:
    """Bytes and evidence change from day to day."""
    (one,) = archive_stale(held([row(GIB, "t1")]), None, SINCE)
    (other,) = archive_stale(held([row(5 * GIB, "t1", storage_class="cold")]), tags(every="1"), SINCE)
    assert one.id == other.id == recommendation_id("archive_stale", "t1", "lake")


def test_stale_data_save_from_the_cheapest_class_to_all_of_it() -> None:
    """What has no price is not in the saving, and the evidence says so."""
    prices = tags(hot="0.02", cold="0.005")
    (advice,) = archive_stale(held([row(100 * GIB), row(GIB, storage_class="odd")]), prices, SINCE)
    assert (advice.kind, advice.team_id, advice.backend) == (Kind.ARCHIVE_STALE, "", "lake")
    assert (advice.objects, advice.bytes) == (4, 101 * GIB)
    assert advice.saving == Range(Fraction("1.5"), Fraction(2))
    assert advice.evidence == (
        (
            "4 objects, together 101 GiB, were neither opened, read nor written, nor found first, since 2026-01-01, "
            "which is 90 days ago; telemetry of all that time is complete."
        ),
        "1 GiB of it has no price; what that costs is not in the saving.",
    )
    assert advice.summary("") == "Archive or delete what nobody uses: 101 GiB that nobody owns in backend lake."


@pytest.mark.parametrize("prices", [None, tags(cold="1"), Tags()])
def test_without_a_price_nothing_is_said_of_savings(prices: Tags | None) -> None:
    """The recommendation stands all the same."""
    (advice,) = archive_stale(held([row(GIB, "t1")]), prices, SINCE)
    assert advice.saving is None
    (advice,) = remove_duplicates(held([row(GIB, "t1")]), held([]), prices)
    assert advice.saving is None


def test_duplicates_save_what_is_sure_to_what_is_likely() -> None:
    """Teams and backends have their own advice, and MD5 is sure."""
    sure = held([row(2 * GIB, "t1"), row(GIB, "t2", backend="pool")])
    likely = held([row(4 * GIB, "t1"), row(8 * GIB)])
    found = {(each.team_id, each.backend): each for each in remove_duplicates(sure, likely, tags(every="1"))}
    assert {about: each.saving for about, each in found.items()} == {
        ("t1", "lake"): Range(Fraction(2), Fraction(6)),
        ("t2", "pool"): Range(Fraction(1), Fraction(1)),
        ("", "lake"): Range(Fraction(0), Fraction(8)),
    }
    assert [len(found[about].evidence) for about in (("t1", "lake"), ("t2", "pool"))] == [2, 1]
    assert any("CRC32C need not be the same" in each for each in found["t1", "lake"].assumptions)
    assert not any("CRC32C" in each for each in found["t2", "pool"].assumptions)


def test_a_cheaper_class_saves_the_difference_less_the_move() -> None:
    """From the dearest that is cheaper to the cheapest; one request an object is paid first."""
    prices = tags(hot="0.02", cool="0.01", cold="0.004", hotter="0.03")
    (advice,) = cheaper_class(held([row(100 * GIB, "t1", objects=500)]), prices, SINCE)
    assert advice.saving == Range(Fraction("0.5"), Fraction("1.6"))
    assert advice.evidence[1] == "A GiB of class hot costs 0.02 a month; cold costs 0.004, cool costs 0.01."
    (dear,) = cheaper_class(held([row(100 * GIB, "t1", objects=50_000)]), prices, SINCE)
    assert dear.saving == Range(Fraction(0), Fraction("1.6"))


def test_what_is_in_the_cheapest_class_or_has_no_price_is_left_where_it_is() -> None:
    """Only the rest is counted."""
    prices = tags(hot="0.02", cold="0.004")
    rows = [row(GIB, "t1", storage_class="cold"), row(GIB, "t1", storage_class="odd")]
    assert list(cheaper_class(held(rows), prices, SINCE)) == []
    (advice,) = cheaper_class(held([*rows, row(5 * GIB, "t1")]), prices, SINCE)
    assert advice.bytes == 5 * GIB


def test_what_is_to_be_archived_is_not_moved_too() -> None:
    """Sums are taken off by backend, owners and class; nothing is left of some."""
    idle = [row(10, objects=4), row(7, "t1"), row(3, storage_class="cold")]
    assert list(without(idle, [row(4, objects=1), row(7, "t1")])) == [
        Remaining("lake", (), "hot", 3, 6),
        Remaining("lake", (), "cold", 2, 3),
    ]


@given(st.lists(st.tuples(st.integers(1, 2**50), st.sets(st.sampled_from(["t1", "t2", "t3"]))), max_size=6))
def test_parts_of_teams_add_up_to_the_whole(rows: list[tuple[int, set[str]]]) -> None:
    """Whoever shares with whom."""
    shared = held([row(size, *sorted(owners), objects=size) for size, owners in rows])
    assert sum(part.bytes for parts in shared.values() for part in parts) == sum(size for size, _ in rows)
    assert sum(part.objects for parts in shared.values() for part in parts) == sum(size for size, _ in rows)


def advice(size: int, saving: str | None = None, backend: str = "lake") -> Advice:
    """Make one of so many bytes."""
    spread = None if saving is None else Range(Fraction(0), Fraction(saving))
    return Advice(Kind.ARCHIVE_STALE, "", backend, (), (), 1, size, spread)


def test_small_advice_is_left_out_unless_there_is_nothing_larger() -> None:
    """Small: less than a GiB, and less than a hundredth of the backend."""
    large, share, small = advice(GIB), advice(GIB // 2, backend="pool"), advice(GIB - 1)
    stored = {"lake": TIB, "pool": 50 * GIB}
    assert worth_telling([small, large, share], stored) == [large, share]
    assert worth_telling([small], stored) == [small]
    assert worth_telling([], stored) == []


def test_what_saves_most_comes_first_and_what_has_no_price_last() -> None:
    """Then by bytes."""
    some = [advice(9), advice(1, "5"), advice(99), advice(2, "5"), advice(1, "7")]
    assert [(each.bytes, each.saving is None) for each in ordered(some)] == [
        (1, False),
        (2, False),
        (1, False),
        (99, True),
        (9, True),
    ]
    assert ordered(some) == ordered(some[::-1])


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536 << 30, "1.5 TiB"), (2**63 - 1, "8192 PiB")],
)
def test_sizes_are_written_as_people_read_them(size: int, text: str) -> None:
    """With four digits."""
    assert size_text(size) == text


def test_summaries_name_the_team() -> None:
    """As it is called now."""
    one = replace(advice(GIB), team_id="t1")
    assert one.summary("vision") == "Archive or delete what nobody uses: 1 GiB that team vision owns in backend lake."
