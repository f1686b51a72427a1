"""The `warpdrive-replay` group. Exit status: 0 ok, 1 failed or found something, 2 usage."""

from pathlib import Path

import click

from warpdrive import __version__
from warpdrive.adapters.observability.logging import configure_logging
from warpdrive.entrypoints.replay.diff import diff
from warpdrive.entrypoints.replay.explain import explain
from warpdrive.entrypoints.replay.export import export
from warpdrive.entrypoints.replay.log import log
from warpdrive.entrypoints.replay.record import DEFAULT_CONFIG, Session
from warpdrive.entrypoints.replay.show import show
from warpdrive.entrypoints.replay.verify import verify


@click.group(
    name="warpdrive-replay", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path),
    help=f"The control plane's configuration file.  [{DEFAULT_CONFIG}, if it is there]",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="The control plane's data directory, if its database is embedded; no file is needed then.",
)
@click.version_option(__version__, prog_name="warpdrive-replay")
@click.pass_context
def command(context: click.Context, config: Path | None, data_dir: Path | None) -> None:
    """Audit a WarpDrive control plane: what was decided, when, by whom, and whether the record can be believed.

    Works on the database itself, whether or not the control plane runs, in a role that can only read. Everything is
    folded from the events; snapshots and read models are not asked.

    \b
    Examples:
      warpdrive-replay log --since "1d ago"                  what happened since yesterday
      warpdrive-replay show namespace/training --as-of 42    how it was after the event at position 42
      warpdrive-replay explain quota/vision/s3               which events made it so
      warpdrive-replay diff 2026-11-01 2026-11-30            what changed in November
      warpdrive-replay verify                                hash chain, gaps, names, read models
      warpdrive-replay export audit-2026-11                  JSON lines that check.py checks

    \b
    A place in the record is
      42                     a position: after the event there
      2026-11-23T10:02:11Z   a time; without a zone it is UTC
      2026-11-23             a day: its beginning with --since (and diff's A), else its end
      "2h ago", now          from this moment

    Exit status: 0 ok, 1 failed or found something, 2 wrong usage or configuration.
    """  # noqa: D301 - \b is click's mark for lines that it must not fill
    context.obj = Session(config, data_dir)


for _command in (show, log, explain, diff, verify, export):
    command.add_command(_command)


def main() -> None:
    """Run the command; what is logged below errors is for those who run servers."""
    configure_logging("error", "console")
    command(prog_name="warpdrive-replay")


if __name__ == "__main__":
    main()
