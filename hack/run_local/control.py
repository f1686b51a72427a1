"""`warpdrive-control` as a child, with an embedded PostgreSQL, and `warpdrive-ctl` and `warpdrive-replay` to ask it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hack.run_local.metrics import health
from hack.run_local.processes import Child, StartError, free_port

COMMANDS = Path(sys.executable).parent


class ControlPlane:
    """One control plane below `folder`. `credentials`: by name, as in `control_plane.credentials`."""

    def __init__(self, folder: Path, *, credentials: Mapping[str, Any], env: Mapping[str, str]) -> None:
        self.data_dir = folder / "data"
        folder.mkdir(parents=True)
        folder.chmod(0o711)  # the embedded server is another user
        self.rest = f"127.0.0.1:{free_port()}"
        self.grpc = f"127.0.0.1:{free_port()}"
        self.config = folder / "config.yaml"
        section = {
            "rest_addr": self.rest,
            "grpc_addr": self.grpc,
            "data_dir": str(self.data_dir),
            "credentials": dict(credentials),
        }
        settings = {"control_plane": section, "log": {"level": "info", "format": "json"}}
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))
        self._env = {**os.environ, **env}
        command = [str(COMMANDS / "warpdrive-control"), "--config", str(self.config)]
        self.child = Child("warpdrive-control", command, folder / "control.log", env)

    @property
    def token_file(self) -> Path:
        """The first admin's token."""
        return self.data_dir / "admin.token"

    @property
    def reach(self) -> dict[str, str]:
        """What warpdrive-ctl needs in its environment."""
        return {"WARPDRIVE_SERVER": f"http://{self.rest}", "WARPDRIVE_TOKEN_FILE": str(self.token_file)}

    def wait(self) -> None:
        """Wait until it answers. Raises StartError."""
        self.child.wait_until(lambda: self.token_file.exists() and health(self.rest)[0] == 200, 60)

    def ctl(self, *words: str) -> str:
        """Run warpdrive-ctl and return what it printed. Raises StartError when it fails."""
        return self._run(["warpdrive-ctl", *words], {**self._env, **self.reach})

    def show(self, *words: str) -> None:
        """Print a command of warpdrive-ctl and its answer."""
        print(f"\n$ warpdrive-ctl {' '.join(words)}\n{self.ctl(*words)}", end="", flush=True)

    def replay(self, *words: str) -> None:
        """Print a command of warpdrive-replay and its answer."""
        said = self._run(["warpdrive-replay", "--config", str(self.config), *words], self._env)
        print(f"\n$ warpdrive-replay {' '.join(words)}\n{said}", end="", flush=True)

    def _run(self, command: list[str], env: Mapping[str, str]) -> str:
        program = COMMANDS / command[0]
        done = subprocess.run([program, *command[1:]], env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StartError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout
