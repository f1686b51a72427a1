"""Every governance answer worked out from a model, as plain values, as `governance_questions` asks for them."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.support.governance_model import Counted, GovernanceModel, Indexed, Owned, kept_text, shared
from tests.support.governance_story import BOOK, PREFIXES

Plain = Any
"""Numbers, texts, and dictionaries, tuples and sets of them."""

_SERVED_PER_READ = 4 << 20
_READS_PER_REQUEST = 32
_FLOWS = ("added", "removed", "changed", "moved")


class GovernanceAnswers:
    """Answers as of the model's moment."""

    def __init__(self, model: GovernanceModel) -> None:
        self._model = model
        self.today = model.now.date()

    def _there(self) -> Iterator[tuple[str, str, Indexed]]:
        """Yield place, whole key and what is known."""
        for (place, key), each in self._model.objects.items():
            if each.there:
                yield place, key, each

    def owned(self, group_by: str, backend: str, team: str, prefix: str, depth: int) -> Plain:
        """By the owner basis: name, id and kind of each group to its objects and bytes. `team` is an id or ""."""
        sums: dict[tuple[str, Owned, str], tuple[int, int]] = {}
        for _, key, each in self._there():
            below = kept_text(key[len(PREFIXES[each.backend][1]) :])
            if backend in ("", each.backend) and below.startswith(prefix):
                folders = below.split("/")[:-1][: depth if group_by == "prefix" else 0]
                part = "".join(folder + "/" for folder in folders)
                row = (part, (each.backend, each.owners), each.put.storage_class)
                objects, size = sums.get(row, (0, 0))
                sums[row] = (objects + 1, size + each.put.size)
        groups: dict[tuple[str, str, str], tuple[int, int]] = {}
        for (part, (home, owners), _), (objects, size) in sums.items():
            counts, sizes = shared(objects, owners or ("",)), shared(size, owners or ("",))
            for owner, count in counts.items():
                if team in ("", owner):
                    self._add(groups, self._group(group_by, owner, home, part), count, sizes[owner])
        return {group: sum_ for group, sum_ in groups.items() if sum_ != (0, 0)}

    def _group(self, group_by: str, owner: str, home: str, part: str) -> tuple[str, str, str]:
        if group_by == "team":
            return (self._model.teams[owner].name, owner, "team") if owner else ("", "", "unattributed")
        name = home if group_by == "backend" else part
        return name, name, group_by

    def _add(
        self, groups: dict[tuple[str, str, str], tuple[int, int]], group: tuple[str, str, str], n: int, b: int
    ) -> None:
        objects, size = groups.get(group, (0, 0))
        groups[group] = (objects + n, size + b)

    def _readers(self, place: str, key: str, days: int) -> set[str]:
        first = self.today - timedelta(days=days)
        return {user for user, day in self._model.used.get((place, key), {}) if day >= first}

    def _teams_of(self, user: str) -> set[str]:
        return {each for each, team in self._model.teams.items() if user in team.members} or {""}

    def read(self, group_by: str, backend: str, team: str, days: int) -> Plain:
        """By the reader basis, as `owned`."""
        groups: dict[tuple[str, str, str], tuple[int, int]] = {}
        for place, key, each in self._there():
            if backend not in ("", each.backend):
                continue
            readers = self._readers(place, key, days)
            teams = {one for user in readers for one in self._teams_of(user)}
            sharers = tuple(readers if group_by == "user" else teams)
            if not sharers:
                if not team:
                    self._add(groups, ("", "", "unread"), 1, each.put.size)
                continue
            counts, sizes = shared(1, sharers), shared(each.put.size, sharers)
            for sharer, count in counts.items():
                if group_by == "user":
                    if not team or sharer in self._model.teams[team].members:
                        self._add(groups, (sharer, sharer, "user"), count, sizes[sharer])
                elif team in ("", sharer):
                    group = self._group("team", sharer, "", "")
                    self._add(
                        groups,
                        (each.backend, each.backend, "backend") if group_by == "backend" else group,
                        count,
                        sizes[sharer],
                    )
        return {group: sum_ for group, sum_ in groups.items() if sum_ != (0, 0)}

    def coverage(self, days: int) -> tuple[Fraction, list[tuple[str, date, int, int]]]:
        """Share of today and the days before that was told, and gaps: node, day, seconds missing, records lost."""
        here = told = 0
        gaps: list[tuple[str, date, int, int]] = []
        for back in range(days + 1):
            day = self.today - timedelta(days=back)
            nodes = {node for node, each in (*self._model.told, *self._model.present) if each == day}
            for node in nodes:
                covered, lost = self._model.told.get((node, day), (0, 0))
                present = max(covered, self._model.present.get((node, day), 0))
                here, told = here + present, told + covered
                if lost or present - covered > 120_000:
                    gaps.append((node, day, (present - covered) // 1_000, lost))
            if not nodes and back:
                here += 86_400_000
                gaps.append(("", day, 86_400, 0))
        return (Fraction(told, here) if here else Fraction(0)), sorted(gaps, key=lambda gap: (gap[1], gap[0]))

    def last_used(self, place: str, key: str, each: Indexed) -> tuple[date, str]:
        """Say on which day an object was used last, and how."""
        days = [(each.first_seen.date(), 0, "first_seen"), (each.modified.date(), 1, "modified")]
        days += [(day, 2, "accessed") for _, day in self._model.used.get((place, key), {})]
        day, _, how = max(days)
        return day, how

    def stale(self, days: int, min_size: int, backend: str, team: str) -> Plain:
        """What is idle: standing, sums of it and of all, and every object, in the order of sizes and keys."""
        standing = "unknown" if self.coverage(days)[1] else "stale"
        idle: list[Plain] = []
        total = [0, 0]
        for place, key, each in self._there():
            if backend not in ("", each.backend) or each.put.size < min_size or (team and team not in each.owners):
                continue
            total = [total[0] + 1, total[1] + each.put.size]
            day, how = self.last_used(place, key, each)
            if (self.today - day).days > days:
                names = tuple(sorted(self._model.teams[owner].name for owner in each.owners))
                below = kept_text(key[len(PREFIXES[each.backend][1]) :])
                more = (names, day, how, (self.today - day).days, standing, each.put.storage_class)
                idle.append((each.put.size, each.backend, below, *more))
        sums = (len(idle), sum(each[0] for each in idle))
        both = (sums, (0, 0)) if standing == "stale" else ((0, 0), sums)
        return {"stale": both[0], "unknown": both[1], "total": tuple(total), "objects": sorted(idle)}

    def growth(self, backend: str, team: str, days: int) -> Plain:
        """Each day's end and what it brought: objects and bytes, and of each flow."""
        found = []
        for back in reversed(range(days)):
            day = self.today - timedelta(days=back)
            earlier = [each for each in self._model.ends if each <= day]
            there = self._model.ends[max(earlier)] if earlier else {}
            row = {"end": self._parts(there, backend, team)}
            for what in _FLOWS:
                sums: dict[Owned, tuple[int, int]] = {}
                for when, owned, kind, objects, size in self._model.happened:
                    if (when, kind) == (day, what):
                        before = sums.get(owned, (0, 0))
                        sums[owned] = (before[0] + objects, before[1] + size)
                row[what] = self._parts(sums, backend, team)
            found.append((day, row))
        return found

    def _parts(self, sums: dict[Owned, tuple[int, int]], backend: str, team: str) -> tuple[int, int]:
        objects = size = 0
        for (home, owners), (count, total) in sums.items():
            if backend in ("", home) and (not team or team in owners):
                objects += shared(count, owners)[team] if team else count
                size += shared(total, owners)[team] if team else total
        return objects, size

    def user(self, user: str, days: int) -> Plain:
        """What a user did; None when nobody knows the user."""
        first = self.today - timedelta(days=days)
        teams = sorted(team.name for team in self._model.teams.values() if user in team.members)
        if not teams and not any(each == user for _, _, each, _ in self._model.active):
            return None
        backends: dict[str, Counted] = {}
        jobs: dict[str, tuple[Counted, date]] = {}
        for (day, backend, each, job), counted in sorted(self._model.active.items()):
            if each == user and first <= day <= self.today:
                backends.setdefault(backend, Counted()).add(counted)
                if job:
                    sums, _ = jobs.setdefault(job, (Counted(), day))
                    sums.add(counted)
                    jobs[job] = (sums, day)
        objects = []
        for (place, key), uses in self._model.used.items():
            mine = [
                (day, counted) for (each, day), counted in uses.items() if each == user and first <= day <= self.today
            ]
            if mine:
                known = self._model.objects.get((place, key))
                opens, read = sum(one.opens for _, one in mine), sum(one.bytes_read for _, one in mine)
                last = max(day for day, _ in mine)
                if known is not None and known.there:
                    below = kept_text(key[len(PREFIXES[known.backend][1]) :])
                    objects.append((read, opens, known.backend, below, known.put.size, last))
                else:
                    objects.append((read, opens, *whole_key(place, key), -1, last))
        share = self.read("user", "", "", 30).get((user, user, "user"), (0, 0))[1]
        return {
            "teams": teams,
            "backends": {
                name: (each.opens, each.bytes_read, each.hits, each.misses) for name, each in backends.items()
            },
            "jobs": {name: (each.opens, each.bytes_read, last) for name, (each, last) in jobs.items()},
            "objects": sorted(objects),
            "share": share,
        }

    def duplicates(self, min_size: int, backend: str) -> Plain:
        """Groups of the same bytes, with what is wasted, and how many objects have no checksum."""
        groups: dict[tuple[int, str], list[tuple[str, str]]] = {}
        unchecked = 0
        for _, key, each in self._there():
            size, content = each.put.size, each.put.content
            if size and size >= min_size:
                if content == "-":
                    unchecked += backend in ("", each.backend)
                else:
                    below = kept_text(key[len(PREFIXES[each.backend][1]) :])
                    groups.setdefault((size, content), []).append((each.backend, below))
        kept = {
            where: sorted(copies)
            for where, copies in groups.items()
            if len(copies) > 1 and (not backend or any(home == backend for home, _ in copies))
        }
        wasted = {(size, content): size * (len(copies) - 1) for (size, content), copies in kept.items()}
        return {"groups": kept, "each": wasted, "wasted": sum(wasted.values()), "unchecked": unchecked}

    def quotas(self) -> Plain:
        """Every quota of a team that is there: usage, standing and end of grace."""
        found = {}
        for (team, backend), quota in self._model.quotas.items():
            if team in self._model.teams:
                standing = "unknown" if quota.usage is None else "ok"
                if quota.usage is not None and quota.grace_until is not None:
                    standing = "warned" if self._model.now < quota.grace_until else "grace_ended"
                if quota.usage is not None and quota.usage > quota.limit.hard:
                    standing = "exceeded"
                found[team, backend] = (quota.usage, standing, quota.grace_until)
        return found

    def backends(self) -> Plain:
        """Each mounted backend: objects, bytes, complete generation, and how its newest crawl ended."""
        found = {}
        for name in self._model.mounted:
            crawled = self._model.crawls.get(PREFIXES[name][0])
            mine = [each.put.size for _, _, each in self._there() if each.backend == name]
            found[name] = (len(mine), sum(mine), crawled.completed if crawled else 0, crawled.state if crawled else "")
        return found

    def costs(self, group_by: str, backend: str, team: str) -> Plain:
        """Each group's bytes, capacity, and the highest that it may cost; and the highest of all."""
        used: dict[str, list[int]] = {}
        for (day, name, _, _), each in self._model.active.items():
            if self.today - timedelta(days=29) <= day <= self.today and backend in ("", name):
                sums = used.setdefault(name, [0, 0, 0])
                for at, more in enumerate((each.opens, each.bytes_read, each.misses)):
                    sums[at] += more
        rows = {row: size for row, size in self._model.held_sums().items() if backend in ("", row[0])}
        parts = []
        for (home, owners, kind), size in rows.items():
            for owner, part in shared(size, owners or ("",)).items():
                parts.append((owner, home, kind, part))
        whole = {
            name: sum(size for (home, _, _), size in rows.items() if home == name)
            for name in {*used, *(row[0] for row in rows)}
        }
        parts = [part for part in parts if whole[part[1]]]
        parts += [("", name, "", 0) for name in used if not whole[name]]
        groups: dict[str, list[Any]] = {}
        for owner, home, kind, size in parts:
            if team in ("", owner):
                costs = groups.setdefault(owner if group_by == "team" else home, [0, Fraction(0), Fraction(0)])
                capacity = Fraction(self._price(home, kind)[0]) * size / 2**30
                costs[0], costs[1] = costs[0] + size, costs[1] + capacity
                share = Fraction(size, whole[home]) if whole[home] else Fraction(1)
                kinds = {each for _, name, each, _ in parts if name == home}
                costs[2] += capacity + share * self._most(
                    used.get(home, [0, 0, 0]), [self._price(home, each) for each in kinds]
                )
        written = {name: (size, _money(capacity), _money(most)) for name, (size, capacity, most) in groups.items()}
        return written, _money(sum((most for _, _, most in groups.values()), Fraction(0)))

    def _price(self, backend: str, kind: str) -> tuple[Decimal, Decimal, Decimal]:
        """Find a class's prices: the backend's own before the class's own, of those the latest."""
        fits = [
            (entry[0] != "*", entry[1] != "*", entry[2], entry[3:])
            for entry in BOOK
            if entry[0] in ("*", backend) and entry[1] in ("*", kind) and entry[2] <= self.today
        ]
        return max(fits)[3]

    def _most(self, used: list[int], prices: list[tuple[Decimal, Decimal, Decimal]]) -> Fraction:
        opens, served, misses = used
        requests = max(Fraction(price[1]) for price in prices) / 1000 * (misses + opens)
        return requests + max(Fraction(price[2]) for price in prices) / 2**30 * max(served, misses * _SERVED_PER_READ)


def whole_key(place: str, key: str) -> tuple[str, str]:
    """Say where something is that is not there: by which of several names it was used last is nobody's matter."""
    name = place.removeprefix("unknown ")
    if name != place and name in PREFIXES:
        place, key = PREFIXES[name][0], PREFIXES[name][1] + key
    return place.removeprefix("unknown "), kept_text(key)


def _money(amount: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = 200
        exact = Decimal(amount.numerator) / Decimal(amount.denominator)
        return exact.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
