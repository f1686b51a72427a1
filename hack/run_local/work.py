"""One user's job on one node: training through the mount, as a process that is theirs.

Everything is imported before the user is changed, because the checkout may be nobody else's to read.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import Popen

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # ships no types

from hack.run_local.metrics import CacheReading
from hack.run_local.people import Person
from hack.run_local.training import SIDE, Network, ReadAccount, averaged, batches, drop_kernel_pages, read_through

HEADER = "node    epoch   loss  accuracy     read   while reading  whole epoch  cache hits  from backends"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done. Paths are below the mount; `others` are read and not learnt from."""

    node: str
    metrics_address: str
    uid: int
    gid: int
    epochs: int
    shards: list[str]
    validation: list[str]
    others: list[str]

    def start(self) -> "Popen[bytes]":
        """Run it in a process of its own, whose lines go where ours go."""
        return Popen(["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", __name__, json.dumps(asdict(self))])


def job_of(person: Person, node: str, metrics_address: str, epochs: int, files: tuple[list[Path], ...]) -> Job:
    """Describe a person's job on a node. `files`: shards, validation shards, others."""
    shards, validation, others = ([str(path) for path in each] for each in files)
    return Job(node, metrics_address, person.uid, person.gid, epochs, shards, validation, others)


def _become(job: Job) -> None:
    if os.geteuid() == 0:
        os.setgroups([job.gid])
        os.setgid(job.gid)
        os.setuid(job.uid)


def _rehearse() -> Network:
    """Make the network, having done each kind of step once: what is loaded on first use is loaded now."""
    network = Network()
    network.learn(averaged([bytes(SIDE * SIDE)]), np.zeros(1, np.int64))
    CacheReading.of(_job.metrics_address)
    return Network()


def _train(job: Job, network: Network) -> None:
    """Go over the data and print, for each epoch, what it cost and what was learnt."""
    shards, validation, others = ([Path(path) for path in each] for each in (job.shards, job.validation, job.others))
    for epoch in range(1, job.epochs + 1):
        before, account = CacheReading.of(job.metrics_address), ReadAccount()
        if epoch > 1:
            # Else the kernel's page cache would answer and the agent would see nothing of this epoch.
            drop_kernel_pages([*shards, *validation, *others])
        started = time.perf_counter()
        with threadpool_limits(1):  # so small a network gains nothing from threads that then fight the mount
            losses = [network.learn(pictures, digits) for pictures, digits in batches(shards, account)]
            right = [network.accuracy(pictures, digits) for pictures, digits in batches(validation, account)]
        read_through(others, account)
        seconds = time.perf_counter() - started
        cache = CacheReading.of(job.metrics_address).since(before)
        hit_rate = "n/a" if cache.hit_rate is None else f"{cache.hit_rate:.1%}"
        line = (
            f"{job.node:6}  {epoch:5d}  {sum(losses) / len(losses):5.3f}  {sum(right) / len(right):8.1%}"
            f"  {account.bytes / 1e6:4.0f} MB  {account.rate:9.0f} MB/s"
            f"  {account.bytes / seconds / 1e6:6.0f} MB/s"
            f"  {hit_rate:>10}  {cache.backend_bytes / 1e6:10.1f} MB"
        )
        print(line, flush=True)


if __name__ == "__main__":
    _job = Job(**json.loads(sys.argv[1]))
    with threadpool_limits(1):
        _network = _rehearse()
    _become(_job)
    _train(_job, _network)
