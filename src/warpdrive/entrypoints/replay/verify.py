"""`verify`: can the record be believed?"""

import sys
import time

import click

from warpdrive.application.audit.findings import Head, Report
from warpdrive.application.audit.verification import Verifier
from warpdrive.entrypoints.replay import places
from warpdrive.entrypoints.replay.record import FAILED, Audit, Session, pass_session
from warpdrive.entrypoints.replay.words import json_option, print_json

_PROGRESS_S = 2.0


@click.command()
@click.option(
    "--from", "begin", type=click.IntRange(min=1), default=1, help="Begin at this position; for a look at new events."
)
@click.option(
    "--expect-head",
    metavar="HASH@POSITION",
    callback=places.noted_head,
    help="The head that an earlier verify or export printed.",
)
@json_option
@pass_session
def verify(session: Session, *, begin: int, expect_head: Head | None, as_json: bool) -> None:
    """Look whether the record is as it was written, and whether everything fits it.

    Looks at the hash chain, gaps in versions, moments that go back, and events that cannot be read; from the beginning
    on also at the register of names, the read models and the snapshots. Whoever can write to every table can also
    write the record anew, hashes and all: note the head down elsewhere, and give it with --expect-head the next time.

    Exit status: 0 nothing found, 1 something found (or the record could not be read, see stderr), 2 wrong usage.

    \b
    Examples:
      warpdrive-replay verify
      warpdrive-replay verify --expect-head 9f86d081...@4711
      warpdrive-replay verify --from 4712 --json
    """  # noqa: D301 - \b is click's mark for lines that it must not fill
    told = _Progress()

    async def work(audit: Audit) -> Report:
        record = audit.record
        verifier = Verifier(record.events, audit.codec, record.models, record.register, record.snapshots)
        return await verifier.verify(after=begin - 1, expected=expect_head, progress=told)

    report = session.run(work, one_moment=True)
    told.end()
    if as_json:
        print_json(_json(report))
    else:
        _print(report)
    if not report.sound:
        sys.exit(FAILED)


class _Progress:
    """Says on stderr how far it is, when it takes long."""

    def __init__(self) -> None:
        self._begun = self._said = time.monotonic()
        self._open = False

    def __call__(self, position: int, head: int) -> None:
        now = time.monotonic()
        if now - self._said < _PROGRESS_S:
            return
        self._said = now
        terminal = sys.stderr.isatty()
        self._open = terminal
        words = f"position {position} of {head}, {now - self._begun:.0f} s"
        click.echo(f"\r{words}" if terminal else words, err=True, nl=not terminal)

    def end(self) -> None:
        """Leave the line that is written over and over."""
        if self._open:
            click.echo("", err=True)


def _print(report: Report) -> None:
    for finding in report.findings:
        print(f"FOUND {finding.line}")
    if report.dropped:
        print(f"FOUND {report.dropped} more")
    scope = f"from position {report.first + 1} on" if report.first else "from the beginning on"
    print(f"{'sound' if report.sound else 'NOT sound'}: {report.events} events of {report.streams} streams, {scope}")
    if report.unknown:
        print(f"{report.unknown} events are of kinds that this version does not know; they are chained, and not read")
    if report.whole:
        print(
            f"compared with the events: {report.names} names, {report.rows} rows of read models, "
            f"{report.snapshots} snapshots"
        )
    print(f"head: {report.head}")


def _json(report: Report) -> dict[str, object]:
    return {
        "sound": report.sound,
        "findings": [
            {"check": each.check.value, "position": each.position, "words": each.words} for each in report.findings
        ],
        "dropped": report.dropped,
        "first_position": report.first + 1,
        "events": report.events,
        "streams": report.streams,
        "unknown": report.unknown,
        "whole": report.whole,
        "names": report.names,
        "rows": report.rows,
        "snapshots": report.snapshots,
        "head": str(report.head),
    }
