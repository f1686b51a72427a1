"""Golden files: one stored event each, as the Mapper and JSONTranscoder made it, named by position, topic and version.

`2-MountEntryAdded.v1.json` is class version 1, `2-MountEntryAdded.v1.class2.json` the version 2 of the same event.
`snapshot-3.v1.json` is a snapshot at stream version 3. `python -m tests.golden.stored` writes the files that are
not there yet; a file that is there is never written again.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from eventsourcing.domain import Aggregate
from eventsourcing.persistence import StoredEvent

from tests.golden.lives import LIVES
from tests.support.replay import mapper

GOLDEN = Path(__file__).parent


def load(path: Path) -> StoredEvent:
    """Read a golden file."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return StoredEvent(UUID(kept["originator_id"]), kept["originator_version"], kept["topic"], kept["state"].encode())


def every_file() -> list[Path]:
    """List every stored event of every room, oldest class version first."""
    return sorted(GOLDEN.glob("*/[0-9]*.json"), key=_order)


def files_of(room: str) -> list[Path]:
    """List the stored events that the code of one day wrote last: of each position the newest class version."""
    newest = {_order(path)[1]: path for path in every_file() if path.parent.name == room}
    return [newest[position] for position in sorted(newest)]


def first_files_of(room: str) -> list[Path]:
    """List the stored events as they were written first: of each position the oldest class version."""
    oldest: dict[int, Path] = {}
    for path in every_file():
        if path.parent.name == room:
            oldest.setdefault(_order(path)[1], path)
    return [oldest[position] for position in sorted(oldest)]


def _order(path: Path) -> tuple[str, int, int]:
    position, _, rest = path.stem.partition("-")
    return path.parent.name, int(position), int(rest.partition(".class")[2] or 1)


def written_now(life: Aggregate) -> Iterator[tuple[str, StoredEvent]]:
    """Store the life's pending events with today's code, each under the name that its file has."""
    for event in life.pending_events:
        stored = mapper().to_stored_event(event)
        version = getattr(type(event), "class_version", 1)
        name = f"{stored.originator_version}-{stored.topic.rpartition(':')[2]}"
        yield f"{name}.class{version}.json" if version > 1 else f"{name}.json", stored


def write_missing() -> None:
    """Write the files of events that have none yet."""
    for room, life in LIVES.items():
        (GOLDEN / room).mkdir(exist_ok=True)
        for name, stored in written_now(life()):
            kept = {
                "topic": stored.topic,
                "originator_id": str(stored.originator_id),
                "originator_version": stored.originator_version,
                "state": stored.state.decode(),
            }
            path = GOLDEN / room / name
            if not path.exists():
                path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_missing()
