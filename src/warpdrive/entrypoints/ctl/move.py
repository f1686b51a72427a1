"""`move`: objects from one backend to another, by this program itself."""

from pathlib import Path

import click

from warpdrive.entrypoints.ctl.move_places import DEFAULT_CONFIG, Spot, SpotType, known_backends
from warpdrive.entrypoints.ctl.session import Session, json_option, pass_session


@click.command()
@click.argument("source", type=SpotType(), metavar="SRC")
@click.argument("target", type=SpotType(), metavar="DST")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Where the backends are defined: `backends` and `agent.credentials`, as the agent has them."
    f"  [{DEFAULT_CONFIG}]",
)
@click.option("--namespace", help="Take the backends from this namespace of the control plane, secrets from --config.")
@click.option("--overwrite", is_flag=True, help="Replace objects that exist at the destination.")
@click.option(
    "--verify",
    type=click.Choice(("checksum", "full")),
    default="checksum",
    show_default=True,
    help="checksum: what the destination says, where it says one; full: read every copy back.",
)
@click.option("--parallel", type=click.IntRange(1, 64), default=8, show_default=True, help="Objects at a time.")
@click.option("--journal", type=click.Path(path_type=Path, dir_okay=False), help="Where to note how far it is.")
@click.option("--dry-run", is_flag=True, help="Say what would be moved.")
@json_option
@pass_session
def move(
    session: Session,
    /,
    source: Spot,
    target: Spot,
    *,
    config: Path | None,
    namespace: str | None,
    overwrite: bool,
    verify: str,
    parallel: int,
    journal: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Move objects from SRC to DST, each BACKEND:KEY.

    A key that is empty, ends in "/" or names no object stands for everything below it. An object is deleted at the
    source only after its copy has been verified, and only in the version that was copied; what fails stays where it
    is, and the others are moved (exit status 1). A move that was broken off goes on when the same command is run
    again. Contents and names are moved; storage classes, metadata and times are the destination's.
    """
    # Backends, and what moves between them, take longer to load than most commands to run.
    from warpdrive.entrypoints.ctl.move_run import MoveChoices, MoveRun  # noqa: PLC0415 - as said above

    known = known_backends(session, config, namespace)
    choices = MoveChoices(overwrite, verify, parallel, journal, dry_run, as_json)
    MoveRun(known, source, target, choices).run()
