"""The `warpdrive-ctl` group. Exit status: 0 ok, 1 failed, 2 usage."""

import errno
import os
import sys
from pathlib import Path

import click
from click.core import ParameterSource

from warpdrive import __version__
from warpdrive.entrypoints.ctl.agents import agents
from warpdrive.entrypoints.ctl.backends import backends
from warpdrive.entrypoints.ctl.completion import server_of
from warpdrive.entrypoints.ctl.cost import cost
from warpdrive.entrypoints.ctl.crawl import crawl
from warpdrive.entrypoints.ctl.duplicates import duplicates
from warpdrive.entrypoints.ctl.evict import evict
from warpdrive.entrypoints.ctl.growth import growth
from warpdrive.entrypoints.ctl.jobs import job, job_report
from warpdrive.entrypoints.ctl.move import move
from warpdrive.entrypoints.ctl.namespace import namespace
from warpdrive.entrypoints.ctl.prefetch import prefetch
from warpdrive.entrypoints.ctl.price import price
from warpdrive.entrypoints.ctl.quota import quota
from warpdrive.entrypoints.ctl.recommendations import recommendations
from warpdrive.entrypoints.ctl.serve import serve
from warpdrive.entrypoints.ctl.server import DEFAULT_SERVER, DEFAULT_TOKEN_FILES, ServerAddress
from warpdrive.entrypoints.ctl.session import DEFAULT_SOCKET, Session, printable
from warpdrive.entrypoints.ctl.simulate import simulate
from warpdrive.entrypoints.ctl.stale import stale
from warpdrive.entrypoints.ctl.stats import stats
from warpdrive.entrypoints.ctl.status import status
from warpdrive.entrypoints.ctl.team import team
from warpdrive.entrypoints.ctl.tenant import tenant
from warpdrive.entrypoints.ctl.token import token
from warpdrive.entrypoints.ctl.usage import usage
from warpdrive.entrypoints.ctl.user import user
from warpdrive.entrypoints.ctl.warm import warm
from warpdrive.entrypoints.ctl.whoami import whoami


class _Tool(click.Group):
    """The group, with what the system refuses (a full disk below standard output) in one line."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command and see its output off."""
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly when whoever reads has seen enough
            _give_up_output()
            raise click.ClickException(printable(str(error))) from None
        return answer


def _give_up_output() -> None:
    """Keep the interpreter from trying once more, with a traceback, to write what could not be written."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # no file stands behind it, so nothing is left to be written
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)


@click.group(cls=_Tool, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    envvar="WARPDRIVE_SOCKET",
    default=DEFAULT_SOCKET,
    show_default=True,
    show_envvar=True,
    help="The agent's admin socket (agent.admin_socket).",
)
@click.option(
    "--server",
    type=ServerAddress(),
    envvar="WARPDRIVE_SERVER",
    show_envvar=True,
    help=f"The control plane's address.  [{DEFAULT_SERVER}]",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    envvar="WARPDRIVE_TOKEN_FILE",
    show_envvar=True,
    help=f"A file with your token.  [the first of {', '.join(DEFAULT_TOKEN_FILES)}]",
)
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="WARPDRIVE_CA_FILE",
    show_envvar=True,
    help="Who vouches for an https server, PEM.  [the system's authorities]",
)
@click.option(
    "--cert-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="WARPDRIVE_CERT_FILE",
    show_envvar=True,
    help="Your certificate, PEM, for a server that asks for one (control_plane.tls.client_ca_file).",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="WARPDRIVE_KEY_FILE",
    show_envvar=True,
    help="Its key.  [in --cert-file]",
)
@click.version_option(__version__, prog_name="warpdrive-ctl")
@click.pass_context
def main(context: click.Context, /, socket: Path, **server: object) -> None:
    """Operate WarpDrive: the agent on this node, and the control plane.

    PATH may be written as it is seen under the mount point (/data/s3/train) or as a path of the namespace
    (/s3/train). For shell completion: eval "$(_WARPDRIVE_CTL_COMPLETE=bash_source warpdrive-ctl)" (or zsh_source;
    for fish: _WARPDRIVE_CTL_COMPLETE=fish_source warpdrive-ctl | source).
    """
    named = context.get_parameter_source("socket") is not ParameterSource.DEFAULT
    if server["key_file"] is not None and server["cert_file"] is None:
        raise click.UsageError("--key-file goes with --cert-file")
    context.obj = Session(socket, server_of(server), socket_named=named)


_ON_THE_NODE = (warm, stats, status, prefetch, evict)
_CONTROL_PLANE = (namespace, quota, team, tenant, price, token, whoami, agents, serve)
_GOVERNANCE = (
    usage,
    stale,
    growth,
    cost,
    recommendations,
    simulate,
    user,
    backends,
    duplicates,
    crawl,
    job_report,
    job,
)
_BETWEEN_BACKENDS = (move,)

for _command in (*_ON_THE_NODE, *_CONTROL_PLANE, *_GOVERNANCE, *_BETWEEN_BACKENDS):
    main.add_command(_command)


if __name__ == "__main__":
    main()
