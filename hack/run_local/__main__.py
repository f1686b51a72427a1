"""The main job, from top to bottom. See hack/run-local.sh for what it promises."""

import argparse
import contextlib
import hashlib
import signal
import sys
import time
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # ships no types

from hack.run_local import dataset
from hack.run_local.agent import Agent, Place
from hack.run_local.metrics import CacheReading
from hack.run_local.processes import StartError, signals_as_exit, undisturbed, workplace
from hack.run_local.seaweed import ACCESS_KEY, REGION, SECRET_KEY, SeaweedServer
from hack.run_local.training import Network, ReadAccount, batches, drop_kernel_pages, read_through

BUCKET = "digits"
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


def backends(server: SeaweedServer, local: Path, data: Path | None) -> list[dict[str, Any]]:
    """Describe the backends as the agent's YAML does; the keys come from the environment."""
    found: list[dict[str, Any]] = [
        {
            "name": "train",
            "type": "s3",
            "mount_path": "/train",
            "config": {
                "bucket": BUCKET,
                "region": REGION,
                "endpoint": server.endpoint,
                "force_path_style": True,
            },
            "auth": {
                "method": "static",
                "access_key_id": "${WARPDRIVE_RUN_LOCAL_KEY}",
                "secret_access_key": "${WARPDRIVE_RUN_LOCAL_SECRET}",
            },
        },
        {
            "name": "local",
            "type": "local",
            "mount_path": "/local",
            "config": {"root": str(local)},
            "auth": {"method": "none"},
        },
    ]
    if data is not None:
        config = {"root": str(data.resolve())}
        found.append(
            {
                "name": "data",
                "type": "local",
                "mount_path": "/data",
                "config": config,
                "auth": {"method": "none"},
            }
        )
    return found


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


def train(agent: Agent, epochs: int) -> None:
    """Read the shards through the mount `epochs` times and print what it cost and what was learnt."""
    mount = agent.place.mount_point
    shards = sorted((mount / "train").glob("*.tar"))
    validation = sorted((mount / "local" / "validation").glob("*.tar"))
    others = [*files_to_read(mount / "local" / "photographs"), *files_to_read(mount / "data")]
    network = Network()
    say(f"\ntraining on {len(shards)} shards through {mount}")
    say("epoch   loss  accuracy     read   while reading  whole epoch  cache hits  from backends")
    for epoch in range(1, epochs + 1):
        before, account = CacheReading.of(agent.metrics_address), ReadAccount()
        if epoch > 1:
            # Else the kernel's page cache would answer and the agent would see nothing of this epoch.
            drop_kernel_pages([*shards, *validation, *others])
        started = time.perf_counter()
        with threadpool_limits(1):  # so small a network gains nothing from threads that then fight the mount
            losses = [network.learn(pictures, digits) for pictures, digits in batches(shards, account)]
            right = [network.accuracy(pictures, digits) for pictures, digits in batches(validation, account)]
        read_through(others, account)
        seconds = time.perf_counter() - started
        cache = CacheReading.of(agent.metrics_address).since(before)
        hit_rate = "n/a" if cache.hit_rate is None else f"{cache.hit_rate:.1%}"
        say(
            f"{epoch:5d}  {sum(losses) / len(losses):5.3f}  {sum(right) / len(right):8.1%}"
            f"  {account.bytes / 1e6:4.0f} MB  {account.rate:9.0f} MB/s"
            f"  {account.bytes / seconds / 1e6:6.0f} MB/s"
            f"  {hit_rate:>10}  {cache.backend_bytes / 1e6:10.1f} MB"
        )


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
    say("starting an S3 server on loopback (SeaweedFS: it checks signatures)")
    server = SeaweedServer(folder)
    stack.callback(server.stop)
    say("packing the data set: scikit-learn's digits as tar shards, its photographs")
    local = folder / "local"
    dataset.write_digits(folder / "shards", local / "validation")
    dataset.write_photographs(local / "photographs")
    server.wait()
    server.upload(BUCKET, folder / "shards")
    say(f"bucket {BUCKET} at {server.endpoint} and directory {local} are filled")
    agent = Agent(
        Place(folder / "agent"),
        backends(server, local, options.data),
        cache={"max_size": "8GB"},
        env={"WARPDRIVE_RUN_LOCAL_KEY": ACCESS_KEY, "WARPDRIVE_RUN_LOCAL_SECRET": SECRET_KEY},
    )
    stack.callback(agent.child.stop)
    status, body = agent.wait()
    say(f"mounted at {agent.place.mount_point}; health {status} {body.strip() if status != 200 else 'ok'}")
    print_tree(agent.place.mount_point)
    train(agent, options.epochs)
    check_bytes(agent.place.mount_point, {"train": folder / "shards", "local": local})
    if options.exit:
        return
    say(f"""
still up; in another terminal:
  ls -lR {agent.place.mount_point}
  curl http://{agent.metrics_address}/metrics
  .venv/bin/warpdrive-ctl --socket {agent.place.socket} status
configuration: {agent.place.config}
Ctrl-C stops everything and removes it.""")
    with contextlib.suppress(KeyboardInterrupt):
        while agent.child.process.poll() is None:
            time.sleep(0.5)
        raise StartError(f"the agent ended by itself:\n{agent.child.log_tail()}")


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
