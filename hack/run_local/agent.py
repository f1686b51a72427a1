"""`warpdrive-mount` as a child: its configuration written out, started, waited for."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hack.run_local.metrics import health
from hack.run_local.processes import Child, StartError, free_port, mounts_below


@dataclass(frozen=True, slots=True)
class Place:
    """Where one agent lives: everything below one folder."""

    folder: Path

    @property
    def mount_point(self) -> Path:
        """Where the tree appears."""
        return self.folder / "mount"

    @property
    def cache(self) -> Path:
        """The cache directory."""
        return self.folder / "cache"

    @property
    def socket(self) -> Path:
        """The admin socket for warpdrive-ctl; short, since the path of a socket is limited to 107 bytes."""
        return self.folder / "admin.sock"

    @property
    def state(self) -> Path:
        """The agent's state directory."""
        return self.folder / "state"

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "config.yaml"


class Agent:
    """One running agent, over the given backends or tied to a control plane.

    `tie` are keys of the section `agent`, `more` further sections.
    """

    def __init__(
        self,
        place: Place,
        backends: list[dict[str, Any]] | None,
        *,
        cache: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        command_prefix: tuple[str, ...] = (),
        tie: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.place = place
        program = Path(sys.executable).parent / "warpdrive-mount"
        if not program.exists():
            raise StartError("warpdrive-mount is not installed: run hack/setup-dev.sh")
        for folder in (place.mount_point, place.cache, place.state):
            folder.mkdir(parents=True, exist_ok=True)
        self.metrics_address = f"127.0.0.1:{free_port()}"
        settings = {
            "mount_point": str(place.mount_point),
            "log": {"level": "info", "format": "json"},
            "cache": {"path": str(place.cache), **(cache or {})},
            **({} if backends is None else {"backends": backends}),
            "metrics": {"enabled": True, "addr": self.metrics_address},
            "agent": {"state_dir": str(place.state), "admin_socket": str(place.socket), **(tie or {})},
            **(more or {}),
        }
        place.config.write_text(yaml.safe_dump(settings, sort_keys=False))
        command = [*command_prefix, str(program), "--config", str(place.config)]
        self.child = Child("warpdrive-mount", command, place.folder / "agent.log", env)

    def wait(self, seconds: float = 60.0) -> tuple[int, str]:
        """Wait for the mount and for an answer on /healthz; returns it. Raises StartError."""
        self.child.wait_until(lambda: self.place.mount_point in mounts_below(self.place.mount_point), seconds)
        self.child.wait_until(lambda: health(self.metrics_address)[0] != 0, seconds)
        return health(self.metrics_address)
