"""Two hundred agents on real watch streams: how long until each has seen a change."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskStatus
from grpclib.client import UnaryStreamMethod

from benchmarks.control.plan import ControlPlan
from benchmarks.control.process import Served, served
from benchmarks.results import OURS, Result
from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.adapters.wire.generated.messages import (
    AddMountEntryRequest,
    Backend,
    ControlServiceStub,
    CreateNamespaceRequest,
    MountEntry,
)

AGENTS = 200
CHANNELS = 20
MOST_SECONDS = 1.0


class Agents:
    """What the agents have seen: the newest version of the namespace, each."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._seen: dict[int, int] = {}
        self._changed = anyio.Event()

    def saw(self, agent: int, entries: int) -> None:
        """Note that an agent sees so many entries."""
        self._seen[agent] = entries
        self._changed.set()

    async def all_see(self, entries: int) -> None:
        """Wait until every agent sees at least so many."""
        with anyio.fail_after(60):
            while sum(each >= entries for each in self._seen.values()) < self._wanted:
                await self._changed.wait()
                self._changed = anyio.Event()


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Time changes from the moment that the command is sent to the moment that the last agent has seen it."""
    result = Result(
        "watch",
        f"{AGENTS} agents see a change, the last of them",
        "ms",
        {OURS: []},
        goal=f"<= {MOST_SECONDS * 1e3:g} ms",
    )
    with tempfile.TemporaryDirectory(prefix="wd-bench-") as folder, served(await plan.fresh(), Path(folder)) as plane:
        admin = {"authorization": f"Bearer {plane.token}"}
        agents = Agents(AGENTS)
        async with plane.channel() as channel, anyio.create_task_group() as tasks:
            stub = ControlServiceStub(channel)
            await stub.create_namespace(CreateNamespaceRequest(name="training"), metadata=admin)
            for number in range(CHANNELS):
                await tasks.start(watch, plane, agents, number)
            await agents.all_see(0)
            for number in range(1, 5 * plan.rounds + 1):
                backend = Backend(name=f"b{number}", type="local", options={"root": "/x"})
                entry = MountEntry(path=f"/m{number}", backend=backend)
                began = time.perf_counter()
                await stub.add_mount_entry(AddMountEntryRequest(namespace="training", entry=entry), metadata=admin)
                await agents.all_see(number)
                result.series[OURS].append((time.perf_counter() - began) * 1e3)
            tasks.cancel_scope.cancel()
    result.passed = max(result.series[OURS]) <= MOST_SECONDS * 1e3
    result.note = f"slowest {max(result.series[OURS]):.0f} ms; the clients share the server's CPUs"
    return [result]


async def watch(
    plane: Served, agents: Agents, channel_number: int, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Run the agents of one connection."""
    per_channel = AGENTS // CHANNELS

    async def one(number: int) -> None:
        node = f"node-{number}"
        metadata = {"authorization": f"Bearer {plane.token}"}
        async with method.open(metadata=metadata) as stream:
            await stream.send_message(asked(node=node, namespace="training"), end=True)
            async for update in stream:
                if update.WhichOneof("change") == "namespace":
                    agents.saw(number, len(update.namespace.entries))

    async with plane.channel() as channel, anyio.create_task_group() as tasks:
        # Google's messages, not the generated ones: two hundred clients in one process would measure their parsing.
        known = contract().methods["ControlService/WatchAgent"]
        asked, told = message_class(known.request), message_class(known.answer)
        method: UnaryStreamMethod[Any, Any] = UnaryStreamMethod(
            channel, "/warpdrive.v1.ControlService/WatchAgent", asked, told
        )
        for each in range(per_channel):
            tasks.start_soon(one, channel_number * per_channel + each)
        task_status.started()
