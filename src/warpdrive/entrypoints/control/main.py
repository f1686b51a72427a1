"""The command `warpdrive-control`."""

import os
import sys
from pathlib import Path

import click

from warpdrive import __version__

DEFAULT_CONFIG = "/etc/warpdrive/config.yaml"

_HELP = """Run the control plane: namespaces, quotas, access to tenants, teams, prices, tokens and agents as event
streams in PostgreSQL, served over gRPC and REST.

Without a configuration file, and without control_plane.database in it, an embedded PostgreSQL is started in
control_plane.data_dir and stopped with us. The first start leaves an admin's token in DATA_DIR/admin.token.

\b
Examples:
  warpdrive-control                              /etc/warpdrive/config.yaml if it is there, else every default
  warpdrive-control --data-dir ~/warpdrive       embedded database, everything below one directory
  warpdrive-control --config control.yaml --check-config
                                                 what would be started, and every fault of the file
  warpdrive-control --config control.yaml --role api
  warpdrive-control --config control.yaml --role worker
                                                 the two halves as services of their own, on one database
  warpdrive-control --data-dir ~/warpdrive --new-admin-token
                                                 the admin's token was lost: make another, then serve

Exit status: 0 stopped as asked (SIGTERM, SIGINT), 1 failed, 2 wrong usage or configuration.
"""


@click.command(
    name="warpdrive-control",
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help=f"Configuration file.  [{DEFAULT_CONFIG} if it exists]"
)
@click.option(
    "--role",
    type=click.Choice(["all", "api", "worker"]),
    default="all",
    show_default=True,
    help="api: gRPC and REST. worker: projections. all: both, the worker in a process of its own.",
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Wins over control_plane.data_dir.")
@click.option("--rest-addr", metavar="HOST:PORT", help="Wins over control_plane.rest_addr.")
@click.option("--grpc-addr", metavar="HOST:PORT", help="Wins over control_plane.grpc_addr.")
@click.option("--check-config", is_flag=True, help="Say what would be started, or what is wrong, and exit.")
@click.option("--new-admin-token", is_flag=True, help="Make another admin's token, in place of a lost one.")
@click.option("--rebuild", is_flag=True, help="First make the read models anew from the events, beside the old ones.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Wins over log.level.")
@click.version_option(__version__, prog_name="warpdrive-control")
def command(
    config: Path | None,
    role: str,
    data_dir: Path | None,
    rest_addr: str | None,
    grpc_addr: str | None,
    check_config: bool,
    new_admin_token: bool,
    rebuild: bool,
    log_level: str | None,
) -> None:
    """Decode the command line, then check or serve."""
    # A second of imports: --help does without them, and Ctrl-C meets click's handler while they last.
    from warpdrive.entrypoints.control.run import Invocation, check, serve  # noqa: PLC0415 - see above

    if config is None and Path(DEFAULT_CONFIG).exists():
        config = Path(DEFAULT_CONFIG)
    overrides = {
        "control_plane.data_dir": None if data_dir is None else str(data_dir.expanduser().absolute()),
        "control_plane.rest_addr": rest_addr,
        "control_plane.grpc_addr": grpc_addr,
        "log.level": log_level,
    }
    invocation = Invocation(
        config=config,
        role=role,
        overrides={key: text for key, text in overrides.items() if text is not None},
        new_admin_token=new_admin_token,
        rebuild=rebuild,
    )
    sys.exit(check(invocation, os.environ) if check_config else serve(invocation, os.environ))


def main() -> None:
    """Run the command; Ctrl-C before anything serves is a failure without a traceback (click says "Aborted!")."""
    command(prog_name="warpdrive-control")


if __name__ == "__main__":
    main()
