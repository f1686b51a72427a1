"""`make bench-governance`: run the cases on one embedded PostgreSQL and print a table.

Exit status: 0 when every goal measured was reached, 1 when one was missed, 2 usage.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import anyio

from benchmarks.control.plan import ControlCase, ControlPlan
from benchmarks.governance import collector, crawl, ingest, questions
from benchmarks.report import table, write
from benchmarks.results import Result, circumstances
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.embedded import embedded_postgres
from warpdrive.adapters.store.embedded.roles import as_superuser, create_database

CASES: dict[str, ControlCase] = {
    "ingest": ingest.run,
    "collector": collector.run,
    "questions": questions.run,
    "crawl": crawl.run,
}
ROUNDS, SECONDS = 3, 10.0


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 on a mistake."""
    parser = argparse.ArgumentParser(prog="make bench-governance", description="Measure governance, in one run.")
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="only this case (repeatable)")
    parser.add_argument("--rounds", type=int, help=f"rounds per case ({ROUNDS}; --quick 1)")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument("--folder", type=Path, help="where the database lives (default: the temporary folder)")
    parser.add_argument("--name", help="write results/NAME.json, .md and .svg too")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else ROUNDS)
    return options


async def measure(options: argparse.Namespace, data_dir: Path) -> list[Result]:
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

        plan = ControlPlan(options.rounds, 2.0 if options.quick else SECONDS, fresh)
        for name in options.case or CASES:
            print(f"{name} ...", flush=True)
            results += await CASES[name](plan)
    return results


def main() -> int:
    """Measure, report, clean up."""
    options = parse(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="wd-bench-", dir=options.folder) as folder:
        Path(folder).chmod(0o711)  # the server's own user passes through
        results = anyio.run(measure, options, Path(folder) / "control")
    print(f"\n{table(results)}\n")
    if options.name:
        facts = circumstances() | {"rounds": options.rounds, "quick": options.quick}
        for path in write(options.name, facts, results):
            print(f"wrote {path.relative_to(Path.cwd())}")
    return 1 if any(result.passed is False for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
