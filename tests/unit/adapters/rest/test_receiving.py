"""Bodies come from strangers, so together they have bounded room, and each has bounded time."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from grpclib.const import Status

from tests.support.rest_door import RestDoor
from warpdrive.adapters.rest.faults import RestRequest
from warpdrive.adapters.rest.receiving import ROOM, Receiving
from warpdrive.adapters.wire.status import WireFault

LARGEST = 100


class Upload:
    """What `Receiving` asks of a request: a length, and a body that comes when it is let."""

    def __init__(self, length: int | None) -> None:
        self.content_length = length
        self.whole = anyio.Event()

    async def body(self) -> bytes:
        """Wait for the sender."""
        await self.whole.wait()
        return b"whole"


def request(upload: Upload) -> RestRequest:
    """Pretend that it is one of the framework's."""
    given: Any = upload
    return given  # type: ignore[no-any-return]  # as said above


@pytest.mark.parametrize("length", [None, LARGEST, 10 * LARGEST])
async def test_room_is_taken_by_what_is_announced_and_given_back(length: int | None) -> None:
    """Who does not say how much, or says too much, takes as much as one may have."""
    room = Receiving(LARGEST, room=LARGEST + 50)
    first, second = Upload(length), Upload(51)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(room.body, request(first))
        await anyio.wait_all_tasks_blocked()
        assert room.free == 50
        with pytest.raises(WireFault) as refused:
            await room.body(request(second))
        assert (refused.value.code, refused.value.retry_after) == (Status.RESOURCE_EXHAUSTED, 1.0)
        first.whole.set()
    assert room.free == LARGEST + 50


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever() -> None:
    """Its room is free again, and the connection is given up."""
    room = Receiving(LARGEST, patience_s=0.01)
    free = room.free
    with pytest.raises(WireFault) as late:
        await room.body(request(Upload(10)))
    assert late.value.code is Status.DEADLINE_EXCEEDED
    assert late.value.metadata["connection"] == "close"
    assert room.free == free


async def test_the_door_refuses_bodies_beyond_its_room() -> None:
    """In the contract's words, with a correlation id, and before it asks who calls."""
    door = RestDoor(largest_body=ROOM + 1)

    async def unannounced() -> AsyncIterator[bytes]:
        yield b"{}"

    async with door.client(token=None) as client:
        headers = {"content-type": "application/json"}
        answer = await client.post("/api/v1/namespaces", content=unannounced(), headers=headers)
    assert (answer.status_code, answer.headers["connection"], answer.headers["retry-after"]) == (429, "close", "1")
    assert answer.headers["x-correlation-id"]
    assert door.fake.asked == []
