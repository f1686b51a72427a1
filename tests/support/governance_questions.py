"""Every governance question, asked of a control plane, with answers in the shapes of `governance_answers`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import md5
from typing import Any

import pytest

from tests.support.governance_answers import GovernanceAnswers, whole_key
from tests.support.governance_story import PREFIXES, USERS
from warpdrive.application.control.calls import Call
from warpdrive.application.control.errors import NotFound
from warpdrive.application.control.plane import ControlPlane

GROWTH_DAYS = 45
BACKENDS = ("", *PREFIXES)


def digest_of(content: str, size: int) -> bytes:
    """Return the MD5 of some content; the letter stands for it."""
    return md5(f"{content}{size}".encode(), usedforsecurity=False).digest()


_CONTENTS = {digest_of(content, size).hex(): content for content in "pqr" for size in (0, 1, 2, 10, 101, 2**31 + 1)}


@dataclass
class Question:
    """One question: its words, what it comes to by the model, and how it is asked."""

    words: str
    expected: Callable[[GovernanceAnswers], Any]
    ask: Callable[["Asker"], Awaitable[Any]]


class Asker:
    """Asks one plane, and holds what every answer has to be by itself."""

    def __init__(self, plane: ControlPlane, call: Callable[[], Call]) -> None:
        self._plane = plane
        self._call = call

    async def usage(
        self, group_by: str, basis: str, backend: str, team: str, prefix: str, depth: int, days: int
    ) -> Any:
        """Ask for usage."""
        done = await self._plane.usage.get(
            self._call(),
            group_by=group_by,
            basis=basis,
            backend=backend,
            team=team,
            prefix=prefix,
            depth=depth,
            days=days,
        )
        view = done.value
        assert view.total_objects == sum(row.objects for row in view.rows)
        assert view.total_bytes == sum(row.bytes for row in view.rows)
        named = [row.bytes for row in view.rows if row.kind not in ("unattributed", "unread")]
        assert named == sorted(named, reverse=True)
        assert sum(row.share for row in view.rows) == pytest.approx(1 if view.total_bytes else 0)
        return {(row.name, row.id, row.kind): (row.objects, row.bytes) for row in view.rows}

    async def stale(self, days: int, min_size: int, backend: str, team: str) -> Any:
        """Ask for stale objects, three a page."""
        objects: list[Any] = []
        token = ""
        while True:
            view = (
                await self._plane.stale.page(
                    self._call(), days=days, min_size=min_size, backend=backend, team=team, size=3, token=token
                )
            ).value
            objects += view.objects
            if not (token := view.next_token):
                break
        assert [each.bytes for each in objects] == sorted((each.bytes for each in objects), reverse=True)
        return {
            "stale": (view.stale_objects, view.stale_bytes),
            "unknown": (view.unknown_objects, view.unknown_bytes),
            "total": (view.total_objects, view.total_bytes),
            "objects": sorted(
                (
                    *(each.bytes, each.backend, each.key, each.teams, each.last_used_day, each.last_used_by),
                    *(each.idle_days, each.standing, each.storage_class),
                )
                for each in objects
            ),
        }

    async def coverage(self, days: int) -> Any:
        """Ask how much was told."""
        view = (await self._plane.stale.page(self._call(), days=days, size=1)).value
        coverage = view.as_of.coverage
        assert coverage is not None
        assert view.as_of.attributed_position == view.as_of.position
        gaps = [(gap.node, gap.day, gap.missing_seconds, gap.lost_records) for gap in coverage.gaps]
        return pytest.approx(coverage.share), gaps

    async def growth(self, backend: str, team: str) -> Any:
        """Ask for growth."""
        view = (await self._plane.growth.get(self._call(), backend=backend, team=team, days=GROWTH_DAYS)).value
        return [
            (
                each.day,
                {
                    "end": (each.objects, each.bytes),
                    "added": (each.flow.added_objects, each.flow.added_bytes),
                    "removed": (each.flow.removed_objects, each.flow.removed_bytes),
                    "changed": (0, each.flow.changed_bytes),
                    "moved": (each.flow.moved_objects, each.flow.moved_bytes),
                },
            )
            for each in view.days
        ]

    async def user(self, user: str, days: int) -> Any:
        """Ask for a user."""
        try:
            view = (await self._plane.users.get(self._call(), user, days=days)).value
        except NotFound:
            return None
        return {
            "teams": list(view.teams),
            "backends": {each.backend: (each.opens, each.bytes_read, each.hits, each.misses) for each in view.backends},
            "jobs": {each.job: (each.opens, each.bytes_read, each.last_day) for each in view.jobs},
            "objects": sorted(
                (each.bytes_read, each.opens, each.backend, each.key, each.bytes, each.last_day)
                if each.bytes is not None
                else (each.bytes_read, each.opens, *whole_key(f"unknown {each.backend}", each.key), -1, each.last_day)
                for each in view.objects
            ),
            "share": view.reader_bytes,
        }

    async def duplicates(self, min_size: int, backend: str) -> Any:
        """Ask for duplicates."""
        view = (await self._plane.duplicates.page(self._call(), min_size=min_size, backend=backend, size=1000)).value
        groups, each = {}, {}
        for group in view.groups:
            kind, _, digest = group.checksum.partition(":")
            assert (kind, group.confidence) == ("md5", "high")
            where = (group.bytes, _CONTENTS[digest])
            groups[where] = sorted((copy.backend, copy.key) for copy in group.copies)
            each[where] = group.wasted_bytes
        return {"groups": groups, "each": each, "wasted": view.wasted_bytes, "unchecked": view.unchecked_objects}

    async def quotas(self) -> Any:
        """Ask how quotas stand."""
        page = (await self._plane.quotas.page(self._call(), team="", backend="", size=1000, token="")).value
        return {(each.team_id, each.backend): (each.usage, each.standing, each.grace_until) for each in page.items}

    async def backends(self) -> Any:
        """Ask for backends."""
        view = (await self._plane.backends.every(self._call())).value
        return {
            each.name: (
                each.objects,
                each.bytes,
                each.generation,
                each.last_crawl.state.value if each.last_crawl else "",
            )
            for each in view.backends
        }

    async def costs(self, group_by: str, backend: str, team: str) -> Any:
        """Ask for costs."""
        view = (await self._plane.costs.get(self._call(), group_by=group_by, backend=backend, team=team)).value
        rows = {row.id: (row.bytes, Decimal(row.capacity), Decimal(row.total_high)) for row in view.rows}
        assert not any(row.unpriced_bytes for row in view.rows)
        return rows, Decimal(view.total_high)


def questions(teams: dict[str, str]) -> list[Question]:  # noqa: C901 - one line for each kind of question
    """Make all of them. `teams`: ids by name."""
    found: list[Question] = []

    def add(words: str, expected: Callable[[GovernanceAnswers], Any], ask: Callable[[Asker], Awaitable[Any]]) -> None:
        found.append(Question(words, expected, ask))

    def owned(group_by: str, backend: str, team: str, prefix: str, depth: int) -> None:
        add(
            f"owned by {group_by}: {backend} {team} {prefix} {depth}",
            lambda answers: answers.owned(group_by, backend, teams.get(team, ""), prefix, depth),
            lambda asker: asker.usage(group_by, "owner", backend, team, prefix, depth, 0),
        )

    def read(group_by: str, backend: str, team: str, days: int) -> None:
        add(
            f"read by {group_by}: {backend} {team} {days}",
            lambda answers: answers.read(group_by, backend, teams.get(team, ""), days),
            lambda asker: asker.usage(group_by, "reader", backend, team, "", 0, days),
        )

    def stale(days: int, min_size: int, backend: str, team: str) -> None:
        add(
            f"stale: {days} {min_size} {backend} {team}",
            lambda answers: answers.stale(days, min_size, backend, teams.get(team, "")),
            lambda asker: asker.stale(days, min_size, backend, team),
        )

    def growth(backend: str, team: str) -> None:
        add(
            f"growth: {backend} {team}",
            lambda answers: answers.growth(backend, teams.get(team, ""), GROWTH_DAYS),
            lambda asker: asker.growth(backend, team),
        )

    def costs(group_by: str, backend: str, team: str) -> None:
        add(
            f"costs by {group_by}: {backend} {team}",
            lambda answers: answers.costs(group_by, backend, teams.get(team, "")),
            lambda asker: asker.costs(group_by, backend, team),
        )

    def user(name: str) -> None:
        add(f"user {name}", lambda answers: answers.user(name, 30), lambda asker: asker.user(name, 30))

    def coverage(days: int) -> None:
        add(f"coverage {days}", lambda answers: answers.coverage(days), lambda asker: asker.coverage(days))

    def duplicates(min_size: int, backend: str) -> None:
        add(
            f"duplicates: {min_size} {backend}",
            lambda answers: answers.duplicates(min_size, backend),
            lambda asker: asker.duplicates(min_size, backend),
        )

    for team in ("", *teams):
        owned("team", "", team, "", 0)
        owned("backend", "", team, "", 0)
        owned("prefix", "lake", team, "", 2)
        read("team", "", team, 30)
        read("user", "", team, 90)
        stale(1, 2, "", team)
        growth("", team)
        costs("team", "", team)
    for backend in BACKENDS[1:]:
        owned("team", backend, "", "b/", 0)
        owned("prefix", backend, "", "", 1)
        read("team", backend, "", 90)
        stale(30, 0, backend, "")
        growth(backend, "")
    for group_by in ("team", "backend"):
        read(group_by, "", "", 90)
        costs(group_by, "lake", "")
    growth("lake", next(iter(teams), ""))
    costs("backend", "", "")
    owned("team", "", "", "a/", 0)
    for days in (1, 30, 90):
        stale(days, 0, "", "")
        coverage(days)
    for name in (*USERS, "nobody"):
        user(name)
    for backend in ("", "pond"):
        duplicates(0, backend)
        duplicates(10, backend)
    add("quotas", lambda answers: answers.quotas(), lambda asker: asker.quotas())
    add("backends", lambda answers: answers.backends(), lambda asker: asker.backends())
    return found
