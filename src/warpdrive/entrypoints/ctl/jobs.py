"""`job-report` and `job`: batch jobs, so that what they read is known as theirs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import click

from warpdrive.entrypoints.ctl.answers import show_answer, size
from warpdrive.entrypoints.ctl.as_of import local, print_as_of
from warpdrive.entrypoints.ctl.moments import write_moment
from warpdrive.entrypoints.ctl.output import Column, output_options, print_facts, print_table
from warpdrive.entrypoints.ctl.session import Session, pass_session
from warpdrive.entrypoints.ctl.user import hit_share
from warpdrive.entrypoints.settings.units import format_size

_STATUS: Final = ("running", "completed", "failed", "cancelled")

_COLUMNS: Final = (
    Column("backend", lambda row: row["backend"]),
    Column("opens", lambda row: row["opens"], right=True),
    Column("read", lambda row: size(row, "bytesRead"), right=True),
    Column("from cache", hit_share, right=True),
)


class MomentType(click.ParamType[datetime]):
    """A moment: "2026-11-23T18:00:00Z", with an offset, in local time without one, or seconds since 1970."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it; a usage error otherwise."""
        text = str(value).strip()
        try:
            if text.isascii() and text.isdigit():
                return datetime.fromtimestamp(int(text), UTC)
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError, OSError):  # the last two of a moment that is beyond the calendar
            self.fail(f'{text!r} is no moment like "2026-11-23T18:00" or 1795456800', param, ctx)


@click.command("job-report")
@click.option("--job-id", required=True, help="As the scheduler names it.")
@click.option("--user", required=True, help="Whose job it is.")
@click.option("--status", type=click.Choice(_STATUS), required=True)
@click.option("--started-at", type=MomentType(), help="From then on the user's accesses without a job are this one's.")
@click.option("--ended-at", type=MomentType(), help="Until then.  [now, unless it is running]")
@output_options
@pass_session
def job_report(
    session: Session,
    *,
    job_id: str,
    user: str,
    status: str,
    started_at: datetime | None,
    ended_at: datetime | None,
    style: str,
) -> None:
    """Say that a batch job runs or has ended, and show it. Made for a scheduler's epilog."""
    if started_at is not None and ended_at is not None and ended_at < started_at:
        raise click.BadParameter("is before --started-at", param_hint="--ended-at")
    if ended_at is None and status != "running":
        ended_at = session.now()
    fields: dict[str, Any] = {"job": job_id, "user": user, "status": status}
    for name, moment in (("started_at", started_at), ("ended_at", ended_at)):
        if moment is not None:
            fields[name] = write_moment(moment)
    with session.plane() as plane:
        answer = plane.call("GovernanceService/ReportJob", fields)
    _show(session, answer, style)


@click.command()
@click.argument("job", metavar="JOB")
@click.option("--user", default="", help="Whose, where several have a job of that name.")
@output_options
@pass_session
def job(session: Session, job: str, *, user: str, style: str) -> None:
    """Show a batch job and what it read. As CSV: by backend."""
    with session.plane() as plane:
        answer = plane.call("GovernanceService/GetJob", {"job": job, "user": user})
    _show(session, answer, style)


def _show(session: Session, answer: Mapping[str, Any], style: str) -> None:
    if style != "table":
        show_answer(answer, answer["backends"], _COLUMNS, message="JobBackend", style=style, nothing="")
        return
    claimed = int(answer["claimedBytes"])
    # Whoever may only report jobs is not told what they read.
    read = f"{size(answer, 'bytesRead')} in {answer['opens']} opens" if answer.get("asOf") else ""
    print_facts(
        (
            ("job", answer["job"]),
            ("user", answer["user"]),
            ("status", answer["status"]),
            ("started", local(answer.get("startedAt"))),
            ("ended", local(answer.get("endedAt"))),
            ("read", read + (f", {format_size(claimed)} of it by user and time only" if claimed else "")),
        )
    )
    if answer["backends"]:
        print_table(answer["backends"], _COLUMNS)
    print_as_of(answer, session.now())
