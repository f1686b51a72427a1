"""When what is indexed of a backend is a count."""

from datetime import UTC, datetime, timedelta

from warpdrive.domain.governance.counting import CountedPlace, CrawlState, countable

AT = datetime(2026, 3, 31, tzinfo=UTC)


def state(name: str, newest: str, *, generation: int = 3, present: bool = True, place: str = "here") -> CrawlState:
    """A backend with its newest crawl."""
    return CrawlState(name, place, present, generation, newest, AT if generation else None)


def test_only_a_completed_crawl_counts() -> None:
    """While one runs, and after one that came to nothing, the count before it stands."""
    states = [state(each, each) for each in ("completed", "running", "failed", "held", "cancelled")]
    assert countable([*states, state("never", "", generation=0)]) == {"completed": CountedPlace("here", 3, AT)}


def test_a_name_stands_for_the_place_that_it_has_now() -> None:
    """Whatever was crawled more often where it was before; in whichever order they come."""
    now, before = state("lake", "completed", generation=1), state("lake", "completed", present=False, place="there")
    assert countable([now, before]) == countable([before, now]) == {"lake": CountedPlace("here", 1, AT)}
    assert countable([before, state("lake", "running", generation=1)]) == {}


def test_what_is_in_no_namespace_any_more_is_counted_as_it_was_left() -> None:
    """Nobody completes a crawl by its name."""
    left = [state("lake", "running", present=False), state("lake", "", generation=0, present=False, place="there")]
    assert countable(left) == {"lake": CountedPlace("here", 3, AT)}


def test_a_count_contains_what_was_there_as_of_its_moment() -> None:
    """A later settlement is not in it, nor one under a crawl that had begun, nor is an older place's in any."""
    counted, second = CountedPlace("here", 3, AT), timedelta(seconds=1)
    assert counted.contains("here", 2, AT - second)
    assert not counted.contains("here", 3, AT - second)
    assert not counted.contains("here", 2, AT)
    assert counted.contains("there", 9, AT + second)
