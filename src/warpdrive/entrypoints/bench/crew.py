"""The reader processes: started together, watched, stopped, their figures added up."""

import multiprocessing
import multiprocessing.process
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Final

from warpdrive.entrypoints.bench.figures import Figures
from warpdrive.entrypoints.bench.reader import Task, read

_TICK: Final = 0.2
_PATIENCE: Final = 5.0
"""Seconds that readers get to stop; one that hangs in a dead mount is killed then."""


Watch = Callable[[float, int, int], None]
"""Told (seconds, bytes, reads) so far."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the crew brought home."""

    figures: Figures
    interrupted: bool
    """Somebody pressed Ctrl-C; the figures are of the time before."""


def work(tasks: Sequence[Task], watch: Watch) -> Outcome:
    """Run one process per task to the end, or to Ctrl-C; `watch` is called several times a second."""
    # Spawned, not forked: the parent draws a progress bar with threads.
    context = multiprocessing.get_context("spawn")
    shared = context.RawArray("Q", 2 * len(tasks))
    stop = context.RawValue("b", 0)
    go = context.Event()
    homes: dict[Connection, multiprocessing.process.BaseProcess] = {}
    figures, interrupted = Figures(), False
    try:
        # Readers inherit the ignored SIGINT: Ctrl-C reaches the whole process group, and only the parent decides.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for task in tasks:
                home, away = context.Pipe(duplex=False)
                reader = context.Process(target=read, args=(task, shared, stop, go, away), daemon=True)
                reader.start()
                away.close()
                homes[home] = reader
        finally:
            signal.signal(signal.SIGINT, before)
        for home in homes:
            home.recv()
        go.set()
        started = time.monotonic()
        deadline: float | None = None
        while homes and (deadline is None or time.monotonic() < deadline):
            try:
                ready = wait(list(homes), _TICK)
                for home in [home for home in homes if home in ready]:
                    _receive(home, homes.pop(home), figures)
                watch(time.monotonic() - started, sum(shared[::2]), sum(shared[1::2]))
            except KeyboardInterrupt:
                interrupted = True
                stop.value = 1
                deadline = time.monotonic() + _PATIENCE
    finally:
        stop.value = 1
        for home, process in homes.items():
            process.kill()
            process.join()
            process.close()
            home.close()
    if homes:
        figures.errors.append(f"{len(homes)} readers did not stop and were killed")
    return Outcome(figures, interrupted)


def _receive(home: Connection, process: multiprocessing.process.BaseProcess, figures: Figures) -> None:
    try:
        figures.merge(home.recv())
    except EOFError:
        process.join()
        figures.errors.append(f"a reader ended with status {process.exitcode} and no figures")
    home.close()
    process.join()
    process.close()
