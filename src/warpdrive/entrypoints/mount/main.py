"""The command `warpdrive-mount`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from warpdrive import __version__
from warpdrive.entrypoints.mount.options import OptionFault, parse
from warpdrive.entrypoints.mount.run import FAILED, USAGE, Invocation, check, mount

DEFAULT_CONFIG = "/etc/warpdrive/config.yaml"

_HELP = """Mount cloud storage (S3, Azure Blob, GCS, SFTP, local directories) as one directory tree.

What is mounted stands in the configuration file; MOUNT_POINT and -o options win over it. The command stays in the
foreground until the tree is unmounted (umount DIR), or until SIGTERM or Ctrl-C, which unmount it.

\b
Examples:
  warpdrive-mount                                  the file /etc/warpdrive/config.yaml
  warpdrive-mount --config train.yaml              another file, its own mount_point
  warpdrive-mount --config train.yaml /mnt/data    another place
  warpdrive-mount --config train.yaml --check-config
                                                   what would be mounted, and every fault of the file
  warpdrive-mount --config train.yaml --daemon     returns when the mount answers
  warpdrive-mount --config train.yaml -o allow_other,uid=1000,gid=1000,umask=027
  mount -t warpdrive /etc/warpdrive/config.yaml /mnt/data
                                                   needs mount.warpdrive in /sbin (see mount.warpdrive --help)

\b
A line for /etc/fstab:
  /etc/warpdrive/config.yaml /mnt/data warpdrive ro,allow_other,_netdev,nofail 0 0

\b
Options after -o:
  allow_other            other users may enter
  uid= gid= umask=       owner, group and mask that files are shown with (names or numbers; octal)
  cache=DIR              cache directory
  config=FILE            configuration file
  log_file=FILE          where a background mount writes its log
  nonempty               mount over a directory that is not empty
  debug                  print every request on standard error
  noexec nosuid nodev noatime ...   passed on to the kernel

Exit status: 0 unmounted as asked, 1 failed, 2 wrong usage or configuration.
"""


@click.command(
    name="warpdrive-mount",
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.argument("mount_point", required=False, type=click.Path(path_type=Path))
@click.option("--config", "-c", type=click.Path(path_type=Path), help=f"Configuration file.  [{DEFAULT_CONFIG}]")
@click.option("-o", "options", multiple=True, metavar="OPT[,OPT...]", help="Mount options, see below; may be repeated.")
@click.option("--check-config", is_flag=True, help="Say what would be mounted, or what is wrong, and exit.")
@click.option("--daemon/--foreground", default=False, help="Go into the background once the mount answers.")
@click.option(
    "--log-file", type=click.Path(path_type=Path), help="With --daemon: append the log here instead of dropping it."
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Wins over log.level.")
@click.version_option(__version__, prog_name="warpdrive-mount")
def command(
    mount_point: Path | None,
    config: Path | None,
    options: Sequence[str],
    check_config: bool,
    daemon: bool,
    log_file: Path | None,
    log_level: str | None,
) -> None:
    """Decode the command line, then check or mount."""
    try:
        decoded = parse(options)
    except OptionFault as fault:
        click.echo(f"warpdrive-mount: {fault}", err=True)
        sys.exit(USAGE)
    invocation = Invocation(
        config=config or Path(decoded.config or DEFAULT_CONFIG),
        options=decoded,
        mount_point=mount_point,
        log_level=log_level,
        daemon=daemon,
        log_file=log_file or (Path(decoded.log_file) if decoded.log_file else None),
    )
    sys.exit(check(invocation, os.environ) if check_config else mount(invocation, os.environ))


def main() -> None:
    """Run the command; a KeyboardInterrupt before the mount exists is a failure without a traceback."""
    try:
        command(prog_name="warpdrive-mount")
    except KeyboardInterrupt:
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
