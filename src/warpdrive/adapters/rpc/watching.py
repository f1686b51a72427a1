"""The stream to a node's agent: every update as it comes, and an end when it must.

Nothing is queued here. One update at a time is offered to the client under HTTP/2's flow control; while it is not
taken, none is fetched from the use case, which keeps the newest state of each thing and not its history. The use
case also says that it is alive when it has nothing else to say.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import anyio
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream
from h2.exceptions import StreamClosedError

from warpdrive.adapters.rpc.faults import send_fault
from warpdrive.adapters.wire.status import WireFault

Updates = AbstractAsyncContextManager[AsyncIterator[bytes]]


async def watch(stream: Stream[bytes, bytes], following: Updates, patience: float) -> None:
    """Carry updates to one client until it leaves, the use case ends, or an update is not taken for so many seconds."""
    try:
        async with following as updates:
            async for update in updates:
                with anyio.fail_after(patience):
                    await stream.send_message(update)
    except WireFault as fault:
        await send_fault(stream, fault)
    except TimeoutError:
        raise GRPCError(Status.UNAVAILABLE, "updates are not taken; watch again from your last position") from None
    except StreamClosedError:
        return
