"""The main job, from top to bottom. See hack/run-local.sh for what it promises."""

import argparse
import contextlib
import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from hack.run_local import dataset, story
from hack.run_local.agent import Agent, Place
from hack.run_local.control import ControlPlane
from hack.run_local.people import Person, two_people
from hack.run_local.processes import StartError, signals_as_exit, undisturbed, workplace
from hack.run_local.seaweed import ACCESS_KEY, REGION, SECRET_KEY, SeaweedServer
from hack.run_local.work import HEADER, job_of

BUCKET = "digits"
NODES = ("node-a", "node-b")
DATA_LIMIT = 4 << 30
"""Bytes of --data that an epoch reads; a larger directory is mounted whole but read in part."""
TREE_LINES = 40


def say(text: str) -> None:
    """Print a step at once, also into a pipe."""
    print(text, flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 on a mistake."""
    parser = argparse.ArgumentParser(prog="hack/run-local.sh")
    parser.add_argument("--exit", action="store_true", help="stop after training instead of staying up")
    parser.add_argument("--data", type=Path, help="another directory to mount under /data and to read")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data {options.data} is not a directory")
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")
    return options


def entries(server: SeaweedServer, local: Path, data: Path | None) -> list[dict[str, Any]]:
    """Describe the backends as a namespace's file does; `train-keys` is resolved on each node and by the crawler."""
    found: list[dict[str, Any]] = [
        {
            "name": "train",
            "type": "s3",
            "mount_path": "/train",
            "config": {"bucket": BUCKET, "region": REGION, "endpoint": server.endpoint, "force_path_style": True},
            "auth": "train-keys",
        },
        {"name": "local", "type": "local", "mount_path": "/local", "config": {"root": str(local)}},
    ]
    if data is not None:
        config = {"root": str(data.resolve())}
        found.append({"name": "data", "type": "local", "mount_path": "/data", "config": config})
    return found


CREDENTIALS = {
    "train-keys": {
        "method": "static",
        "access_key_id": "${WARPDRIVE_RUN_LOCAL_KEY}",
        "secret_access_key": "${WARPDRIVE_RUN_LOCAL_SECRET}",
    }
}
"""The keys themselves come from the environment, so that no file holds them."""


def print_tree(mount: Path) -> None:
    """Print what is mounted, cut short where it is long."""
    lines = [
        f"  {'  ' * (len(path.relative_to(mount).parts) - 1)}{path.name}"
        + ("/" if path.is_dir() else f"  {path.stat().st_size / 1e6:.1f} MB")
        for path in sorted(mount.rglob("*"))[: TREE_LINES + 1]
    ]
    say("\n".join(lines[:TREE_LINES]))
    if len(lines) > TREE_LINES:
        say("  ...")


def files_to_read(folder: Path) -> list[Path]:
    """Return the files of --data up to DATA_LIMIT bytes; empty when the folder is not mounted."""
    chosen, total = [], 0
    for path in sorted(folder.rglob("*")) if folder.exists() else []:
        if path.is_file() and total < DATA_LIMIT:
            chosen.append(path)
            total += path.stat().st_size
    return chosen


def node(name: str, plane: ControlPlane, folder: Path, env: dict[str, str]) -> Agent:
    """Start an agent that follows the control plane and tells it what its users do."""
    agent = Agent(
        Place(folder / name),
        None,
        cache={"max_size": "8GB"},
        env=env,
        tie={
            "control_plane": plane.grpc,
            "namespace": story.NAMESPACE,
            "node": name,
            "token_file": str(story.node_token(plane, name, folder)),
            "credentials": CREDENTIALS,
        },
        more={"allow_other": os.geteuid() == 0, "telemetry": {"enabled": True, "sink": "grpc"}},
    )
    agent.place.folder.chmod(0o711)
    return agent


def work_on_both(agents: dict[str, Agent], people: tuple[Person, Person], epochs: int) -> None:
    """Let the first person train on all shards, and the second on a third of them and on the photographs, at once.

    Raises StartError when a job fails.
    """
    jobs = []
    for number, ((name, agent), person) in enumerate(zip(agents.items(), people, strict=True)):
        mount = agent.place.mount_point
        shards = sorted((mount / "train").glob("*.tar"))
        others = files_to_read(mount / "local" / "photographs") if number else files_to_read(mount / "data")
        files = (
            shards[: len(shards) // 3] if number else shards,
            sorted((mount / "local" / "validation").glob("*.tar")),
            others,
        )
        say(f"{name}: {person.name} trains on {len(files[0])} shards through {mount}")
        jobs.append(job_of(person, name, agent.metrics_address, epochs, files))
    say(HEADER)
    running = [job.start() for job in jobs]
    try:
        failed = [name for name, process in zip(agents, running, strict=True) if process.wait() != 0]
    finally:
        for process in running:
            process.kill()
            process.wait()
    if failed:
        raise StartError(f"the job on {', '.join(failed)} failed")


def check_bytes(mount: Path, originals: dict[str, Path]) -> None:
    """Compare what the mount serves with what was put in. Raises SystemExit when a byte differs."""
    checked = 0
    for name, original in originals.items():
        for path in sorted(original.rglob("*")):
            if path.is_file():
                seen = hashlib.sha256((mount / name / path.relative_to(original)).read_bytes()).digest()
                if seen != hashlib.sha256(path.read_bytes()).digest():
                    raise SystemExit(f"run-local: {path.name} differs through the mount")
                checked += 1
    say(f"checked: {checked} files have the same SHA-256 through the mount as where they came from")


def run(options: argparse.Namespace, folder: Path, stack: contextlib.ExitStack) -> None:
    """Do the job below `folder`; `stack` stops what was started, last first."""
    folder.chmod(0o711)  # other users work below it, and the embedded database is one
    say("starting an S3 server on loopback (SeaweedFS: it checks signatures)")
    server = SeaweedServer(folder)
    stack.callback(server.stop)
    say("packing the data set: scikit-learn's digits as tar shards, its photographs")
    local = folder / "local"
    dataset.write_digits(folder / "shards", local / "validation")
    dataset.write_photographs(local / "photographs")
    dataset.write_attic(local / "attic", local / "validation")
    server.wait()
    server.upload(BUCKET, folder / "shards")
    say(f"bucket {BUCKET} at {server.endpoint} and directory {local} are filled")
    env = {"WARPDRIVE_RUN_LOCAL_KEY": ACCESS_KEY, "WARPDRIVE_RUN_LOCAL_SECRET": SECRET_KEY}
    say("starting a control plane with an embedded PostgreSQL")
    plane = ControlPlane(folder / "control", credentials=CREDENTIALS, env=env)
    stack.callback(plane.child.stop)
    plane.wait()
    first, second = people = two_people()
    say(f"deciding: namespace {story.NAMESPACE}, team vision with {first.name}, team press with {second.name}")
    story.decide(plane, entries(server, local, options.data), first, second, folder)
    agents = {name: node(name, plane, folder, env) for name in NODES}
    for agent in agents.values():
        stack.callback(agent.child.stop)
    for name, agent in agents.items():
        status, body = agent.wait()
        say(f"{name}: mounted at {agent.place.mount_point}; health {status} {body.strip() if status != 200 else 'ok'}")
    shown = agents[NODES[0]]
    print_tree(shown.place.mount_point)
    say("\ntraining")
    work_on_both(agents, people, options.epochs)
    story.report(plane, first)
    # Last, because it reads everything as nobody's work.
    check_bytes(shown.place.mount_point, {"train": folder / "shards", "local": local})
    if options.exit:
        return
    exports = " ".join(f"{name}={value}" for name, value in plane.reach.items())
    say(f"""
still up; in another terminal:
  ls -lR {shown.place.mount_point}
  curl http://{shown.metrics_address}/metrics
  .venv/bin/warpdrive-ctl --socket {shown.place.socket} status
  export {exports}
  .venv/bin/warpdrive-ctl usage
API and its documentation: http://{plane.rest}/api/docs
Ctrl-C stops everything and removes it.""")
    with contextlib.suppress(KeyboardInterrupt):
        children = [plane.child, *(agent.child for agent in agents.values())]
        while all(child.process.poll() is None for child in children):
            time.sleep(0.5)
        ended = next(child for child in children if child.process.poll() is not None)
        raise StartError(f"{ended.name} ended by itself:\n{ended.log_tail()}")


def main() -> int:
    """Run the job and clean up; 0 done, 1 failed, 130 interrupted."""
    options = parse(sys.argv[1:])
    cleanup = contextlib.ExitStack()
    with signals_as_exit():
        try:
            run(options, cleanup.enter_context(workplace("warpdrive-")), cleanup)
        except StartError as failure:
            print(f"run-local: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
        finally:
            say("stopping")
            with undisturbed():
                cleanup.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
