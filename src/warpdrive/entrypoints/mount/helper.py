"""The command `mount.warpdrive`: what mount(8) runs for `mount -t warpdrive SRC DIR` and for lines of fstab."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from warpdrive.entrypoints.mount.options import OptionFault, parse
from warpdrive.entrypoints.mount.run import DONE, FAILED, USAGE, Invocation, load, mount

MOUNT_USAGE = 1
MOUNT_FAILED = 32
"""Exit statuses of mount(8)."""

_HELP = """Mount in the background, for mount(8): returns 0 once DIR answers, otherwise an error and a non-zero status.

SRC is the path of a configuration file; or the word warpdrive together with -o config=FILE.

\b
mount(8) looks for this program in /sbin. After installing into a virtual environment, once:
  sudo ln -s "$(command -v mount.warpdrive)" /sbin/mount.warpdrive
then:
  sudo mount -t warpdrive /etc/warpdrive/config.yaml /mnt/data -o ro,allow_other
  sudo umount /mnt/data

Options after -o are those of warpdrive-mount; rw, which mount(8) adds by itself, does not make the tree writable.
Exit status as of mount(8): 0 mounted, 1 wrong usage or configuration, 32 the mount failed.
"""


@click.command(name="mount.warpdrive", help=_HELP, context_settings={"max_content_width": 110})
@click.argument("source", metavar="SRC")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-o", "options", multiple=True, metavar="OPT[,OPT...]", help="Mount options; may be repeated.")
@click.option("-s", "sloppy", is_flag=True, help="Tolerate unknown options.")
@click.option("-f", "fake", is_flag=True, help="Check everything, mount nothing.")
@click.option("-n", "no_mtab", is_flag=True, help="Accepted: there is no mtab to write.")
@click.option("-v", "verbose", is_flag=True, help="Log at level debug.")
@click.option("-N", "namespace", metavar="NS", help="Accepted: mount(8) has entered it already.")
@click.option("-t", "kind", metavar="TYPE", help="Accepted: it is warpdrive.")
def command(
    source: str,
    directory: Path,
    options: Sequence[str],
    sloppy: bool,
    fake: bool,
    no_mtab: bool,
    verbose: bool,
    namespace: str | None,
    kind: str | None,
) -> None:
    """Decode what mount(8) passes, then mount in the background."""
    del no_mtab, namespace, kind
    try:
        decoded = parse(options, from_mount=True, sloppy=sloppy)
        config = _config_path(source, decoded.config)
    except OptionFault as fault:
        click.echo(f"mount.warpdrive: {fault}", err=True)
        sys.exit(MOUNT_USAGE)
    invocation = Invocation(
        config=config,
        options=decoded,
        mount_point=directory,
        log_level="debug" if verbose else None,
        daemon=True,
        log_file=Path(decoded.log_file) if decoded.log_file else None,
    )
    if fake:
        sys.exit(DONE if load(invocation, os.environ) is not None else MOUNT_USAGE)
    sys.exit({DONE: DONE, USAGE: MOUNT_USAGE, FAILED: MOUNT_FAILED}[mount(invocation, os.environ)])


def _config_path(source: str, named: str | None) -> Path:
    """Raises OptionFault when neither SRC nor `config=` names a file."""
    if named is not None:
        return Path(named)
    if source in {"warpdrive", "none"}:
        raise OptionFault(f"source {source} needs -o config=FILE, or give the configuration file as the source")
    return Path(source)


def main() -> None:
    """Run the command."""
    command(prog_name="mount.warpdrive")


if __name__ == "__main__":
    main()
