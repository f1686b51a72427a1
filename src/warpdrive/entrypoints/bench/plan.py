"""Which bytes each reader reads, and in which order."""

import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Pattern = Literal["sequential", "shuffled", "random"]


class File(NamedTuple):
    """A file to read. `name`: its path below the folder that was asked for; the same in every copy of a tree."""

    path: str
    size: int
    name: str


class Share(NamedTuple):
    """Part of a file that one reader reads in order: [start, stop) in bytes."""

    path: str
    start: int
    stop: int


class Piece(NamedTuple):
    """One read."""

    path: str
    offset: int
    length: int


def collect(paths: Sequence[Path]) -> dict[str, File]:
    """Return every non-empty regular file by its path, directories walked in name order.

    Raises OSError for a path that is not there or a directory that cannot be listed.
    """
    found: dict[str, File] = {}
    for path in paths:
        if path.is_dir():
            found |= {str(each): File(str(each), size, str(each.relative_to(path))) for each, size in _below(path)}
        else:
            found[str(path)] = File(str(path), path.stat().st_size, path.name)
    return {path: file for path, file in found.items() if file.size}


def _below(folder: Path) -> Iterator[tuple[Path, int]]:
    def fail(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file():
                yield path, path.stat().st_size


def deal(files: Sequence[File], readers: int, chunk: int) -> list[list[Share]]:
    """Deal files to readers as a DataLoader deals shards to workers.

    With fewer files than readers each file is cut into as many runs of whole chunks as there are readers. Readers
    for whom nothing is left get an empty list.
    """
    if len(files) >= readers:
        return [[Share(file.path, 0, file.size) for file in files[reader::readers]] for reader in range(readers)]
    hands: list[list[Share]] = [[] for _ in range(readers)]
    for path, size, _ in files:
        chunks = -(-size // chunk)
        for reader in range(readers):
            start = chunks * reader // readers * chunk
            stop = min(chunks * (reader + 1) // readers * chunk, size)
            if start < stop:
                hands[reader].append(Share(path, start, stop))
    return hands


def pieces(shares: Sequence[Share], pattern: Pattern, chunk: int, dice: random.Random) -> Iterator[Piece]:
    """Yield one pass over a reader's shares.

    `sequential`: in order. `shuffled`: files in a random order, each from its start to its end. `random`: as many
    chunks as the shares have, each at random.
    """
    order = list(shares)
    if pattern == "random":
        weights = [-(-(share.stop - share.start) // chunk) for share in order]
        for share in dice.choices(order, weights, k=sum(weights)):
            yield _piece(share, dice.randrange(-(-(share.stop - share.start) // chunk)), chunk)
        return
    if pattern == "shuffled":
        dice.shuffle(order)
    for share in order:
        for number in range(-(-(share.stop - share.start) // chunk)):
            yield _piece(share, number, chunk)


def _piece(share: Share, number: int, chunk: int) -> Piece:
    offset = share.start + number * chunk
    return Piece(share.path, offset, min(chunk, share.stop - offset))
