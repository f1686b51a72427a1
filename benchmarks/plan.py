"""What a case may use: rounds, sizes, a folder, and the way to interleave rounds."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import Result
from hack.run_local.processes import StartError

Measure = Callable[[int], float]
"""Takes the number of the round, from 0; returns one figure."""

MEASUREMENT_FAULTS = (OSError, StartError, subprocess.SubprocessError, TimeoutError)
"""What makes one subject unmeasurable without ending the run; it is reported in the result, with its words."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of one run."""

    folder: Path
    """Work and caches live here: a real disk, not a tmpfs."""
    rounds: int
    quick: bool
    """Smaller objects: to see that everything works; the figures then mean little."""

    def size(self, usual: int, quick: int) -> int:
        """Return the usual size, or the small one."""
        return quick if self.quick else usual

    def interleave(self, result: Result, measures: Mapping[str, Measure]) -> Result:
        """Measure A B C, A B C, ... into `result.series`; a subject that fails is left out from then on."""
        for number in range(self.rounds):
            for name, measure in measures.items():
                if name in result.failures:
                    continue
                try:
                    figure = measure(number)
                except MEASUREMENT_FAULTS as fault:
                    result.failures[name] = f"{type(fault).__name__}: {fault}".splitlines()[0]
                    print(f"  {name} failed: {fault}", file=sys.stderr, flush=True)
                    continue
                result.series.setdefault(name, []).append(figure)
                progress = f"  {result.case} round {number + 1}/{self.rounds}  {name:12} {figure:10.1f}"
                print(f"{progress} {result.unit}", flush=True)
        for name in result.failures:
            result.series.pop(name, None)
        return result


Case = Callable[[Plan], Iterator[Result]]
