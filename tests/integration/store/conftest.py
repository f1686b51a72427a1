"""A folder that the server's own user may enter: pytest's are closed to everybody else."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a fresh folder that every user may pass."""
    folder = Path(tempfile.mkdtemp(prefix="warpdrive-embedded-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
