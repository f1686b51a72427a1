"""`serve`: become `warpdrive-control`."""

import os
import sys

import click


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Run a control plane here (= warpdrive-control).",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(arguments: tuple[str, ...]) -> None:
    """Run a control plane on this machine: warpdrive-control with the same ARGUMENTS, in this process's place."""
    # -P: a directory called warpdrive where somebody happens to stand is not our program.
    os.execv(  # noqa: S606 - no shell wanted: the operator's arguments go on as they are
        sys.executable, [sys.executable, "-P", "-m", "warpdrive.entrypoints.control.main", *arguments]
    )
