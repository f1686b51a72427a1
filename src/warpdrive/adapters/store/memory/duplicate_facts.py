"""`DuplicateFacts` in memory, by going through all objects each time: also what the real ones must equal."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date

from warpdrive.adapters.store.memory.warehouse import ObjectRow, Warehouse
from warpdrive.application.ports.duplicate_facts import (
    CopyRow,
    DuplicateQuestion,
    DuplicateSums,
    GroupMark,
    GroupRow,
    IdleRow,
    SurplusRow,
)
from warpdrive.domain.governance.duplicates import wasted_bytes
from warpdrive.domain.governance.staleness import last_use

_Member = tuple[int, str, ObjectRow]
"""Number in the order in which objects became known, whole key, row."""


class MemoryDuplicateFacts:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def sums(self, question: DuplicateQuestion) -> DuplicateSums:
        """See the port."""
        groups = self._groups(question)
        unchecked = sum(
            1
            for _, _, row in self._there()
            if row.digest is None and row.size >= max(1, question.min_size) and question.backend in {"", row.backend}
        )
        return DuplicateSums(len(groups), sum(mark.wasted_bytes for mark, _ in groups), unchecked)

    async def groups(
        self, question: DuplicateQuestion, *, after: GroupMark | None, limit: int, copies: int
    ) -> Sequence[GroupRow]:
        """See the port."""
        found = [each for each in self._groups(question) if after is None or _order(each[0]) > _order(after)]
        return [
            GroupRow(mark, len(members), tuple(map(self._copy, sorted(members, key=_copy_order)[:copies])))
            for mark, members in found[:limit]
        ]

    async def surplus(self) -> Sequence[SurplusRow]:
        """See the port."""
        sums: dict[tuple[str, tuple[str, ...], str, str], list[int]] = {}
        for mark, members in self._groups(DuplicateQuestion()):
            kept = max(members, key=lambda member: (_last_used(member[2]), -member[0]))
            for member in members:
                if member is not kept:
                    row = member[2]
                    counted = sums.setdefault((row.backend, row.owners, row.storage_class, mark.kind), [0, 0])
                    counted[0] += 1
                    counted[1] += row.size
        return [SurplusRow(*key, objects, size) for key, (objects, size) in sorted(sums.items())]

    async def idle(self, before: Sequence[date]) -> Sequence[IdleRow]:
        """See the port."""
        sums: dict[tuple[int, str, tuple[str, ...], str], list[int]] = {}
        for _, _, row in self._there():
            for question, day in enumerate(before):
                if _last_used(row) < day:
                    counted = sums.setdefault((question, row.backend, row.owners, row.storage_class), [0, 0])
                    counted[0] += 1
                    counted[1] += row.size
        return [IdleRow(*key, objects, size) for key, (objects, size) in sorted(sums.items())]

    def _there(self) -> Iterator[_Member]:
        for number, ((_, key), row) in enumerate(self._warehouse.objects.items()):
            if row.deleted_at is None:
                yield number, key, row

    def _groups(self, question: DuplicateQuestion) -> list[tuple[GroupMark, list[_Member]]]:
        groups: dict[tuple[int, tuple[str, bytes]], list[_Member]] = {}
        for member in self._there():
            row = member[2]
            if row.digest is not None and row.size >= max(1, question.min_size):
                groups.setdefault((row.size, row.digest), []).append(member)
        found = [
            (GroupMark(wasted_bytes(size, len(members)), size, *digest), members)
            for (size, digest), members in groups.items()
            if len(members) > 1
            and (not question.backend or any(row.backend == question.backend for _, _, row in members))
        ]
        return sorted(found, key=lambda each: _order(each[0]))

    def _copy(self, member: _Member) -> CopyRow:
        _, key, row = member
        homes = [each for each in self._warehouse.backends if each.name == row.backend]
        prefix = max(homes, key=lambda each: each.present).prefix if homes else ""
        return CopyRow(row.backend, key.removeprefix(prefix), row.storage_class)


def _order(mark: GroupMark) -> tuple[int, int, str, bytes]:
    return -mark.wasted_bytes, -mark.size, mark.kind, mark.digest


def _copy_order(member: _Member) -> tuple[str, int]:
    return member[2].backend, member[0]


def _last_used(row: ObjectRow) -> date:
    days = (moment.astimezone(UTC).date() for moment in (row.modified_at, row.first_seen))
    return last_use(row.last_access, *days).day
