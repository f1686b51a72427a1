"""The `warpdrive-ctl` group. Exit status: 0 ok, 1 failed, 2 usage."""

from pathlib import Path

import click

from warpdrive import __version__
from warpdrive.entrypoints.ctl.evict import evict
from warpdrive.entrypoints.ctl.prefetch import prefetch
from warpdrive.entrypoints.ctl.session import DEFAULT_SOCKET, Session
from warpdrive.entrypoints.ctl.stats import stats
from warpdrive.entrypoints.ctl.status import status
from warpdrive.entrypoints.ctl.warm import warm


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    envvar="WARPDRIVE_SOCKET",
    default=DEFAULT_SOCKET,
    show_default=True,
    show_envvar=True,
    help="The agent's admin socket (agent.admin_socket).",
)
@click.version_option(__version__, prog_name="warpdrive-ctl")
@click.pass_context
def main(context: click.Context, socket: Path) -> None:
    """Operate the WarpDrive agent on this node.

    PATH may be written as it is seen under the mount point (/data/s3/train) or as a path of the namespace
    (/s3/train). For shell completion: eval "$(_WARPDRIVE_CTL_COMPLETE=bash_source warpdrive-ctl)" (or zsh_source;
    for fish: _WARPDRIVE_CTL_COMPLETE=fish_source warpdrive-ctl | source).
    """
    context.obj = Session(socket)


for _command in (warm, stats, status, prefetch, evict):
    main.add_command(_command)


if __name__ == "__main__":
    main()
