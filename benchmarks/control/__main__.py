"""`make bench-control`: run the cases on one embedded PostgreSQL and print a table.

Exit status: 0 when every goal measured was reached, 1 when one was missed, 2 usage.
"""

import sys

from benchmarks.control import append, commands, loading, projecting, watching
from benchmarks.control.running import Program, run

PROGRAM = Program(
    "bench-control",
    "Measure the control plane, in one run.",
    {
        "append": append.run,
        "command": commands.run,
        "projector": projecting.run,
        "load": loading.run,
        "watch": watching.run,
    },
    rounds=5,
    seconds=3.0,
    quick_seconds=1.0,
)

if __name__ == "__main__":
    sys.exit(run(PROGRAM))
