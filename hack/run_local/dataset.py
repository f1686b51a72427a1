"""A real data set as WebDataset-style tar shards: scikit-learn's handwritten digits and its two photographs.

A sample is two neighbouring members of a tar: `<number>.pgm` (64 x 64 grey picture) and `<number>.cls` (the
digit). Each of the 1797 scans is enlarged, shifted and roughened several times, so that there are enough
bytes for MB/s to mean something and enough variety for a model to learn from.
"""

import io
import os
import tarfile
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

SIDE = 64
HELD_OUT = 297
"""Scans kept for validation: the model never sees them."""
VARIANTS = 10
SHARDS = 12
LONG_AGO = 1_546_300_800
"""The first second of 2019, Unix time."""


def _picture(scan: NDArray[np.float64], random: np.random.Generator, *, vary: bool) -> bytes:
    """Enlarge a scan of 8 x 8 values from 0 to 16 to a PGM of 64 x 64 bytes."""
    grey = np.kron(scan, np.ones((SIDE // 8, SIDE // 8))) * (255 / 16)
    if vary:
        grey = np.roll(grey, tuple(random.integers(-5, 6, size=2)), axis=(0, 1))
        grey = grey + random.normal(0, 12, grey.shape)
    pixels: bytes = np.clip(grey, 0, 255).astype(np.uint8).tobytes()
    return b"P5 64 64 255\n" + pixels


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, io.BytesIO(content))


def write_digits(folder: Path, validation: Path) -> None:
    """Write training shards (about 92 MB) below `folder`, one validation shard below `validation`."""
    digits = load_digits()
    random = np.random.default_rng(20)
    order = random.permutation(len(digits.target))
    folder.mkdir(parents=True)
    validation.mkdir(parents=True)
    with tarfile.open(validation / "digits-validation.tar", "w", format=tarfile.USTAR_FORMAT) as shard:
        for index in order[:HELD_OUT]:
            _add(shard, f"{index:06d}.pgm", _picture(digits.images[index], random, vary=False))
            _add(shard, f"{index:06d}.cls", str(digits.target[index]).encode())
    samples = random.permutation(np.repeat(order[HELD_OUT:], VARIANTS))
    for number, part in enumerate(np.array_split(samples, SHARDS)):
        with tarfile.open(folder / f"digits-{number:03d}.tar", "w", format=tarfile.USTAR_FORMAT) as shard:
            for position, index in enumerate(part):
                name = f"{number:03d}{position:05d}"
                _add(shard, f"{name}.pgm", _picture(digits.images[index], random, vary=True))
                _add(shard, f"{name}.cls", str(digits.target[index]).encode())


def write_attic(folder: Path, validation: Path) -> None:
    """Leave a copy of the validation shards that is old and that no job reads."""
    folder.mkdir(parents=True)
    for shard in validation.iterdir():
        copy = folder / f"copy-of-{shard.name}"
        copy.write_bytes(shard.read_bytes())
        os.utime(copy, (LONG_AGO, LONG_AGO))


def write_photographs(folder: Path) -> None:
    """Copy scikit-learn's sample photographs, as files and packed in one tar."""
    folder.mkdir(parents=True)
    images = resources.files("sklearn.datasets.images")
    with tarfile.open(folder / "photographs.tar", "w", format=tarfile.USTAR_FORMAT) as shard:
        for name in ("china.jpg", "flower.jpg"):
            content = images.joinpath(name).read_bytes()
            (folder / name).write_bytes(content)
            _add(shard, name, content)
