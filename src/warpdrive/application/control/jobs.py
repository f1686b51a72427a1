"""Batch jobs: what their systems report of them, and what telemetry knows that they read.

An access is a job's when the agent saw the job's id, or, as far as the batch system told when the job ran, when its
user did it then without any job's id. The latter is a claim: two such jobs at once claim the same accesses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.authorisation import authorise
from warpdrive.application.control.calls import Call, Done, Principal
from warpdrive.application.control.errors import Malformed, NotFound, PermissionDenied
from warpdrive.application.ports.job_register import JobAccesses, JobRegister, JobReport
from warpdrive.domain.content.texts import why_no_word

STATUSES: Final = ("running", "completed", "failed", "cancelled")
_ENDED: Final = STATUSES[1:]


@dataclass(frozen=True, slots=True)
class JobView:
    """A user's job. `status` "" and no `reported_at`: only telemetry knows of it.

    `claimed_bytes`: those of `bytes_read` that are the job's by its user and time only. `as_of` None: to whoever may
    only report jobs it is not told what they read.
    """

    job: str
    user: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    reported_at: datetime | None
    backends: tuple[JobAccesses, ...]
    opens: int
    bytes_read: int
    claimed_bytes: int
    as_of: AsOf | None


class Jobs:
    """Use cases of jobs. All raise StoreUnavailable."""

    def __init__(self, register: JobRegister, moments: Moments) -> None:
        self._register = register
        self._moments = moments

    async def report(
        self,
        call: Call,
        job: str,
        user: str,
        *,
        status: str,
        started_at: datetime | None,
        ended_at: datetime | None,
    ) -> Done[JobView]:
        """Write down what a batch system says; a moment that it does not tell stays as it was told before.

        Raises Malformed.
        """
        for field, word in (("job", job), ("user", user)):
            reason = why_no_word(word)
            if reason is not None:
                raise Malformed(field, reason)
        if status not in STATUSES:
            raise Malformed("status", f"must be one of: {', '.join(STATUSES)}")
        if ended_at is not None and status not in _ENDED:
            raise Malformed("ended_at", "is not the time of a job that is running")
        known = next(iter(await self._register.reports(job, user)), None)
        begin = started_at or (None if known is None else known.started_at)
        if begin is not None and ended_at is not None and ended_at < begin:
            raise Malformed("ended_at", "is before started_at")
        # Told anew that it runs, it did not end: systems requeue jobs under their ids.
        report = JobReport(job, user, status, started_at, ended_at, call.at, call.principal.name)
        return await self._show(call, await self._register.put(report))

    async def get(self, call: Call, job: str, user: str) -> Done[JobView]:
        """Show a job and what it read; `user` "" when only one has a job of this name. Raises Malformed, NotFound."""
        reports = {report.user: report for report in await self._register.reports(job, user)}
        users = sorted({*reports, *(each for each in await self._register.users(job) if user in {"", each})})
        if not users:
            raise NotFound("job", job)
        if len(users) > 1:
            raise Malformed("user", f"is needed: {len(users)} users have jobs of the name {job!r}")
        unreported = JobReport(job, users[0], "", None, None, call.at, "")
        return await self._show(call, reports.get(users[0], unreported))

    async def _show(self, call: Call, report: JobReport) -> Done[JobView]:
        if not _may_look(call.principal):
            return Done(_view(report, (), (), None), (await self._moments.now(call.at)).position)
        # Nobody said when it ended: not after that was told.
        begin, end = report.started_at, report.ended_at or (report.reported_at if report.status in _ENDED else call.at)
        window: tuple[date, date] | None = None
        if begin is not None and begin <= end:
            window = (begin.astimezone(UTC).date(), end.astimezone(UTC).date())
        # Before what is read of telemetry, which must not be older than it says.
        as_of = await self._moments.now(call.at, window=window)
        named = await self._register.named(report.job, report.user)
        claimed: Sequence[JobAccesses] = ()
        if begin is not None:
            claimed = await self._register.unnamed(report.user, begin, end)
        return Done(_view(report, named, claimed, as_of), as_of.position)


def _may_look(principal: Principal) -> bool:
    """Tell whether who reports a job may be told what it read: only who may ask."""
    try:
        authorise(principal, "GovernanceService/GetJob", {})
    except PermissionDenied:
        return False
    return True


def _view(
    report: JobReport, named: Sequence[JobAccesses], claimed: Sequence[JobAccesses], as_of: AsOf | None
) -> JobView:
    backends = _together([*named, *claimed])
    return JobView(
        job=report.job,
        user=report.user,
        status=report.status,
        started_at=report.started_at,
        ended_at=report.ended_at,
        reported_at=report.reported_at if report.status else None,
        backends=backends,
        opens=sum(each.opens for each in backends),
        bytes_read=sum(each.bytes_read for each in backends),
        claimed_bytes=sum(each.bytes_read for each in claimed),
        as_of=as_of,
    )


def _together(rows: Sequence[JobAccesses]) -> tuple[JobAccesses, ...]:
    """Add up rows of the same backend."""
    found: dict[str, JobAccesses] = {}
    for row in rows:
        known = found.get(row.backend, JobAccesses(row.backend, 0, 0, 0, 0))
        found[row.backend] = JobAccesses(
            row.backend,
            known.opens + row.opens,
            known.bytes_read + row.bytes_read,
            known.hits + row.hits,
            known.misses + row.misses,
        )
    return tuple(found[name] for name in sorted(found))
