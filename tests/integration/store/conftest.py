"""A folder that the server's own user may enter (pytest's are closed to everybody else), and a migrated database."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.connecting import DatabasePlace


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a fresh folder that every user may pass."""
    folder = Path(tempfile.mkdtemp(prefix="warpdrive-embedded-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def event_database(migrated_database: FreshDatabase) -> DatabasePlace:
    """Return a database with every table of ours, and nothing in them."""
    return await migrated_database()
