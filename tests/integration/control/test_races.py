"""Commands that meet on a real database, where one group of them shares a transaction."""

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import anyio

from tests.support.postgres import FreshDatabase
from tests.support.postgres_plane import PostgresPlane, postgres_plane
from warpdrive.application.control.errors import AlreadyThere, NotFound
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

ENTRY = MountEntry("/x", BackendDefinition("data", "s3", {"bucket": "one"}))
TIMES = 6


async def test_names_come_and_go_once_however_many_want_it(migrated_database: FreshDatabase) -> None:
    """Of all who create or retire one namespace at once one does it; all who ensure one team have it."""
    async with postgres_plane(await migrated_database()) as on:
        ends: Counter[str] = Counter()

        async def create() -> None:
            try:
                await on.plane.namespaces.create(on.call(), "a", [ENTRY])
                ends["created"] += 1
            except AlreadyThere:
                ends["there"] += 1

        async def retire() -> None:
            try:
                await on.plane.namespaces.retire(on.call(), "a")
                ends["retired"] += 1
            except NotFound:
                ends["gone"] += 1

        async def ensure(number: int) -> None:
            await on.plane.teams.ensure(on.call(), "vision", [f"m{number}"], [])
            ends["ensured"] += 1

        async def look() -> None:
            await on.store.owner_of("namespace", "a")

        # Connections that have to be opened first would put the commands one after another.
        await _all_at_once(look, TIMES)
        await _all_at_once(create, TIMES)
        await _all_at_once(retire, TIMES)
        async with anyio.create_task_group() as tasks:
            for number in range(TIMES):
                tasks.start_soon(ensure, number)
        rest = TIMES - 1
        assert ends == {"created": 1, "there": rest, "retired": 1, "gone": rest, "ensured": TIMES}
        assert await on.store.owner_of("namespace", "a") is None
        assert await on.store.owner_of("backend", "data") is None
        assert await _members(on) == TIMES


async def _all_at_once(command: Callable[[], Coroutine[Any, Any, None]], times: int) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(times):
            tasks.start_soon(command)


async def _members(on: PostgresPlane) -> int:
    await on.project()
    return len((await on.plane.teams.get(on.call(), "vision")).value.members)
