"""What a case found: series of figures per subject, held against a goal."""

import platform
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OURS = "warpdrive"


@dataclass(slots=True)
class Result:
    """One line of the table. `series` maps a subject to one figure per round, in `unit`."""

    case: str
    title: str
    unit: str
    series: dict[str, list[float]]
    goal: str = "reported"
    ratio: float | None = None
    passed: bool | None = None
    """None when the case has no goal or could not be measured."""
    note: str = ""
    failures: dict[str, str] = field(default_factory=dict)
    """Subjects that could not be measured, with the reason."""
    extra: dict[str, Any] = field(default_factory=dict)

    def median(self, subject: str) -> float:
        """Return the median of a subject's figures. Raises KeyError when it was not measured."""
        return statistics.median(self.series[subject])

    def judge(self, ratio: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
        """Write down the ratio that the goal speaks of and whether it is reached."""
        self.ratio = ratio
        self.passed = (at_least is None or ratio >= at_least) and (at_most is None or ratio <= at_most)

    def judge_against(self, subjects: list[str], at_least: float) -> None:
        """Judge our median against the best of the subjects measured; unmeasured when there is none."""
        measured = [self.median(subject) for subject in subjects if subject in self.series]
        if OURS in self.series and measured:
            self.judge(self.median(OURS) / max(measured), at_least=at_least)

    def as_json(self) -> dict[str, Any]:
        """Return what the results file holds."""
        return {
            "case": self.case,
            "title": self.title,
            "goal": self.goal,
            "ratio": self.ratio,
            "passed": self.passed,
            "unit": self.unit,
            "medians": {subject: statistics.median(figures) for subject, figures in self.series.items()},
            "series": self.series,
            "failures": self.failures,
            "note": self.note,
            "extra": self.extra,
        }


def circumstances() -> dict[str, Any]:
    """Describe the machine and the versions, without names of hosts or people."""
    cpu = next((line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kernel": platform.release(),
        "cpus": len([line for line in _lines("/proc/cpuinfo") if line.startswith("processor")]),
        "cpu": cpu,
        "memory_gib": round(int(memory) / 2**20, 1),
        "python": platform.python_version(),
        "commit": _output("git", "rev-parse", "--short", "HEAD"),
        "rclone": _output(str(ROOT / ".tools/servers/bin/rclone"), "version").partition("\n")[0],
        "s3fs": _output("s3fs", "--version").partition("\n")[0],
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return "not installed"
