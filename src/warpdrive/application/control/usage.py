"""Usage: who holds how much, by the teams' rules or by who reads it. Rows always add up to what is indexed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Final

from warpdrive.application.control.answer_names import AnswerNames
from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed
from warpdrive.application.ports.object_facts import ObjectFacts, PrefixRow
from warpdrive.application.ports.reader_shares import WINDOWS, ReaderShare, ReaderShares
from warpdrive.application.ports.usage_facts import CapacityRow, UsageFacts
from warpdrive.domain.governance.splitting import split

GROUPS: Final = ("team", "user", "backend", "prefix")
BASES: Final = ("owner", "reader")

MOST_GROUPS: Final = 10_000
"""Prefixes in one answer: more cannot be read, and would not fit a message."""
_MOST_SUMS: Final = 100_000
"""Of prefixes, owners and classes: what is more is not even looked at."""
DEEPEST: Final = 32
"""Parts of a key by which can be grouped."""

OWNER_RULE: Final = (
    "owner: of the teams' ownership rules the one with the longest prefix that a key starts with; objects of several "
    "teams are split evenly, sum by sum of backend, owners and storage class, the remainder to the first by id"
)
READER_RULE: Final = (
    "reader: who opened, read or wrote an object today (UTC) or in the {days} days before; each object is split evenly "
    "among its readers' {sharers}, the remainder to the first in order{rest}"
)
_TEAM_SHARERS: Final = "teams (a user in two counts for both, users in none are one sharer)"

Counts = dict[tuple[str, str], tuple[int, int]]
"""By subject and kind: objects, bytes."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one group holds. `name` "": `kind` says why; `share` of all bytes, 0 to 1."""

    name: str
    id: str
    kind: str
    objects: int
    bytes: int
    share: float


@dataclass(frozen=True, slots=True)
class UsageView:
    """Largest first; what nobody owns or read comes last. The totals are the rows' sums."""

    rows: tuple[UsageRow, ...]
    total_objects: int
    total_bytes: int
    basis: str
    rule: str
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked, with names looked up; "" is all."""

    group_by: str
    backend: str
    team_id: str
    prefix: str
    days: int
    depth: int


class Usage:
    """Use case of usage. Raises Malformed, NotFound (team, backend) and the store's errors."""

    def __init__(
        self, names: AnswerNames, moments: Moments, sums: UsageFacts, objects: ObjectFacts, readers: ReaderShares
    ) -> None:
        self._names = names
        self._moments = moments
        self._sums = sums
        self._objects = objects
        self._readers = readers

    async def get(
        self,
        call: Call,
        *,
        group_by: str = "",
        backend: str = "",
        team: str = "",
        prefix: str = "",
        basis: str = "",
        days: int = 0,
        depth: int = 0,
    ) -> Done[UsageView]:
        """Answer; "" and 0 stand for what is usual."""
        group_by = group_by or "team"
        basis = basis or ("reader" if group_by == "user" else "owner")
        _check(group_by, basis, backend=backend, prefix=prefix, days=days, depth=depth)
        team_id = await self._names.team_id(team)
        await self._names.check_backend(backend)
        question = _Question(group_by, backend, team_id, prefix, days or WINDOWS[0], depth or 1)
        concerned = [backend] if backend else None
        if basis == "reader":
            today = call.at.astimezone(UTC).date()
            window = (today - timedelta(days=question.days), today)
            as_of = await self._moments.now(call.at, backends=concerned, window=window, readers=True)
            view = await self._by_readers(question, as_of)
        else:
            as_of = await self._moments.now(call.at, backends=concerned)
            view = await self._by_owners(question, as_of)
        return Done(view, as_of.position)

    async def _by_owners(self, question: _Question, as_of: AsOf) -> UsageView:
        rows: Sequence[CapacityRow | PrefixRow]
        if question.group_by == "prefix" or question.prefix:
            parts = question.depth if question.group_by == "prefix" else 0
            rows = await self._objects.below(
                question.prefix, backend=question.backend, parts=parts, limit=_MOST_SUMS + 1
            )
            if len(rows) > _MOST_SUMS:
                raise Malformed("depth", f"makes more than {_MOST_SUMS} sums; ask for fewer parts")
        else:
            rows = [row for row in await self._sums.capacity() if question.backend in {"", row.backend}]
        counts: Counts = {}
        for row in rows:
            _add_owned(counts, row, question)
        if question.group_by == "prefix" and len(counts) > MOST_GROUPS:
            raise Malformed("depth", f"makes {len(counts)} groups, more than {MOST_GROUPS}; ask for fewer parts")
        return await self._view(counts, question.group_by, "owner", OWNER_RULE, as_of)

    async def _by_readers(self, question: _Question, as_of: AsOf) -> UsageView:
        by_user = question.group_by == "user"
        counted = await self._readers.shares(question.days, "user" if by_user else "team")
        shares = [row for row in counted.rows if question.backend in {"", row.backend}]
        sharers, rest = ("users", "") if by_user else (_TEAM_SHARERS, "")
        if question.team_id and by_user:
            members = await self._names.members(question.team_id)
            shares = [row for row in shares if row.kind == "user" and row.subject in members]
            rest = "; only the shares of the team's members are shown"
        elif question.team_id:
            shares = [row for row in shares if row.kind == "team" and row.subject == question.team_id]
            rest = "; only the team's share is shown"
        counts: Counts = {}
        for row in shares:
            _add(counts, _reader_group(row, question.group_by), row.objects, row.bytes)
        rule = READER_RULE.format(days=question.days, sharers=sharers, rest=rest)
        # The rows are as of when they were counted, which may be later than when their moment was asked for.
        return await self._view(
            counts, question.group_by, "reader", rule, replace(as_of, readers_counted_at=counted.counted_at)
        )

    async def _view(self, counts: Counts, group_by: str, basis: str, rule: str, as_of: AsOf) -> UsageView:
        names: Mapping[str, str] = {}
        if group_by == "team":
            names = await self._names.teams([subject for subject, kind in counts if kind == "team"])
        total_objects = sum(objects for objects, _ in counts.values())
        total_bytes = sum(size for _, size in counts.values())
        rows = [
            UsageRow(
                name=names.get(subject, subject),
                id=subject,
                kind=kind,
                objects=objects,
                bytes=size,
                share=size / total_bytes if total_bytes else 0.0,
            )
            for (subject, kind), (objects, size) in counts.items()
            if objects or size
        ]
        rows.sort(key=lambda row: (row.kind in {"unattributed", "unread"}, -row.bytes, row.name, row.kind))
        return UsageView(tuple(rows), total_objects, total_bytes, basis, rule, as_of)


def _check(group_by: str, basis: str, *, backend: str, prefix: str, days: int, depth: int) -> None:
    """Refuse questions that have no answer. Raises Malformed."""
    if group_by not in GROUPS:
        raise Malformed("group_by", f"must be one of {', '.join(GROUPS)}")
    if basis not in BASES:
        raise Malformed("basis", f"must be one of {', '.join(BASES)}")
    if not 0 <= depth <= DEEPEST:
        raise Malformed("depth", f"must be 0 (for 1) to {DEEPEST}")
    if basis == "owner":
        if group_by == "user":
            raise Malformed("basis", "users own nothing, teams do: ask for basis reader, or group by team")
        if days:
            raise Malformed("days", "matters to basis reader only: what is owned is owned now")
    elif days not in {0, *WINDOWS}:
        raise Malformed("days", f"must be one of {', '.join(map(str, WINDOWS))}: other windows are not counted")
    elif prefix or group_by == "prefix":
        field = "prefix" if prefix else "group_by"
        raise Malformed(field, "readers are counted by backend, not by prefix: ask for basis owner")
    if group_by == "prefix" and not backend:
        raise Malformed("backend", "is needed to group by prefix: keys of several backends have nothing in common")


def _add_owned(counts: Counts, row: CapacityRow | PrefixRow, question: _Question) -> None:
    """Add a sum to its groups: a team's part only, where one was asked about."""
    owners = row.owners or ("",)
    if question.team_id and question.team_id not in owners:
        return
    objects, sizes = split(row.objects, owners), split(row.bytes, owners)
    for owner in [question.team_id] if question.team_id else sorted(set(owners)):
        _add(counts, _owner_group(row, owner, question.group_by), objects[owner], sizes[owner])


def _owner_group(row: CapacityRow | PrefixRow, owner: str, group_by: str) -> tuple[str, str]:
    if group_by == "team":
        return (owner, "team") if owner else ("", "unattributed")
    if group_by == "prefix":
        return (row.group if isinstance(row, PrefixRow) else ""), "prefix"
    return row.backend, "backend"


def _reader_group(row: ReaderShare, group_by: str) -> tuple[str, str]:
    if group_by == "backend" and row.kind != "unread":
        return row.backend, "backend"
    return row.subject, row.kind


def _add(counts: Counts, group: tuple[str, str], objects: int, size: int) -> None:
    before = counts.get(group, (0, 0))
    counts[group] = (before[0] + objects, before[1] + size)
