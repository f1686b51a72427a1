"""`make bench-governance`: run the cases on one embedded PostgreSQL and print a table.

Exit status: 0 when every goal measured was reached, 1 when one was missed, 2 usage.
"""

import sys

from benchmarks.control.running import Program, run
from benchmarks.governance import collector, crawl, ingest, questions

PROGRAM = Program(
    "bench-governance",
    "Measure governance, in one run.",
    {
        "ingest": ingest.run,
        "collector": collector.run,
        "questions": questions.run,
        "crawl": crawl.run,
    },
    rounds=3,
    seconds=10.0,
    quick_seconds=2.0,
)

if __name__ == "__main__":
    sys.exit(run(PROGRAM))
