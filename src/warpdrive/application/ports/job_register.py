"""Batch jobs as their systems reported them, and what telemetry knows of them. Owned by control."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class JobReport:
    """The last word about a user's job. A moment that nobody told is None."""

    job: str
    user: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    reported_at: datetime
    reported_by: str


@dataclass(frozen=True, slots=True)
class JobAccesses:
    """What a job did in one backend. Bytes are those that agents served."""

    backend: str
    opens: int
    bytes_read: int
    hits: int
    misses: int


class JobRegister(Protocol):
    """Every method raises StoreUnavailable."""

    async def put(self, report: JobReport) -> JobReport:
        """Write a report in place of a former one, whose moments stay where this one tells none; return what is so."""

    async def reports(self, job: str, user: str = "") -> Sequence[JobReport]:
        """Return the reports of all users' jobs of the name, or of one user's, by user."""

    async def users(self, job: str) -> Sequence[str]:
        """Return who did something under the job's name as far as telemetry was told, sorted."""

    async def named(self, job: str, user: str) -> Sequence[JobAccesses]:
        """Sum up accesses of the user that name the job, by backend."""

    async def unnamed(self, user: str, begin: datetime, end: datetime) -> Sequence[JobAccesses]:
        """Sum up accesses of the user that name no job and began in the time [begin, end), by backend.

        As far back as records are kept.
        """
