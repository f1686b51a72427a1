"""A small training loop: a network with one hidden layer learns digits from tar shards, streamed."""

import os
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 20
BATCH = 128
LEARNING_RATE = 0.1
CLASSES = 10
SIDE = 64
POOLED = 16

Floats = NDArray[np.float32]


@dataclass(slots=True)
class ReadAccount:
    """What reading cost: bytes, and the seconds spent inside read(2)."""

    bytes: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """MB/s (10^6) while waiting for data."""
        return self.bytes / self.seconds / 1e6 if self.seconds else 0.0


class _Metered:
    """The part of a binary file that tarfile's stream mode uses, with its cost written down."""

    def __init__(self, file: IO[bytes], account: ReadAccount) -> None:
        self._file = file
        self._account = account

    def read(self, size: int) -> bytes:
        started = time.perf_counter()
        content = self._file.read(size)
        self._account.seconds += time.perf_counter() - started
        self._account.bytes += len(content)
        return content


def samples(shard: Path, account: ReadAccount) -> Iterator[tuple[bytes, int]]:
    """Yield pictures, 64 x 64 grey bytes, with their digit."""
    with shard.open("rb", buffering=0) as file:
        metered = _Metered(file, account)
        # tarfile asks its stream mode for a file object but only ever calls read()
        with tarfile.open(fileobj=metered, mode="r|", bufsize=CHUNK) as members:  # type: ignore[call-overload]
            picture = b""
            for member in members:
                content = members.extractfile(member).read()
                if member.name.endswith(".pgm"):
                    picture = content[-SIDE * SIDE :]
                else:
                    yield picture, int(content)


def batches(shards: list[Path], account: ReadAccount) -> Iterator[tuple[Floats, NDArray[np.int64]]]:
    """Yield batches of 128 samples in the order of the shards: rows of 256 values from 0 to 1, and the digits."""
    pictures: list[bytes] = []
    digits: list[int] = []
    for shard in shards:
        for picture, digit in samples(shard, account):
            pictures.append(picture)
            digits.append(digit)
            if len(digits) == BATCH:
                yield averaged(pictures), np.array(digits)
                pictures, digits = [], []
    if digits:
        yield averaged(pictures), np.array(digits)


def averaged(pictures: list[bytes]) -> Floats:
    """Shrink pictures of 64 x 64 grey bytes to rows of 256 values from 0 to 1."""
    step = SIDE // POOLED
    pixels = np.frombuffer(b"".join(pictures), np.uint8).reshape(-1, POOLED, step, POOLED, step)
    averaged: Floats = pixels.mean(axis=(2, 4), dtype=np.float32) / 255
    return averaged.reshape(len(pictures), POOLED * POOLED)


class Network:
    """256 inputs, 64 hidden units, 10 digits; plain gradient descent with cross entropy."""

    def __init__(self, hidden: int = 64) -> None:
        random = np.random.default_rng(7)
        inputs = POOLED * POOLED
        self._first = random.normal(0, np.sqrt(2 / inputs), (inputs, hidden)).astype(np.float32)
        self._second = random.normal(0, np.sqrt(2 / hidden), (hidden, CLASSES)).astype(np.float32)
        self._bias = np.zeros(hidden, np.float32)
        self._bias_out = np.zeros(CLASSES, np.float32)

    def _forward(self, pictures: Floats) -> tuple[Floats, Floats]:
        hidden = np.maximum(pictures @ self._first + self._bias, 0)
        scores = hidden @ self._second + self._bias_out
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return hidden, odds / odds.sum(axis=1, keepdims=True)

    def learn(self, pictures: Floats, digits: NDArray[np.int64]) -> float:
        """Take one step; returns the batch's loss before it."""
        hidden, odds = self._forward(pictures)
        rows = np.arange(len(digits))
        loss = float(-np.log(odds[rows, digits] + 1e-9).mean())
        slope = odds.copy()
        slope[rows, digits] -= 1
        slope /= len(digits)
        back = (slope @ self._second.T) * (hidden > 0)
        self._second -= LEARNING_RATE * (hidden.T @ slope)
        self._bias_out -= LEARNING_RATE * slope.sum(axis=0)
        self._first -= LEARNING_RATE * (pictures.T @ back)
        self._bias -= LEARNING_RATE * back.sum(axis=0)
        return loss

    def accuracy(self, pictures: Floats, digits: NDArray[np.int64]) -> float:
        """Return the share of digits named rightly, 0 to 1."""
        return float((self._forward(pictures)[1].argmax(axis=1) == digits).mean())


def read_through(files: list[Path], account: ReadAccount) -> None:
    """Read files from end to end, as a job reads data that this loop cannot learn from."""
    for path in files:
        with path.open("rb", buffering=0) as file:
            metered = _Metered(file, account)
            while metered.read(CHUNK):
                pass


def drop_kernel_pages(files: list[Path]) -> None:
    """Forget what the kernel holds of these files, so that the next epoch asks the agent's cache again."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
