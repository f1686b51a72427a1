"""Check an export of WarpDrive's audit record. Needs Python 3.11 or newer and nothing else.

    python3 -I check.py [DIRECTORY]

Compares every file with the SHA-256 in manifest.json, then computes the hash chain again from the events themselves.
Exit status: 0 everything fits, 1 something does not, 2 there is no export here. What it cannot tell: whether the
export as a whole was made anew. For that, compare the head that it prints with one that you noted down elsewhere.
"""

import base64
import hashlib
import json
import struct
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

FORMAT = "warpdrive-audit-export/1"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NO_EVENT = (ValueError, KeyError, TypeError, AttributeError, OverflowError, struct.error)


def event_hash(previous: bytes, event: dict[str, Any]) -> bytes:
    """Return the hash that an event must have after one with the hash `previous`.

    SHA-256 over: the previous hash; the stream's 16 bytes; the version; topic, state and actor, each after its length
    in bytes; the command id's 16 bytes after 16, or -1 for none; microseconds from 2000-01-01 UTC to `recorded_at`.
    Lengths have four bytes, version and moment eight, signed and big-endian; texts are UTF-8.
    """
    state = base64.b64decode(event["state_base64"]) if "state_base64" in event else event["state"].encode()
    command = event["command_id"]
    parts = [previous, UUID(event["stream"]).bytes, struct.pack(">q", event["version"])]
    for field in (event["topic"].encode(), state, event["actor"].encode()):
        parts += [struct.pack(">i", len(field)), field]
    parts += [struct.pack(">i", -1)] if command is None else [struct.pack(">i", 16), UUID(command).bytes]
    parts.append(struct.pack(">q", (datetime.fromisoformat(event["recorded_at"]) - EPOCH) // MICROSECOND))
    return hashlib.sha256(b"".join(parts)).digest()


class Chain:
    """The walk over all events of all files."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.hash = bytes.fromhex(manifest["previous_hash"])
        self.position = manifest["after_position"]
        self.events = 0

    def feed(self, line: bytes) -> Iterator[str]:
        """Take the next event; gives what does not fit."""
        self.events += 1
        try:
            event = json.loads(line.decode("utf-8"))
            position, stored, given = int(event["position"]), bytes.fromhex(event["hash"]), event_hash(self.hash, event)
        except NO_EVENT as fault:
            yield f"is no event ({type(fault).__name__}: {fault})"
            return
        if given != stored:
            yield f"position {position}: its fields do not give its hash: it, or what is before it, was changed"
        if position <= self.position:
            yield f"position {position} does not come after position {self.position}"
        self.hash, self.position = stored, position


def check_file(path: Path, entry: dict[str, Any], chain: Chain) -> Iterator[str]:
    """Give what does not fit in one file."""
    digest, before = hashlib.sha256(), chain.events
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            digest.update(line)
            for fault in chain.feed(line):
                yield f"{path.name} line {number}: {fault}"
    if digest.hexdigest() != entry["sha256"]:
        yield f"{path.name}: is not the file of the manifest (its SHA-256 is {digest.hexdigest()})"
    if chain.events - before != entry["events"]:
        yield f"{path.name}: has {chain.events - before} events, the manifest says {entry['events']}"


def check(directory: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Give everything that does not fit."""
    if manifest["format"] != FORMAT:
        yield f"this program checks {FORMAT}, and the manifest says {manifest['format']}"
        return
    chain = Chain(manifest)
    for entry in manifest["files"]:
        try:
            yield from check_file(directory / Path(entry["name"]).name, entry, chain)
        except OSError as fault:
            yield f"{entry['name']}: cannot be read: {fault.strerror}"
    if chain.events != manifest["events"]:
        yield f"there are {chain.events} events, the manifest says {manifest['events']}"
    if manifest["events"] and chain.position != manifest["last_position"]:
        yield f"the last event is at position {chain.position}, the manifest says {manifest['last_position']}"
    if chain.hash.hex() != manifest["head_hash"]:
        yield f"the last event has the hash {chain.hash.hex()}, the manifest says {manifest['head_hash']}"


def say(line: str) -> None:
    """Print one line, with what a terminal would obey escaped: an export that was made to deceive may hold it."""
    print("".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in line))


def main() -> int:
    """Check the directory that is named, or the one that this file is in."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    count = 0
    try:
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        for fault in check(directory, manifest):
            count += 1
            say(f"FAULT: {fault}")
        say(f"{'NOT sound' if count else 'sound'}: {manifest['events']} events in {len(manifest['files'])} files")
        say(f"head: {manifest['head_hash']}@{manifest['last_position']}")
    except (OSError, *NO_EVENT) as fault:
        say(f"there is no readable export in {directory}: {type(fault).__name__}: {fault}")
        return 2
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
