"""`log`: the events as sentences."""

from uuid import UUID

import click

from warpdrive.application.audit.finding import Finder
from warpdrive.application.audit.points import Point
from warpdrive.application.audit.trail import Trail, TrailFilter
from warpdrive.entrypoints.replay import places
from warpdrive.entrypoints.replay.record import Audit, Session, pass_session
from warpdrive.entrypoints.replay.words import entry_json, json_option, print_json


@click.command()
@click.option("--actor", default="", help="Only what this one did, such as token:ID or system:projector.")
@click.option("--since", metavar="PLACE", callback=places.since, help="From this place on.")
@click.option("--until", metavar="PLACE", callback=places.until, help="Up to this place.")
@click.option("--topic", default="", help="Only such events: MountEntryAdded, quota, 'warpdrive.team:*'.")
@click.option("--stream", default="", help="Only one aggregate; see show --help.")
@click.option("--command", type=click.UUID, help="Only what one command caused.")
@click.option("--correlation", default="", help="Only what has this correlation id.")
@json_option
@pass_session
def log(
    session: Session,
    *,
    actor: str,
    since: Point | None,
    until: Point | None,
    topic: str,
    stream: str,
    command: UUID | None,
    correlation: str,
    as_json: bool,
) -> None:
    """Tell what happened, one sentence an event, in order.

    \b
    Examples:
      warpdrive-replay log --since "1d ago"
      warpdrive-replay log --actor token:6f9b... --since 2026-11-01 --until 2026-11-30
      warpdrive-replay log --topic Revoked --json
      warpdrive-replay log --stream namespace/training
    """  # noqa: D301 - \b is click's mark for lines that it must not fill

    async def work(audit: Audit) -> None:
        events = audit.record.events
        found: UUID | None = None
        if stream:
            found = (await Finder(events, audit.codec, await events.head()).find(stream)).stream
        which = TrailFilter(since, until, actor, topic, found, command, correlation)
        nothing = True
        async for entry in Trail(events, audit.codec).entries(which):
            nothing = False
            if as_json:
                print_json(entry_json(entry))
            else:
                print(entry.line)
        if nothing:
            # Or a mistyped name would look like a clean record.
            click.echo("note: no event fits", err=True)

    session.run(work)
