"""`show`: the state of one aggregate, as of any place."""

import click

from warpdrive.application.audit.finding import Finder
from warpdrive.application.audit.folding import aggregate_at
from warpdrive.application.audit.points import Point, place_of
from warpdrive.application.audit.portraits import judged_at, portrait_of
from warpdrive.application.audit.wording import moment_words
from warpdrive.entrypoints.replay import places
from warpdrive.entrypoints.replay.record import Audit, Session, pass_session
from warpdrive.entrypoints.replay.words import json_option, moment_json, print_json, tree_lines


@click.command()
@click.argument("stream")
@click.option("--as-of", metavar="PLACE", callback=places.until, help="Show what was so then; a position or a time.")
@json_option
@pass_session
def show(session: Session, *, stream: str, as_of: Point | None, as_json: bool) -> None:
    """Show the state of one aggregate, folded from its events.

    \b
    STREAM is an id, or
      namespace/NAME  team/NAME  quota/TEAM/BACKEND  tenant/ID  price-book/NAME  token/ID
      recommendation/ID (what was decided about it)
    A name means who had it at that place; quota/TEAM/* is the quota for all backends.

    \b
    Examples:
      warpdrive-replay show namespace/training
      warpdrive-replay show quota/vision/s3 --as-of 2026-11-01
      warpdrive-replay show team/vision --as-of "2h ago" --json
    """  # noqa: D301 - \b is click's mark for lines that it must not fill

    async def work(audit: Audit) -> None:
        events = audit.record.events
        place = await place_of(events, as_of, now=audit.now)
        found = await Finder(events, audit.codec, place.position).find(stream)
        aggregate = await aggregate_at(events, audit.codec, found.stream, to=place.position)
        assert aggregate is not None, "what was found has an event"
        portrait = portrait_of(aggregate)
        judged = judged_at(aggregate, place.moment)
        if as_json:
            print_json(
                {
                    "kind": portrait.kind,
                    "id": str(portrait.stream),
                    "version": portrait.version,
                    "as_of": {"position": place.position, "moment": moment_json(place.moment)},
                    "created_at": moment_json(portrait.created_at),
                    "modified_at": moment_json(portrait.modified_at),
                    "state": portrait.state,
                    "judged": judged,
                    "notes": list(found.notes),
                }
            )
            return
        print(f"{portrait.kind.replace('_', ' ')} {portrait.stream}")
        print(f"  as of position {place.position} ({moment_words(place.moment)}), version {portrait.version}")
        print(f"  created {moment_words(portrait.created_at)}, last changed {moment_words(portrait.modified_at)}")
        for line in (*tree_lines(portrait.state), *tree_lines(judged)):
            print(line)
        for note in found.notes:
            click.echo(f"note: {note}", err=True)

    session.run(work)
