"""`JobRegister` in memory, asked of the warehouse's plain tables."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from warpdrive.adapters.store.memory.warehouse import Counts, RecordRow, Warehouse
from warpdrive.application.ports.job_register import JobAccesses, JobReport


class MemoryJobRegister:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def put(self, report: JobReport) -> JobReport:
        """See the port."""
        known = self._warehouse.jobs.get((report.job, report.user))
        if known is not None:
            # A job that runs (again) has no end, whatever was told before.
            ended = None if report.status == "running" else report.ended_at or known.ended_at
            report = replace(report, started_at=report.started_at or known.started_at, ended_at=ended)
        self._warehouse.jobs[report.job, report.user] = report
        return report

    async def reports(self, job: str, user: str = "") -> Sequence[JobReport]:
        """See the port."""
        return [
            report for (name, who), report in sorted(self._warehouse.jobs.items()) if name == job and user in {"", who}
        ]

    async def users(self, job: str) -> Sequence[str]:
        """See the port."""
        return sorted({user for _, _, user, name in self._warehouse.activity if job and name == job})

    async def named(self, job: str, user: str) -> Sequence[JobAccesses]:
        """See the port."""
        return _summed(
            (backend, counts)
            for (_, backend, who, name), counts in self._warehouse.activity.items()
            if job and (who, name) == (user, job)
        )

    async def unnamed(self, user: str, begin: datetime, end: datetime) -> Sequence[JobAccesses]:
        """See the port."""
        return _summed(
            (record.backend, record)
            for record in self._warehouse.records
            if not record.job and record.user == user and begin <= record.at < end
        )


def _summed(rows: Iterable[tuple[str, Counts | RecordRow]]) -> list[JobAccesses]:
    sums: dict[str, JobAccesses] = {}
    for backend, row in rows:
        so_far = sums.get(backend, JobAccesses(backend, 0, 0, 0, 0))
        sums[backend] = JobAccesses(
            backend,
            so_far.opens + row.opens,
            so_far.bytes_read + row.bytes_read,
            so_far.hits + row.hits,
            so_far.misses + row.misses,
        )
    return [sums[backend] for backend in sorted(sums)]
