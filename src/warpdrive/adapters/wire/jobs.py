"""Batch jobs on the wire."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import required, sent_moment
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.jobs import JobView


def job_message(view: JobView) -> Fields:
    """Write a job and what it read."""
    return {
        "job": view.job,
        "user": view.user,
        "status": view.status,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "reported_at": view.reported_at,
        "backends": [
            {
                "backend": each.backend,
                "opens": each.opens,
                "bytes_read": each.bytes_read,
                "hits": each.hits,
                "misses": each.misses,
            }
            for each in view.backends
        ],
        "opens": view.opens,
        "bytes_read": view.bytes_read,
        "claimed_bytes": view.claimed_bytes,
        "as_of": None if view.as_of is None else as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "GovernanceService/ReportJob",
        wire.ReportJobRequest,
        lambda plane, call, request: plane.jobs.report(
            call,
            required("job", request.job),
            required("user", request.user),
            status=required("status", request.status),
            started_at=sent_moment(request.started_at),
            ended_at=sent_moment(request.ended_at),
        ),
        job_message,
    ),
    query(
        "GovernanceService/GetJob",
        wire.GetJobRequest,
        lambda plane, call, request: plane.jobs.get(call, required("job", request.job), request.user),
        job_message,
    ),
)
