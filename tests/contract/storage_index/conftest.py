"""The storage index of both kinds, each empty, behind the same factory."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from tests.support.indexing import Indexing, OpenIndexing, indexing_in_memory, indexing_on_postgres
from tests.support.postgres import FreshDatabase


@pytest.fixture(params=["memory", "postgres"])
async def indexing(request: pytest.FixtureRequest, migrated_database: FreshDatabase) -> AsyncIterator[Indexing]:
    """Open an empty one of each kind."""
    kind: OpenIndexing = indexing_in_memory
    if request.param == "postgres":
        kind = partial(indexing_on_postgres, await migrated_database())
    opened: asyncio.Future[Indexing] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def hold() -> None:
        # The event store's tasks have to be left by who entered them, and a fixture's two halves are two tasks.
        async with kind() as held:
            opened.set_result(held)
            await done.wait()

    holder = asyncio.create_task(hold())
    either: list[asyncio.Future[Any]] = [holder, opened]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if opened.done():
        yield opened.result()
    done.set()
    await holder
