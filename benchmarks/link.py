"""A wire of our own: a network namespace for the server, a veth pair to it, shaped by a token bucket, counted."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

MTU = 9000  # what clouds use at such rates; headers then take 0.7 % of the wire
BURST = "2mb"  # a 4 Gbit/s bucket refilled every 4 ms (250 Hz) needs 2 MB


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class Link:
    """One veth pair; the far end lives in namespace `name` at address `server`."""

    def __init__(self) -> None:
        number = os.getpid() % 250
        self.name = f"wdbench{os.getpid()}"
        self._near = f"wdb{os.getpid()}a"
        self._far = f"wdb{os.getpid()}b"
        self._client = f"10.213.{number}.1"
        self.server = f"10.213.{number}.2"

    @property
    def command_prefix(self) -> tuple[str, ...]:
        """What to put before a command so that it runs at the far end."""
        return ("ip", "netns", "exec", self.name)

    def up(self) -> None:
        """Create namespace and pair. Raises CalledProcessError; needs root."""
        _ip("netns", "add", self.name)
        _ip("link", "add", self._near, "mtu", str(MTU), "type", "veth", "peer", "name", self._far, "mtu", str(MTU))
        _ip("link", "set", self._far, "netns", self.name)
        _ip("address", "add", f"{self._client}/30", "dev", self._near)
        _ip("link", "set", self._near, "up")
        _ip("-n", self.name, "address", "add", f"{self.server}/30", "dev", self._far)
        _ip("-n", self.name, "link", "set", self._far, "up")
        _ip("-n", self.name, "link", "set", "lo", "up")

    def down(self) -> None:
        """Remove both; what is gone already is no error."""
        subprocess.run(["ip", "link", "delete", self._near], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)

    def shape(self, gigabits: float) -> None:
        """Limit what the server sends to `gigabits` Gbit/s."""
        bucket = ("tbf", "rate", f"{gigabits}gbit", "burst", BURST, "latency", "50ms")
        command = ["tc", "qdisc", "replace", "dev", self._far, "root", *bucket]
        subprocess.run([*self.command_prefix, *command], check=True, capture_output=True, text=True)

    def bytes_from_server(self) -> int:
        """Count the bytes that have come from the server, headers included."""
        return int(Path(f"/sys/class/net/{self._near}/statistics/rx_bytes").read_text())


@contextlib.contextmanager
def link() -> Iterator[Link]:
    """A link that is gone when the block is left."""
    wire = Link()
    try:
        wire.up()
        yield wire
    finally:
        wire.down()
