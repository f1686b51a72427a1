"""What answers must not be mistaken about, case by case, on PostgreSQL; all others are the plain model's, too."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from tests.support.governance_model import GovernanceModel
from tests.support.governance_questions import Asker
from tests.support.governance_rig import GovernanceRig, compare, play
from tests.support.governance_rigs import postgres_rig
from tests.support.governance_steps import (
    DAY_S,
    Abort,
    Crawl,
    Gather,
    Mount,
    Put,
    Remove,
    Rename,
    Step,
    Tell,
    Use,
    Wait,
)
from tests.support.governance_story import PREFIXES, START
from tests.support.postgres import FreshDatabase, superuser
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.application.control.errors import NotFound

HOUR_S = 3_600
LAKE = Mount(tuple(sorted(PREFIXES)))
TEAMS = (Gather("red", ("ann",), (("*", "a/"),)), Gather("blue", ("bob",)), Gather("green", ("eve",)))
A_DAY = Tell(90, "n1", covers_s=2 * DAY_S)
"""Everything of today and the day before is told."""


@dataclass
class Life:
    """A rig with its model."""

    rig: GovernanceRig
    model: GovernanceModel

    async def lives(self, *steps: Step) -> None:
        """Let steps happen, and count readers."""
        await play(self.rig, self.model, steps)
        await self.rig.count_readers()

    async def usage(self, basis: str = "owner", group_by: str = "team", days: int = 0) -> dict[str, int]:
        """Bytes by name."""
        found = await self._asker().usage(group_by, basis, "", "", "", 0, days)
        return {name or kind: size for (name, _, kind), (_, size) in found.items()}

    async def stale(self, days: int) -> Any:
        """What was idle for longer."""
        return await self._asker().stale(days, 0, "", "")

    async def growth(self, team: str = "") -> dict[date, dict[str, int]]:
        """Bytes at the end, and of each flow, of days on which there was any."""
        found = await self._asker().growth("", team)
        days = {day: {name: size for name, (_, size) in row.items()} for day, row in found}
        return {day: sums for day, sums in days.items() if any(sums.values())}

    async def gaps(self, days: int) -> Any:
        """What was not told."""
        return (await self._asker().coverage(days))[1]

    async def backends(self) -> Any:
        """Objects, bytes, complete generation and the newest crawl's end, by name."""
        return await self._asker().backends()

    def _asker(self) -> Asker:
        return Asker(self.rig.plane, self.rig.call)


@asynccontextmanager
async def living(make: FreshDatabase) -> AsyncIterator[Life]:
    """Begin one in a database of its own; compare every answer in the end."""
    async with postgres_rig(await make()) as rig:
        life = Life(rig, GovernanceModel())
        yield life
        await compare(rig, life.model)


@pytest.fixture(params=["Pacific/Auckland", "Europe/Berlin"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let this process live in a time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


async def test_days_are_those_of_utc_in_every_zone_and_while_clocks_change(
    zone: str, migrated_database: FreshDatabase
) -> None:
    """A day in which clocks change has 24 hours; a UTC day's last second is of that day, wherever it is morning."""
    place = await migrated_database()
    async with superuser(place) as connection:
        await connection.execute(f"ALTER DATABASE {place.name} SET timezone TO '{zone}'")

    async def same() -> DatabasePlace:
        return place

    async with living(same) as life:
        assert START.date() == date(2026, 3, 27)
        await life.lives(LAKE, Put("lake", "x", 10, "p"), Crawl("lake"), Wait(HOUR_S + 9), Tell(1, "n1"))
        # 23:59:59 on the 27th; a second later an object comes.
        await life.lives(Tell(2, "n1", (Use("ann", "lake", "x"),)), Put("lake", "y", 5, "q"), Wait(1), Crawl("lake"))
        assert [each["added"] for each in (await life.growth()).values() if each["added"]] == [10, 5]
        # Europe's clocks change on the 29th of March, New Zealand's on the 5th of April.
        await life.lives(Wait(10 * DAY_S), Tell(3, "n1", covers_s=10 * DAY_S))
        assert await life.gaps(9) == []
        assert await life.gaps(12) == [("", date(2026, 3, 26), 86_400, 0)]
        idle = {key: (day, by, days) for _, _, key, _, day, by, days, *_ in (await life.stale(9))["objects"]}
        assert idle == {"x": (date(2026, 3, 27), "accessed", 11), "y": (date(2026, 3, 28), "first_seen", 10)}


async def test_what_is_exactly_so_old_is_not_older(migrated_database: FreshDatabase) -> None:
    """Objects are stale from the day after the last day that counts, also when an older access is told last."""
    used = Use("ann", "lake", "z")
    async with living(migrated_database) as life:
        await life.lives(LAKE, Put("lake", "x", 10, "p"), Put("lake", "z", 3, "q"), Crawl("lake"), Wait(DAY_S))
        await life.lives(Tell(1, "n1", (used,)), Wait(DAY_S), Tell(2, "n1", covers_s=3 * DAY_S))
        assert (await life.stale(2))["stale"] == (0, 0)
        assert (await life.stale(1))["stale"] == (1, 10)
        # Whoever takes this batch knows nothing of the one before.
        await life.lives(Gather("red"), Tell(3, "n1", (replace(used, ago_s=2 * DAY_S),)))
        assert (await life.stale(1))["stale"] == (1, 10)


async def test_records_late_by_a_day_count_on_their_day(migrated_database: FreshDatabase) -> None:
    """Until they come nobody knows whether data is idle; then it is known, and was used when it was used."""
    async with living(migrated_database) as life:
        await life.lives(LAKE, *TEAMS, Put("lake", "x", 10, "p"), Put("lake", "y", 4, "q"), Crawl("lake"))
        await life.lives(Wait(3 * DAY_S), Tell(1, "n2", covers_s=HOUR_S))
        early = await life.stale(1)
        assert (early["stale"], early["unknown"]) == ((0, 0), (2, 14))
        late = Tell(2, "n1", (Use("ann", "lake", "x", ago_s=DAY_S),), covers_s=DAY_S, ended_ago_s=DAY_S)
        await life.lives(late)
        known = await life.stale(1)
        assert (known["stale"], known["unknown"]) == ((1, 4), (0, 0))
        assert await life.usage("reader") == {"red": 10, "unread": 4}
        # The same batch once more, and what came a month too late, change nothing.
        await life.lives(late, Tell(3, "n1", (Use("bob", "lake", "y", ago_s=31 * DAY_S),)))
        assert await life.usage("reader") == {"red": 10, "unread": 4}


async def test_clocks_that_differ_by_hours_tell_of_one_day(migrated_database: FreshDatabase) -> None:
    """What happened at one moment is of one day, whatever the nodes' clocks said; two minutes are believed."""
    async with living(migrated_database) as life:
        await life.lives(LAKE, Put("lake", "x", 10, "p"), Crawl("lake"), Wait(DAY_S))
        used = (Use("ann", "lake", "x"),)
        await life.lives(
            Tell(1, "n1", used, skew_s=5 * HOUR_S, covers_s=HOUR_S),
            Tell(2, "n2", used, skew_s=-23 * HOUR_S, covers_s=HOUR_S),
        )
        assert (await life.stale(1))["objects"] == []
        day = (await life.rig.plane.users.get(life.rig.call(), "ann")).value.objects[0].last_day
        assert day == date(2026, 3, 28)
        # A minute before midnight a clock that is two minutes fast already has the next day, and is believed.
        await life.lives(Wait(HOUR_S - 50), Tell(3, "n3", used, skew_s=119), Wait(60))
        assert (await life.rig.plane.users.get(life.rig.call(), "ann")).value.objects[0].last_day == date(2026, 3, 29)


async def test_a_renamed_team_keeps_what_is_its_own(migrated_database: FreshDatabase) -> None:
    """Usage and growth go on under the new name, also of before; the old name is nobody's."""
    async with living(migrated_database) as life:
        await life.lives(LAKE, *TEAMS, Put("lake", "a/x", 10, "p"), Crawl("lake"), Wait(DAY_S), Rename("red", "violet"))
        assert await life.usage() == {"violet": 10}
        growth = await life.growth("violet")
        assert {day: (each["end"], each["moved"]) for day, each in growth.items()} == {
            date(2026, 3, 27): (10, 0),
            date(2026, 3, 28): (10, 0),
        }
        with pytest.raises(NotFound):
            await life.growth("red")
        # Another team may have the name then, with nothing in it.
        await life.lives(Gather("red"))
        assert await life.growth("red") == {}


async def test_a_user_in_two_teams_counts_for_both_and_one_in_none_for_nobody(migrated_database: FreshDatabase) -> None:
    """What ann of two teams reads is shared by them; what joe alone reads has a reader, and no team."""
    async with living(migrated_database) as life:
        await life.lives(LAKE, *TEAMS, Gather("blue", ("ann",)), Put("lake", "x", 101, "p"), Put("lake", "y", 7, "q"))
        await life.lives(Crawl("lake"), Tell(1, "n1", (Use("ann", "lake", "x"), Use("joe", "lake", "y"))))
        found = await life.usage("reader")
        assert sorted(found.values()) == [7, 50, 51]
        assert set(found) == {"red", "blue", "unattributed"}
        assert found["unattributed"] == 7
        assert await life.usage("reader", "user") == {"ann": 101, "joe": 7}


async def test_a_file_that_three_teams_read_is_shared_to_the_last_byte(migrated_database: FreshDatabase) -> None:
    """A hundred and one bytes are 34, 34 and 33, however often each reads; owners are not asked."""
    async with living(migrated_database) as life:
        reads = [Use(user, "lake", "a/x") for user in ("ann", "bob", "eve", "ann", "ann")]
        await life.lives(LAKE, *TEAMS, Put("lake", "a/x", 101, "p"), Crawl("lake"), Tell(1, "n1", tuple(reads)))
        found = await life.usage("reader")
        assert sorted(found.values()) == [33, 34, 34]
        assert set(found) == {"red", "blue", "green"}
        assert await life.usage() == {"red": 101}


async def test_an_aborted_crawl_takes_nothing_away(migrated_database: FreshDatabase) -> None:
    """What it saw is there, what it did not see too; the last complete generation is the former."""
    async with living(migrated_database) as life:
        await life.lives(LAKE, Put("lake", "x", 10, "p"), Put("lake", "y", 5, "q"), Crawl("lake"), Wait(60))
        await life.lives(Remove("lake", "x"), Put("lake", "new", 7, "r"), Abort("lake", 2))
        assert (await life.backends())["lake"] == (3, 22, 1, "failed")
        await life.lives(Wait(60), Crawl("lake"))
        assert (await life.backends())["lake"] == (2, 12, 3, "completed")


async def test_a_backend_that_lists_nothing_is_empty_only_if_it_always_was(migrated_database: FreshDatabase) -> None:
    """An empty one is crawled and holds nothing; one that held something keeps it until somebody confirms."""
    async with living(migrated_database) as life:
        await life.lives(LAKE, Put("lake", "x", 10, "p"), Crawl("lake"), Crawl("void"), Wait(60))
        assert (await life.backends())["void"] == (0, 0, 1, "completed")
        await life.lives(Remove("lake", "x"), Crawl("lake"))
        assert (await life.backends())["lake"] == (1, 10, 1, "held")
        assert await life.usage() == {"unattributed": 10}
        await life.lives(Wait(60), Crawl("lake", confirmed=True))
        assert (await life.backends())["lake"] == (0, 0, 3, "completed")
        assert await life.usage() == {}


async def test_what_comes_back_was_removed_and_added_again(migrated_database: FreshDatabase) -> None:
    """An object that was gone for a day is as old as ever, and the day books know of both."""
    async with living(migrated_database) as life:
        await life.lives(LAKE, *TEAMS, Put("lake", "a/x", 10, "p", age_s=5 * DAY_S), Put("lake", "y", 1, "q"))
        await life.lives(Crawl("lake"), Wait(DAY_S), Remove("lake", "a/x"))
        await life.lives(Crawl("lake", confirmed=True), Wait(DAY_S))
        await life.lives(Put("lake", "a/x", 12, "p", age_s=5 * DAY_S), Crawl("lake"), Tell(1, "n1", covers_s=3 * DAY_S))
        assert {
            day: (each["end"], each["added"], each["removed"]) for day, each in (await life.growth("red")).items()
        } == {
            date(2026, 3, 27): (10, 10, 0),
            date(2026, 3, 28): (0, 0, 10),
            date(2026, 3, 29): (12, 12, 0),
        }
        assert (await life.stale(1))["stale"] == (2, 13)
