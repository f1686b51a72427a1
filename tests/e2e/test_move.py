"""`warpdrive-ctl move` between a directory and a real S3 server, broken off on the way there and on the way back."""

import hashlib
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.agents import Bucket
from tests.support.ports import wait_until
from warpdrive.entrypoints.ctl.session import FAILED

MANY = 100

Contents = dict[str, str]
"""Names to SHA-256."""


def digest(data: bytes) -> str:
    """Name content."""
    return hashlib.sha256(data).hexdigest()


def contents(folder: Path) -> Contents:
    """Read a directory whole."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".warpdrive-staged-"))
    return {str(path.relative_to(folder)): digest(path.read_bytes()) for path in files}


def objects(bucket: Bucket, prefix: str) -> Contents:
    """Read all objects below a prefix with the vendor's client."""
    found: Contents = {}
    pages = bucket._client.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket.name, Prefix=bucket.prefix + prefix):
        for each in page.get("Contents", ()):
            body = bucket._client.get_object(Bucket=bucket.name, Key=each["Key"])["Body"].read()
            found[each["Key"].removeprefix(bucket.prefix + prefix)] = digest(body)
    return found


class Mover:
    """Runs the program between `here` (a directory) and `there` (the bucket)."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        self.here = folder / "here"
        self.here.mkdir()
        self.bucket = bucket
        self.config = folder / "backends.yaml"
        backends = [
            {"name": "here", "type": "local", "config": {"root": str(self.here)}},
            {**bucket.backend(), "name": "there"},
        ]
        state = {"state_dir": str(folder / "state")}
        self.config.write_text(yaml.safe_dump({"backends": backends, "agent": state}))

    def start(self, source: str, target: str, *options: str) -> "subprocess.Popen[str]":
        """Begin to move."""
        tool = [sys.executable, "-m", "warpdrive.entrypoints.ctl.main", "move", source, target]
        config = ["--config", str(self.config), *options]
        return subprocess.Popen([*tool, *config], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, source: str, target: str, *options: str) -> str:
        """Move to the end; returns what was said."""
        process = self.start(source, target, *options)
        said, faults = process.communicate(timeout=60)
        assert process.returncode == 0, faults
        return said

    def break_off(self, source: str, target: str, how: signal.Signals, *, moved: int) -> str:
        """Begin to move, and end it by a signal once so many files came or went; returns what was said on stderr."""
        began = len(contents(self.here))
        process = self.start(source, target)
        wait_until(lambda: abs(len(list(self.here.rglob("f*"))) - began) >= moved or process.poll() is not None)
        process.send_signal(how)
        _, faults = process.communicate(timeout=60)
        assert process.returncode == (FAILED if how is signal.SIGINT else -how), faults
        return faults


@pytest.fixture
def mover(tmp_path: Path, bucket: Bucket) -> Mover:
    """A directory of many small files, an empty one and one of several parts, and an empty prefix of a bucket."""
    made = Mover(tmp_path, bucket)
    chance = random.Random(7)
    sizes = {"empty": 0, "large": 20 * 1024 * 1024, **{f"d{i % 3}/f{i}": 100 * i for i in range(1, MANY)}}
    for name, size in sizes.items():
        path = made.here / "a" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(size))
    return made


def test_killed_on_the_way_there_and_interrupted_on_the_way_back_everything_arrives_once(mover: Mover) -> None:
    """At every stop each file is whole at one of both ends, and the same command goes on."""
    all_of_them = contents(mover.here / "a")

    mover.break_off("here:a", "there:b", signal.SIGKILL, moved=20)
    arrived, left = objects(mover.bucket, "b/"), contents(mover.here / "a")
    assert 0 < len(left) < len(all_of_them)
    assert {**left, **arrived} == all_of_them
    mover.run("here:a", "there:b", "--verify", "full")
    assert (objects(mover.bucket, "b/"), contents(mover.here)) == (all_of_them, {})

    said = mover.break_off("there:b/", "here:c/", signal.SIGINT, moved=20)
    assert said.startswith("stopped; ")
    assert said.endswith("objects were moved, nothing is lost; run the same command again to go on\n")
    assert len(said.splitlines()) == 1
    assert {**objects(mover.bucket, "b/"), **contents(mover.here / "c")} == all_of_them
    report = mover.run("there:b/", "here:c/")
    assert "objects moved" in report
    assert (objects(mover.bucket, "b/"), contents(mover.here / "c")) == ({}, all_of_them)
    assert not list(mover.here.rglob(".warpdrive-staged-*"))
    assert not list((mover.config.parent / "state" / "moves").iterdir())


def test_what_is_there_already_is_kept_back_and_the_rest_is_moved(mover: Mover) -> None:
    """Exit status 1 with the names; --overwrite replaces them."""
    all_of_them = contents(mover.here / "a")
    mover.bucket.put("b/large", b"another's")
    process = mover.start("here:a", "there:b")
    _, faults = process.communicate(timeout=60)
    assert process.returncode == FAILED
    assert "kept: a/large: 'b/large' exists at the destination; --overwrite replaces it" in faults
    assert list(contents(mover.here / "a")) == ["large"]
    assert objects(mover.bucket, "b/")["large"] == digest(b"another's")
    mover.run("here:a", "there:b", "--overwrite")
    assert (objects(mover.bucket, "b/"), contents(mover.here)) == (all_of_them, {})
    assert (mover.here / "a" / "d0").is_dir()  # directories are no objects, and stay
