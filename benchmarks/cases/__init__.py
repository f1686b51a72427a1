"""One module per kind of access; `CASES` names every case that `benchmarks.run --case` takes."""

from benchmarks.cases import cold_read, epoch, listing, memory, random_read, small_files, warm_read
from benchmarks.plan import Case

CASES: dict[str, Case] = {
    "warm-read": warm_read.run,
    "cold-read-shaped": cold_read.run_shaped,
    "cold-read": cold_read.run_unshaped,
    "random-read": random_read.run,
    "small-files": small_files.run,
    "listing": listing.run,
    "epoch": epoch.run,
    "memory": memory.run,
}
