"""`ObjectFacts` in memory: loops over the warehouse's objects, which are numbered in the order they came."""

from collections.abc import Iterator, Sequence
from datetime import UTC

from warpdrive.adapters.store.memory.warehouse import ObjectRow, Warehouse
from warpdrive.application.ports.object_facts import IdleObject, IdleQuestion, IdleSums, PrefixRow
from warpdrive.domain.governance.staleness import last_use


class MemoryObjectFacts:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def idle_sums(self, question: IdleQuestion) -> IdleSums:
        """See the port."""
        asked = [row for _, _, row in self._asked(question)]
        idle = [row for row in asked if _idle(row, question)]
        return IdleSums(len(idle), sum(row.size for row in idle), len(asked), sum(row.size for row in asked))

    async def largest_idle(
        self, question: IdleQuestion, *, after: tuple[int, int] | None, limit: int
    ) -> Sequence[IdleObject]:
        """See the port."""
        idle = [
            IdleObject(
                number=number,
                backend=row.backend,
                key=key,
                bytes=row.size,
                owners=row.owners,
                storage_class=row.storage_class,
                last_access=row.last_access,
                modified_at=row.modified_at,
                first_seen=row.first_seen,
            )
            for number, key, row in self._asked(question)
            if _idle(row, question)
        ]
        idle.sort(key=lambda each: (-each.bytes, each.number))
        if after is not None:
            size, last = after
            idle = [each for each in idle if (-each.bytes, each.number) > (-size, last)]
        return idle[:limit]

    async def below(self, prefix: str, *, backend: str, parts: int, limit: int) -> Sequence[PrefixRow]:
        """See the port."""
        sums: dict[tuple[str, str, tuple[str, ...], str], list[int]] = {}
        for _, key, row in self._there():
            if key.startswith(prefix) and backend in {"", row.backend}:
                group = "".join(f"{part}/" for part in key.split("/")[:-1][:parts])
                counted = sums.setdefault((group, row.backend, row.owners, row.storage_class), [0, 0])
                counted[0] += 1
                counted[1] += row.size
        return [PrefixRow(*key, objects, size) for key, (objects, size) in sorted(sums.items())][:limit]

    def _there(self) -> Iterator[tuple[int, str, ObjectRow]]:
        """Yield what was not deleted: number, key below the home backend, row."""
        prefixes = {(each.name, each.place): each.prefix for each in self._warehouse.backends}
        for number, ((place, key), row) in enumerate(self._warehouse.objects.items(), start=1):
            if row.deleted_at is None:
                yield number, key.removeprefix(prefixes.get((row.backend, place), "")), row

    def _asked(self, question: IdleQuestion) -> Iterator[tuple[int, str, ObjectRow]]:
        for number, key, row in self._there():
            if (
                question.backend in {"", row.backend}
                and (not question.team or question.team in row.owners)
                and row.size >= question.min_size
            ):
                yield number, key, row


def _idle(row: ObjectRow, question: IdleQuestion) -> bool:
    if question.there_by is not None:
        accessed = row.last_access is not None and row.last_access >= question.before
        return not accessed and max(row.modified_at, row.first_seen) < question.there_by
    modified, seen = row.modified_at.astimezone(UTC).date(), row.first_seen.astimezone(UTC).date()
    return last_use(row.last_access, modified, seen).day < question.before
