"""`make bench`: measure WarpDrive beside its peers and controls, and hold the figures against the goals.

Exit status: 0 when every goal measured was reached, 1 when one was missed or could not be measured, 2 usage.
"""

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.plan import MEASUREMENT_FAULTS, Plan
from benchmarks.report import table, write
from benchmarks.results import OURS, Result, circumstances
from hack.run_local.processes import signals_as_exit, undisturbed, workplace

QUICK_ROUNDS = 1
ROUNDS = 5


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 on a mistake."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure beside peers, in one run.")
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="only this case (repeatable)")
    parser.add_argument("--rounds", type=int, help=f"rounds per case ({ROUNDS}; --quick {QUICK_ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="small objects, to see that it works")
    parser.add_argument("--folder", type=Path, help="where caches and logs live (default: the temporary folder)")
    parser.add_argument("--name", help="name of the results files (default: latest, or quick)")
    parser.add_argument("--list", action="store_true", help="print the cases and stop")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    options.name = options.name or ("quick" if options.quick else "latest")
    return options


def measure(plan: Plan, cases: list[str]) -> list[Result]:
    """Run the cases one after another; one that cannot run is a result with its reason."""
    results: list[Result] = []
    for name in cases:
        print(f"{name}:", flush=True)
        started = time.monotonic()
        try:
            results += CASES[name](plan)
        except MEASUREMENT_FAULTS as fault:
            why = f"{type(fault).__name__}: {fault}".splitlines()[0]
            print(f"  could not run: {fault}", file=sys.stderr, flush=True)
            results.append(Result(name, name, "", {}, goal="could not run", failures={OURS: why}))
        print(f"  took {time.monotonic() - started:.0f} s", flush=True)
    return results


def main() -> int:
    """Measure, report, clean up."""
    options = parse(sys.argv[1:])
    if options.list:
        for name, case in CASES.items():
            print(f"{name:18} {(sys.modules[case.__module__].__doc__ or '').splitlines()[0]}")
        return 0
    if os.geteuid() != 0:
        print("bench: not root: cases with a shaped or counted link cannot run", file=sys.stderr)
    cleanup = contextlib.ExitStack()
    with signals_as_exit():
        try:
            folder = cleanup.enter_context(workplace("wd-bench-", options.folder))
            plan = Plan(folder=folder, rounds=options.rounds, quick=options.quick)
            facts = circumstances() | {"rounds": options.rounds, "quick": options.quick}
            results = measure(plan, options.case or list(CASES))
        except KeyboardInterrupt:
            return 130
        finally:
            with undisturbed():
                cleanup.close()
    print(f"\n{table(results)}\n")
    for path in write(options.name, facts, results):
        print(f"wrote {path.relative_to(Path.cwd())}")
    missed = [result for result in results if result.passed is False or OURS in result.failures]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
