"""What telemetry costs the agent: its CPU seconds per GB read, with the collector and its grpc sink and without.

Two agents stand side by side over one directory, both warm, and are read in turns: files opened, read whole, closed.
CPU is user and system time of the agent's process from /proc; what the kernel does for the reader is not in it.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.control.plan import ControlPlan
from benchmarks.control.process import Served, served
from benchmarks.results import OURS, Result
from hack.run_local.agent import Agent, Place
from hack.run_local.metrics import scrape
from hack.run_local.processes import workplace

READ: Final = 1 << 20
TURN_BYTES: Final = 1 << 30
"""Read in one turn, so that a clock tick of 10 ms is little."""
MOST: Final = 0.03
OFF: Final = "switched off"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is read: so many files of one size. `judged`: the goal is about these."""

    files: int
    size: int
    judged: bool

    @property
    def passes(self) -> int:
        """How often a turn reads every file."""
        return max(1, TURN_BYTES // (self.files * self.size))


SHAPES: Final = (Shape(24, 8 << 20, judged=True), Shape(1000, 128 << 10, judged=False))


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Take turns and compare the medians, for shards and for small files."""
    results = []
    for shape in SHAPES:
        result = Result(
            "collector",
            f"agent's CPU per GB, {shape.files} files of {shape.size >> 10} KiB opened and read, grpc sink",
            "CPU ms/GB",
            {OURS: [], OFF: []},
            goal=f"<= {MOST:.0%} more" if shape.judged else "reported",
        )
        with (
            tempfile.TemporaryDirectory(prefix="wd-bench-") as folder,
            served(await plan.fresh(), Path(folder)) as plane,
        ):
            _measure(plan, plane, shape, result)
        cost = result.median(OURS) / result.median(OFF) - 1
        result.judge(cost, at_most=MOST if shape.judged else None)
        result.passed = result.passed if shape.judged else None
        results.append(result)
    return results


def _measure(plan: ControlPlan, plane: Served, shape: Shape, result: Result) -> None:
    with workplace("wd-bench-") as folder, ExitStack() as stack:
        source = folder / "source"
        source.mkdir()
        for number in range(shape.files):
            (source / f"shard-{number:04d}.tar").write_bytes(os.urandom(shape.size))
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(plane.issue(role="ROLE_AGENT", node="bench"))
        telemetry = {"enabled": True, "sink": "grpc", "control_plane_addr": f"{plane.host}:{plane.grpc}"}
        agents = {
            OURS: _agent(folder / "on", source, {"node": "bench", "token_file": str(token)}, telemetry),
            OFF: _agent(folder / "off", source, {}, {"enabled": False}),
        }
        for agent in agents.values():
            stack.callback(agent.child.stop)
        for agent in agents.values():
            agent.wait()
            _read(agent, 2)
        for number in range(plan.rounds):
            # Who begins changes from round to round: the first reader of a pair finds a colder machine.
            for name in sorted(agents, reverse=bool(number % 2)):
                result.series[name].append(_turn(agents[name], shape.passes))
        told = scrape(agents[OURS].metrics_address).get("warpdrive_telemetry_records_total", 0.0)
        if told < shape.files * plan.rounds:
            raise RuntimeError(f"only {told:.0f} records were told of: this measured nothing")


def _agent(folder: Path, source: Path, tie: Mapping[str, Any], telemetry: Mapping[str, Any]) -> Agent:
    backend = {"name": "bench", "type": "local", "mount_path": "/bench", "config": {"root": str(source)}}
    return Agent(Place(folder), [backend], cache={"max_size": "4GB"}, tie=tie, more={"telemetry": telemetry})


def _turn(agent: Agent, passes: int) -> float:
    """Read everything several times; return CPU milliseconds of the agent per GB."""
    before = _cpu_seconds(agent.child.pid)
    count = _read(agent, passes)
    return (_cpu_seconds(agent.child.pid) - before) * 1e3 / (count / 1e9)


def _read(agent: Agent, passes: int) -> int:
    """Read every shard through the mount, each time anew from the agent; return the bytes."""
    buffer = memoryview(bytearray(READ))
    total = 0
    for _ in range(passes):
        for path in sorted((agent.place.mount_point / "bench").iterdir()):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                while count := os.readv(descriptor, [buffer]):
                    total += count
            finally:
                os.close(descriptor)
    return total


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads; fields 14 and 15 of proc(5)'s stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
