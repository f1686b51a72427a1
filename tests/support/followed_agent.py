"""A program: a whole agent whose control plane is this test, for what only a kernel can show of a live namespace.

    python -m tests.support.followed_agent CONFIG MOUNT_POINT [--away]

Prints "ready" once the mount answers. Standard input takes one JSON object a line, each answered by a line with what
the feed says then: {"serve": {PATH: BACKEND}, "position": N} publishes a namespace whose entries are
`BackendDefinition`s as objects, {"retire": N} retires it, {"lose": TEXT} and {"find": true} lose the connection and
find it again, {"refuse": TEXT} refuses.
With `--away` the control plane is not there at the start. Waits are shortened to a second.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio

from warpdrive.adapters.control_client.memory_feed import MemoryFeed
from warpdrive.adapters.observability.logging import configure_logging
from warpdrive.application.mount.following import NamespaceUnavailable, Patience
from warpdrive.application.ports.namespace_feed import NamespaceSnapshot
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.entrypoints.mount import wiring
from warpdrive.entrypoints.mount.control import Tie
from warpdrive.entrypoints.mount.options import CommandOptions
from warpdrive.entrypoints.settings import load_agent_settings

_ID = UUID(int=1)


def obey(feed: MemoryFeed, order: dict[str, Any]) -> None:
    """Carry out one order."""
    if "serve" in order:
        entries = tuple(MountEntry(path, BackendDefinition(**each)) for path, each in sorted(order["serve"].items()))
        feed.publish(NamespaceSnapshot(order["position"], _ID, "training", entries))
    elif "retire" in order:
        feed.publish(NamespaceSnapshot(order["retire"], _ID, "training", retired=True))
    elif "lose" in order:
        feed.lose(order["lose"])
    elif "find" in order:
        feed.find_again()
    else:
        feed.refuse(order["refuse"])
    print(json.dumps({"connected": feed.connected, "fault": feed.fault}), flush=True)  # noqa: T201 - the program's answer


async def run(config: Path, point: str, *, away: bool) -> None:
    """Mount until told to stop."""
    feed = MemoryFeed(connected=not away, fault="connection refused" if away else "")
    settings = load_agent_settings(config, os.environ, overrides={"mount_point": point})
    loop = asyncio.get_running_loop()

    def hear() -> None:
        line = sys.stdin.readline()
        if line:
            obey(feed, json.loads(line))
        else:
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, hear)
    await wiring.run(
        settings,
        CommandOptions(),
        lambda: print("ready", flush=True),  # noqa: T201 - the program's answer
        Tie(lambda _settings, _condition: feed, Patience(known=1.0, unknown=1.0, refused=1.0)),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("mount_point")
    parser.add_argument("--away", action="store_true")
    typed = parser.parse_args()
    configure_logging("info", "console")
    try:
        anyio.run(lambda: run(typed.config, typed.mount_point, away=typed.away))
    except BaseExceptionGroup as group:
        unavailable, rest = group.split(NamespaceUnavailable)
        if unavailable is None or rest is not None:
            raise
        fault: BaseException = unavailable
        while isinstance(fault, BaseExceptionGroup):
            fault = fault.exceptions[0]
        sys.exit(str(fault))
