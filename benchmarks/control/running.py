"""A program of cases on one embedded PostgreSQL: its command line, its databases, its table."""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import anyio

from benchmarks.control.plan import ControlCase, ControlPlan
from benchmarks.report import table, write
from benchmarks.results import Result, circumstances
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.embedded import embedded_postgres
from warpdrive.adapters.store.embedded.roles import as_superuser, create_database


@dataclass(frozen=True, slots=True)
class Program:
    """What a target of make measures: so many rounds a case, `seconds` a figure, `quick_seconds` with --quick."""

    target: str
    about: str
    cases: Mapping[str, ControlCase]
    rounds: int
    seconds: float
    quick_seconds: float


def parse(program: Program, arguments: list[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 on a mistake."""
    parser = argparse.ArgumentParser(prog=f"make {program.target}", description=program.about)
    parser.add_argument("--case", action="append", choices=sorted(program.cases), help="only this case (repeatable)")
    parser.add_argument("--rounds", type=int, help=f"rounds per case ({program.rounds}; --quick 1)")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument("--folder", type=Path, help="where the database lives (default: the temporary folder)")
    parser.add_argument("--name", help="write results/NAME.json, .md and .svg too")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else program.rounds)
    return options


async def measure(program: Program, options: argparse.Namespace, data_dir: Path) -> list[Result]:
    """Run the cases one after another, each on databases of its own."""
    results: list[Result] = []
    async with embedded_postgres(data_dir) as server:

        async def fresh() -> DatabasePlace:
            name = f"bench_{uuid4().hex}"
            connection = await connect(as_superuser(server), Role.OWNER, application_name="benchmark")
            try:
                await create_database(connection, name)
            finally:
                await connection.close()
            return replace(server, name=name)

        plan = ControlPlan(options.rounds, program.quick_seconds if options.quick else program.seconds, fresh)
        for name in options.case or program.cases:
            print(f"{name} ...", flush=True)
            results += await program.cases[name](plan)
    return results


def run(program: Program) -> int:
    """Measure, report, clean up; returns the exit status."""
    options = parse(program, sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="wd-bench-", dir=options.folder) as folder:
        Path(folder).chmod(0o711)  # the server's own user passes through
        results = anyio.run(measure, program, options, Path(folder) / "control")
    print(f"\n{table(results)}\n")
    if options.name:
        facts = circumstances() | {"rounds": options.rounds, "quick": options.quick}
        for path in write(options.name, facts, results):
            print(f"wrote {path.relative_to(Path.cwd())}")
    return 1 if any(result.passed is False for result in results) else 0
