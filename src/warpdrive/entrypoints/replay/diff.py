"""`diff`: what changed between two places."""

import click

from warpdrive.application.audit.difference import differences
from warpdrive.application.audit.finding import Finder
from warpdrive.application.audit.points import Point, place_of, position_before
from warpdrive.entrypoints.replay import places
from warpdrive.entrypoints.replay.record import Audit, Session, pass_session
from warpdrive.entrypoints.replay.words import json_option, print_json


@click.command()
@click.argument("first", metavar="A", callback=places.since)
@click.argument("second", metavar="B", callback=places.until)
@click.option("--stream", default="", help="Only one aggregate; see show --help.")
@json_option
@pass_session
def diff(session: Session, *, first: Point, second: Point, stream: str, as_json: bool) -> None:
    """Say what is otherwise at B than it was at A, aggregate by aggregate.

    A and B are positions or times; of two days, A is counted from its beginning and B to its end.

    \b
    Examples:
      warpdrive-replay diff 2026-11-01 2026-11-30
      warpdrive-replay diff 1200 1400 --stream namespace/training
      warpdrive-replay diff "1d ago" now --json
    """  # noqa: D301 - \b is click's mark for lines that it must not fill

    async def work(audit: Audit) -> None:
        events = audit.record.events
        # A time before the first event is a fair beginning: nothing was so then.
        after = first if isinstance(first, int) else await position_before(events, first)
        to = await place_of(events, second, now=audit.now)
        found = (await Finder(events, audit.codec, to.position).find(stream)).stream if stream else None
        async for each in differences(events, audit.codec, after, to.position, stream=found):
            if as_json:
                print_json(
                    {
                        "stream": str(each.stream),
                        "kind": each.kind,
                        "about": each.about,
                        "before_version": each.before,
                        "after_version": each.after,
                        "changes": [
                            {
                                "path": list(change.path),
                                "before": change.before,
                                "after": change.after,
                                "change": "added" if not change.was else "changed" if change.remains else "removed",
                            }
                            for change in each.changes
                        ],
                    }
                )
                continue
            versions = f"version {each.before} -> {each.after}" if each.before else f"new, version {each.after}"
            print(f"{each.about} ({each.stream}; {versions})")
            for change in each.changes:
                print(f"  {change.words}")
            if not each.changes:
                print(f"  nothing is otherwise, after {each.events} events")

    session.run(work)
