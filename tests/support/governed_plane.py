"""A control plane on memory twins at five in the morning of DAY (UTC), with teams, and a warehouse to fill."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from tests.support.filled_warehouse import DAY, PlainBackend, PlainFacts, PlainTold, fill_memory
from tests.support.memory_plane import MemoryPlane
from warpdrive.adapters.store.memory.reader_shares import MemoryReaderCounting


class GovernedPlane(MemoryPlane):
    """`facts` are filled in by `fill`; teams are told by name and known by `ids`."""

    def __init__(self) -> None:
        super().__init__()
        self.clock.set_wall(datetime.combine(DAY, time(5), UTC).timestamp())
        self.facts = PlainFacts(backends=[PlainBackend("lake"), PlainBackend("below", prefix="p/")])
        self.ids: dict[str, str] = {}

    async def team(self, name: str, members: Sequence[str] = ()) -> str:
        """Make a team, and return its id."""
        done = await self.plane.teams.ensure(self.call(), name, members, ())
        self.ids[name] = done.value.id
        return done.value.id

    def tell_all(self, days: int = 100, *, but: int | None = None) -> None:
        """Have one node tell everything of so many days back, but of one."""
        for back in range(days):
            covered = 0 if back == but else 86_400_000
            self.facts.told.append(PlainTold("n1", DAY - timedelta(days=back), covered_ms=covered))

    def fill(self) -> None:
        """Put the facts into the warehouse."""
        fill_memory(self.warehouse, self.facts)

    async def count_readers(self) -> None:
        """Count who read what."""
        async with MemoryReaderCounting(self.warehouse, self.models).running() as counter:
            assert counter is not None
            await counter.count(self.now())
