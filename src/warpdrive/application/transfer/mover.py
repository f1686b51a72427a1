"""A whole move: objects are found, and so many of them at a time are carried over; one's fault is not the others'."""

from contextlib import aclosing
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from warpdrive.application.ports.errors import BackendError, VersionChanged
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.application.transfer.faults import MoveFault, SourceMissing
from warpdrive.application.transfer.journal import MoveJournal
from warpdrive.application.transfer.moving import ObjectMove, Rules, Side, why
from warpdrive.application.transfer.naming import Route, Wanted, wanted_objects
from warpdrive.application.transfer.tally import Tally

WORKERS: Final = 8
"""Objects at a time. Memory is this many pieces, and what the writing backend holds of each."""


class Mover:
    """Moves everything that a route is about. `tally` is brought up to date all the while."""

    def __init__(
        self,
        source: Side,
        target: Side,
        journal: MoveJournal,
        rules: Rules,
        *,
        tally: Tally,
        workers: int = WORKERS,
    ) -> None:
        self._source = source
        self._tally = tally
        self._workers = workers
        self._move = ObjectMove(source, target, journal, rules, self._passed)

    async def run(self, route: Route) -> None:
        """Move. Raises SourceMissing when nothing is there, OSError of the journal; objects' faults are counted."""
        send, receive = anyio.create_memory_object_stream[Wanted](self._workers)
        missing: list[SourceMissing] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._find, route, send, missing)
            async with receive:
                for _ in range(self._workers):
                    tasks.start_soon(self._work, receive.clone())
        if missing:
            raise missing[0]

    async def rehearse(self, route: Route) -> int:
        """Count what would be moved, and change nothing; returns how many keys are taken at the destination."""
        taken = 0
        async with aclosing(wanted_objects(self._source.reader, route)) as found:
            async for wanted in found:
                self._found(wanted)
                taken += await self._move.look(wanted.target) is not None
        self._tally.listed = True
        return taken

    async def _find(self, route: Route, send: MemoryObjectSendStream[Wanted], missing: list[SourceMissing]) -> None:
        async with send:
            try:
                async with aclosing(wanted_objects(self._source.reader, route)) as found:
                    async for wanted in found:
                        self._found(wanted)
                        await send.send(wanted)
            except SourceMissing as error:
                missing.append(error)
                return
            except anyio.BrokenResourceError:
                return  # nobody works any more, and whoever ended that says why
            except BackendError as fault:
                self._tally.fail(ObjectKey(route.source), f"not all of it could be listed: {fault.detail}")
                return
        self._tally.listed = True

    def _found(self, wanted: Wanted) -> None:
        self._tally.found += 1
        self._tally.found_bytes += wanted.info.size

    async def _work(self, receive: MemoryObjectReceiveStream[Wanted]) -> None:
        async with receive:
            async for wanted in receive:
                await self._move_one(wanted)

    async def _move_one(self, wanted: Wanted) -> None:
        try:
            resumed = await self._move_or_look_again(wanted)
        except (BackendError, MoveFault) as fault:
            self._tally.fail(wanted.info.key, why(fault))
            return
        self._tally.moved += 1
        self._tally.moved_bytes += wanted.info.size
        self._tally.resumed += resumed

    async def _move_or_look_again(self, wanted: Wanted) -> bool:
        try:
            return await self._move.move(wanted)
        except BackendError as fault:
            if not (fault.transient or isinstance(fault, VersionChanged)):
                raise
        # A reply was lost, or a request of a run that was killed has arrived since we looked, or the source is another
        # now: the journal and a second look at both sides tell.
        return await self._move.move(wanted)

    def _passed(self, count: int) -> None:
        self._tally.copied_bytes += count
