"""Random plain facts: a few backends, teams and users, and everything that is awkward about what they do."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.support.filled_warehouse import (
    DAY,
    MOMENT,
    PlainBackend,
    PlainCrawl,
    PlainFacts,
    PlainLedger,
    PlainObject,
    PlainTold,
    PlainUse,
)
from warpdrive.adapters.store.memory.warehouse import LedgerCounts
from warpdrive.application.ports.read_models import PutRow, RowChange

TEAMS = ("team-1", "team-2", "team-3", "team-4")
"""Ids. The last is disbanded, though it has members still."""

MEMBERS = (
    ("team-1", "ann"),
    ("team-1", "bob"),
    ("team-2", "ann"),
    ("team-3", "eve"),
    ("team-4", "eve"),
    ("team-4", "zed"),
)
"""Ann is in two teams, zed in none that is left, and joe in none at all."""

USERS = ("ann", "bob", "eve", "joe", "zed", "\u00fcmit", "")
KEYS = ("a", "raw/a", "raw/b/c", "raw/b/d/e", "raw2/x", "\u00e9/\U0001f680", "raw/\nline", "deep/er/still/1")


def random_facts(random: Random) -> PlainFacts:
    """Make some."""
    facts = PlainFacts(
        backends=[
            PlainBackend("lake"),
            PlainBackend("below", prefix="p/"),
            PlainBackend("gone", present=False),
            PlainBackend("empty"),
        ],
        crawls=[PlainCrawl("lake", 1), PlainCrawl("lake", 2), PlainCrawl("below", 1, state="failed")],
    )
    days = [DAY - timedelta(days=random.choice((0, 1, 29, 30, 31, 89, 90, 91, 200))) for _ in range(40)]
    for backend in ("lake", "below", "gone"):
        for key in random.sample(KEYS, random.randint(0, len(KEYS))):
            facts.objects.append(_object(random, backend, key, days))
    for _ in range(random.randint(0, 60)):
        job = random.choice(("", "", "train", "eval"))
        use = PlainUse(
            random.choice(USERS),
            random.choice(days),
            random.choice(("lake", "below", "gone")),
            random.choice(KEYS),
            opens=random.randint(0, 3),
            bytes_read=random.choice((0, 7, 10**12)),
            hits=random.randint(0, 5),
            misses=random.randint(0, 5),
            job=job,
        )
        facts.uses.append(use)
    for day in sorted(set(days)):
        for owners in random.sample([(), ("team-1",), ("team-1", "team-2")], random.randint(0, 3)):
            counts = LedgerCounts(
                *(random.randint(0, 1000) for _ in range(4)), *(random.randint(-99, 99) for _ in "123")
            )
            facts.ledger.append(PlainLedger(day, random.choice(("lake", "below")), owners, counts))
        for node in random.sample(("n1", "n2", "n3"), random.randint(0, 3)):
            told = random.choice((0, 86_400_000 - 120_001, 86_400_000 - 120_000, 86_400_000, 86_400_001))
            facts.told.append(PlainTold(node, day, covered_ms=told, lost=random.choice((0, 0, 0, 1))))
    return facts


def team_rows() -> Sequence[RowChange]:
    """Return what the read models say of the teams."""
    stamps: dict[str, Any] = {"version": 1, "position": 1, "updated_at": MOMENT, "created_at": MOMENT}
    teams = [
        PutRow("teams", {"id": each, "name": f"the {each}", "disbanded": each == TEAMS[-1], **stamps}) for each in TEAMS
    ]
    members = [PutRow("team_members", {"team_id": team, "principal": user}) for team, user in MEMBERS]
    return [*teams, *members]


def _object(random: Random, backend: str, key: str, days: Sequence[Any]) -> PlainObject:
    def moment() -> datetime:
        # The last and first second of a day, where time zones and rounding would show.
        day = datetime.combine(random.choice(days), datetime.min.time(), UTC)
        return day + random.choice((timedelta(0), timedelta(hours=23, minutes=59, seconds=59)))

    return PlainObject(
        backend,
        key,
        size=random.choice((0, 1, 2, 10, 10, 1000, 2**52)),
        modified_at=moment(),
        first_seen=moment(),
        owners=random.choice(((), ("team-1",), ("team-1", "team-2"), ("team-1", "team-2", "team-3"))),
        storage_class=random.choice(("", "hot", "cold")),
        deleted_at=random.choice((None, None, None, MOMENT)),
        last_access=random.choice((None, random.choice(days))),
    )
