"""The `warpdrive-bench` command. Exit status: 0 ok, 1 errors, mismatches or Ctrl-C, 2 usage."""

import json
import sys
from pathlib import Path
from typing import get_args

import click
from rich.progress import Progress, SpinnerColumn, TextColumn

from warpdrive import __version__
from warpdrive.entrypoints.bench.crew import Outcome, work
from warpdrive.entrypoints.bench.plan import Pattern, collect, deal
from warpdrive.entrypoints.bench.reader import Task
from warpdrive.entrypoints.bench.report import lines, summary
from warpdrive.entrypoints.settings.units import format_size, parse_duration, parse_size

_LARGEST_CHUNK = 1 << 30


def _size(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}") from None
    if not 1 <= size <= _LARGEST_CHUNK:
        raise click.BadParameter("must be from 1 byte to 1 GB")
    return size


def _duration(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}") from None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--readers", type=click.IntRange(1, 512), default=4, show_default=True, help="Processes that read.")
@click.option("--duration", default="10s", show_default=True, callback=_duration, help="How long; 0 is one pass.")
@click.option("--chunk", default="1MB", show_default=True, callback=_size, help="Bytes a read asks for.")
@click.option(
    "--pattern",
    type=click.Choice(get_args(Pattern)),
    default="sequential",
    show_default=True,
    help="Files in order, files in random order, or random chunks.",
)
@click.option("--checksum", is_flag=True, help="Digest every piece; bytes that change between reads fail the run.")
@click.option("--drop-cache", is_flag=True, help="Ask the kernel to drop a file's pages before each open of it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random orders.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.version_option(__version__, prog_name="warpdrive-bench")
def main(
    paths: tuple[Path, ...],
    *,
    readers: int,
    duration: float,
    chunk: int,
    pattern: Pattern,
    checksum: bool,
    drop_cache: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Read the files at PATH (directories wholly) the way a DataLoader does, and print how fast that was.

    Files are dealt to the readers, each a process of its own; when there are fewer files than readers, each file is
    read by all of them in parts.
    """
    try:
        files = collect(paths)
    except OSError as error:
        raise click.BadParameter(f"{error.filename}: {error.strerror}", param_hint="PATH") from None
    if not files:
        raise click.BadParameter("no file with any bytes in it", param_hint="PATH")
    tasks = [
        Task(number, shares, pattern, chunk, duration, checksum, drop_cache, seed)
        for number, shares in enumerate(deal(list(files.values()), readers, chunk))
        if shares
    ]
    options = {
        "readers": len(tasks),
        "duration": duration,
        "chunk": chunk,
        "pattern": pattern,
        "checksum": checksum,
        "drop_cache": drop_cache,
        "seed": seed,
    }
    result = summary(_watched(tasks, quiet=as_json), files, options)
    if as_json:
        print(json.dumps(result))
    else:
        print("\n".join(lines(result)))
    if result["errors"] or result["mismatches"] or result["interrupted"]:
        sys.exit(1)


def _watched(tasks: list[Task], *, quiet: bool) -> Outcome:
    """Run the tasks, with a line of progress where somebody sees it."""
    if quiet or not sys.stdout.isatty():
        return work(tasks, lambda _seconds, _bytes, _reads: None)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), transient=True) as progress:
        line = progress.add_task("starting readers")

        def watch(seconds: float, count: int, reads: int) -> None:
            rate = count / seconds / 1e9 if seconds > 0 else 0.0
            words = f"{seconds:.0f}s  {format_size(count)}  {rate:.3f} GB/s  {reads} reads"
            progress.update(line, description=words)

        return work(tasks, watch)


if __name__ == "__main__":
    main()
