"""Pages on their way from whoever lists to whoever merges: gathered to batches, with faults in their place."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from warpdrive.application.ports.listing_source import ListedPage, ListedPart, ListingFailed, ListingSource

Item = ListedPage | ListingFailed

BATCH: Final = 10_000
"""Objects that are merged at once, but for the last page's: some MiB, and some 200 ms of the database's time."""
_PATIENCE_S: Final = 0.5
"""A batch waits no longer for more pages; without any page an empty one is given, to look up from time to time."""
_PAGES_AHEAD: Final = 16
"""Pages that may wait while a batch is merged; who lists waits then."""


@asynccontextmanager
async def aside() -> AsyncIterator[TaskGroup]:
    """Run tasks beside the block, which end with it; what the block raises leaves as it is, in no group."""
    raised: Exception | None = None
    async with anyio.create_task_group() as tasks:
        try:
            yield tasks
        except Exception as error:  # noqa: BLE001 - raised again as soon as the tasks have ended
            raised = error
        tasks.cancel_scope.cancel()
    if raised is not None:
        raise raised


async def unfailed(items: MemoryObjectReceiveStream[Item]) -> AsyncGenerator[ListedPage, None]:
    """Give pages; raise the fault that comes instead of one."""
    async for item in items:
        if isinstance(item, ListingFailed):
            raise item
        yield item


@asynccontextmanager
async def batches(
    source: ListingSource, parts: Sequence[ListedPart]
) -> AsyncIterator[AsyncIterator[Sequence[ListedPage]]]:
    """Give a source's pages in batches while listing goes on. The iteration raises ListingFailed."""
    send, receive = anyio.create_memory_object_stream[Item](_PAGES_AHEAD)

    async def pump(send: MemoryObjectSendStream[Item]) -> None:
        with send:
            try:
                async with source.pages(parts) as pages:
                    async for page in pages:
                        await send.send(page)
            except ListingFailed as fault:
                await send.send(fault)

    with receive:
        async with aside() as tasks:
            tasks.start_soon(pump, send)
            async with aclosing(_gathered(receive)) as gathered:
                yield gathered


async def _gathered(items: MemoryObjectReceiveStream[Item]) -> AsyncGenerator[Sequence[ListedPage], None]:
    ended = False
    while not ended:
        pages: list[ListedPage] = []
        objects = 0
        with anyio.move_on_after(_PATIENCE_S):
            while objects < BATCH:
                try:
                    item = await items.receive()
                except anyio.EndOfStream:
                    ended = True
                    break
                if isinstance(item, ListingFailed):
                    raise item
                pages.append(item)
                objects += len(item.objects)
        yield pages
