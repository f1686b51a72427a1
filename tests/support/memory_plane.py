"""The whole control plane on memory twins: commands, queries that see every write at once, and a clock to turn."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

import anyio

from tests.support.manual_clock import ManualClock
from warpdrive.adapters.store.memory.agents import MemoryAgentRegister
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.adapters.store.memory.facts import memory_facts
from warpdrive.adapters.store.memory.read_models import MemoryReadModels
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.control.calls import Call, Principal
from warpdrive.application.control.plane import ControlPlane, build_plane
from warpdrive.application.ports.event_store import Append, Receipt, RecordedEvent
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.projecting import Projecting
from warpdrive.domain.token.values import Role

ADMIN = Principal("token:admin", Role.ADMIN)


class MemoryPlane:
    """A plane, and what it stands on. Every append is projected before it returns, so queries read their writes."""

    def __init__(
        self,
        *,
        open_door: bool = False,
        beside: "MemoryPlane | None" = None,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self.clock: ManualClock = beside.clock if beside else ManualClock()
        self.models: MemoryReadModels = beside.models if beside else MemoryReadModels()
        self.store: MemoryEventStore = beside.store if beside else _Store(self)
        self.warehouse: Warehouse = beside.warehouse if beside else Warehouse()
        self.register: MemoryAgentRegister = beside.register if beside else MemoryAgentRegister(self.warehouse.presence)
        self._projecting = Projecting(EventCodec())
        self._turn: anyio.Lock = beside._turn if beside else anyio.Lock()
        """Held while projecting: commands that run at the same time project one after another."""
        self._random = 0
        self.plane: ControlPlane = build_plane(
            writer=self.store,
            reader=self.store,
            shelf=self.store,
            models=self.models,
            register=self.register,
            facts=memory_facts(self.warehouse),
            wait=self.wait,
            clock=self.clock,
            new_id=new_id,
            random=self._bytes,
            open_door=open_door,
        )

    @classmethod
    def beside(cls, other: "MemoryPlane") -> "MemoryPlane":
        """Make a second control plane on the other's store, as another process would be."""
        return cls(beside=other)

    def now(self) -> datetime:
        """Give the moment on the clock."""
        return datetime.fromtimestamp(self.clock.wall(), UTC)

    def call(self, principal: Principal = ADMIN, *, command: UUID | None = None, request: str = "") -> Call:
        """Make a call. Calls with one command id and one request are repetitions of each other."""
        command = command or uuid4()
        return Call(principal, command, sha256(f"{principal.name}{request}".encode()).digest(), "test", self.now())

    async def wait(self, position: int, seconds: float) -> None:
        """Project what is not projected yet."""
        await self.project()
        assert await self.models.position() >= position, seconds

    async def project(self) -> None:
        """Bring the read models up to date."""
        async with self._turn, self.models.running() as target:
            assert target is not None, "nobody else projects"
            events = await self.store.read(await target.position(), 10_000)
            if events:
                changes = [change for event in events for change in self._projecting.changes(event)]
                await target.apply(changes, position=events[-1].position)

    async def events(self) -> Sequence[RecordedEvent]:
        """Every event there is."""
        return await self.store.read(0, 100_000)

    def _bytes(self, count: int) -> bytes:
        self._random += 1
        return self._random.to_bytes(count, "big")


class _Store(MemoryEventStore):
    """A store that has its events projected before it answers."""

    def __init__(self, owner: MemoryPlane) -> None:
        super().__init__(owner.now)
        self._owner = owner

    async def append(self, append: Append) -> Receipt:
        """Append, then project."""
        receipt = await super().append(append)
        await self._owner.project()
        return receipt
