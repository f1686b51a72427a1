"""Migrated databases."""

import pytest

from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.migrating import migrate


@pytest.fixture
async def place(fresh_database: FreshDatabase) -> DatabasePlace:
    """Make a database with every table and no event."""
    made = await fresh_database()
    await migrate(made)
    return made
