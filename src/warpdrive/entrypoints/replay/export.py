"""`export`: the record into files that anybody can check without our software."""

import json
import os
from importlib import resources
from pathlib import Path
from typing import BinaryIO, Self

import click

from warpdrive import __version__
from warpdrive.application.audit.exporting import Export, span_of
from warpdrive.application.audit.points import Point
from warpdrive.entrypoints.replay import places
from warpdrive.entrypoints.replay.record import Audit, Session, pass_session

_CHECK = "check.py"
_MANIFEST = "manifest.json"


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--since", metavar="PLACE", callback=places.since, help="From this place on.")
@click.option("--until", metavar="PLACE", callback=places.until, help="Up to this place.")
@click.option(
    "--per-file", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="Events in one file."
)
@pass_session
def export(session: Session, *, directory: Path, since: Point | None, until: Point | None, per_file: int) -> None:
    """Write events as JSON lines into DIR, with a manifest and a program that checks both.

    DIR is made, and must be empty if it is there. The manifest is written last: an export without one was broken off.
    The files hold the digests of tokens (never the tokens) and everything that anybody named: keep them as closely as
    the database. Whoever has them runs: python3 -I check.py

    \b
    Examples:
      warpdrive-replay export audit-2026-11 --since 2026-11-01 --until 2026-11-30
      warpdrive-replay export everything && python3 -I everything/check.py
    """  # noqa: D301 - \b is click's mark for lines that it must not fill
    _prepare(directory)

    async def work(audit: Audit) -> Export:
        events = audit.record.events
        made = Export(events, await span_of(events, since=since, until=until), per_file)
        with _Files(directory) as files:
            async for name, line in made.lines():
                files.write(name, line)
        manifest = made.manifest(audit.now, f"warpdrive {__version__}")
        _write(directory / _CHECK, (resources.files(__package__) / _CHECK).read_bytes())
        _write(directory / _MANIFEST, json.dumps(manifest, indent=2).encode() + b"\n")
        print(f"{manifest['events']} events in {len(manifest['files'])} files in {directory}")
        print(f"head: {manifest['head_hash']}@{manifest['last_position']}")
        return made

    try:
        session.run(work)
    except OSError as fault:
        raise click.ClickException(f"{fault.filename or directory}: {fault.strerror}") from None


def _prepare(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise click.UsageError(f"{directory} is not empty")
    except OSError as fault:
        raise click.UsageError(f"{directory}: {fault.strerror}") from None


class _Files:
    """Writes one file after another; each is on the disk before the next is begun."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._name = ""
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._close()

    def write(self, name: str, line: bytes) -> None:
        """Append a line to the file of that name."""
        if name != self._name:
            self._close()
            self._name, self._file = name, (self._directory / name).open("xb")
        assert self._file is not None, "a name has a file"
        self._file.write(line)

    def _close(self) -> None:
        if self._file is not None:
            with self._file as file:
                file.flush()
                os.fsync(file.fileno())
            self._file = None


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
