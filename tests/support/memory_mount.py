"""A program: mounts a tree held in memory with the real transport and lifetime, for the tests and figures of both.

    python -m tests.support.memory_mount TREE.pickle MOUNT_POINT [--rw] [--ttl SECONDS]

TREE.pickle holds a dict of path (bytes) to content (bytes). Prints "ready" once the mount answers. A file named
`hang` never answers a read. Standard input takes one JSON object a line: {"put": PATH, "content": TEXT} replaces
a file; every line is answered by the verbs counted since the last one, and the number of reads that hang.
"""

import argparse
import asyncio
import contextlib
import json
import pickle
import sys
from collections import Counter
from pathlib import Path

import anyio

from tests.support.memory_filesystem import MemoryFileSystem
from warpdrive.adapters.fuse.operations import Operations
from warpdrive.adapters.fuse.presentation import Presentation
from warpdrive.adapters.fuse.session import MountOptions
from warpdrive.adapters.observability.logging import configure_logging
from warpdrive.entrypoints.mount.lifetime import serve


class CountingMeter:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def observe(self, operation: str, seconds: float) -> None:
        """Count one operation."""
        assert seconds >= 0
        self.seen[operation] += 1


class HangingFileSystem(MemoryFileSystem):
    """The twin, but reading `hang` waits for ever, as a backend without a deadline would."""

    hanging = 0
    """Reads that wait."""

    async def read(self, handle: int, offset: int, size: int) -> bytes | memoryview:
        """Read, or wait."""
        if self._open[handle] is self.root.children.get(b"hang"):
            self.hanging += 1
            await asyncio.Event().wait()
        return await super().read(handle, offset, size)


def obey(filesystem: HangingFileSystem, meter: CountingMeter, line: str) -> None:
    """Carry out one line of standard input."""
    order = json.loads(line)
    if "put" in order:
        filesystem.put(order["put"].encode(), order["content"].encode())
    answer = {**meter.seen, "hanging": filesystem.hanging}
    print(json.dumps(answer), flush=True)  # noqa: T201 - the program's answer
    meter.seen.clear()


async def run(arguments: argparse.Namespace, tree: dict[bytes, bytes]) -> None:
    """Mount until told to stop."""
    filesystem = HangingFileSystem(tree, read_only=not arguments.rw, ttl=arguments.ttl)
    meter = CountingMeter()
    presentation = Presentation(uid=0, gid=0, read_only=not arguments.rw)
    loop = asyncio.get_running_loop()

    def hear() -> None:
        line = sys.stdin.readline()
        if line:
            obey(filesystem, meter, line)
        else:
            loop.remove_reader(sys.stdin)

    with contextlib.suppress(PermissionError):  # epoll takes no regular file or /dev/null
        loop.add_reader(sys.stdin, hear)
    await serve(
        Operations(filesystem, presentation, meter),
        arguments.mount_point,
        MountOptions(read_only=not arguments.rw),
        announce=lambda: print("ready", flush=True),  # noqa: T201 - the program's answer
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("tree")
    parser.add_argument("mount_point")
    parser.add_argument("--rw", action="store_true")
    parser.add_argument("--ttl", type=float, default=60.0)
    typed = parser.parse_args()
    configure_logging("info", "console")
    anyio.run(run, typed, pickle.loads(Path(typed.tree).read_bytes()))
