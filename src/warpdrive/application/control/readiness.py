"""Whether this process can do its work now: the database answers, takes writes, and the read models keep up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn

import anyio

from warpdrive.application.control.lag import Lag
from warpdrive.application.ports.agents import AgentRegister
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.event_store import (
    Append,
    CommandFacts,
    EventStoreError,
    EventWriter,
    Receipt,
    StoreReadOnly,
    StoreUnavailable,
)

_EVERY: Final = 2.0
"""Seconds between two probes."""

_REMEMBERED: Final = 10.0
"""Seconds that a refused write counts: a full disk shows only in a write, and writes come only when we are ready."""

_BEHIND: Final = 30.0
"""Seconds that the read models may be behind once they have caught up."""

_CAUGHT_UP: Final = 1.0
"""Seconds behind that count as caught up: before that, a fresh start would show what was true when it was stopped."""


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """One thing that has to be right. `detail` is for the operator."""

    name: str
    ok: bool
    detail: str = ""


class Readiness(EventWriter):
    """Judges readiness; stands between the commands and the store to hear what becomes of writes."""

    def __init__(self, writer: EventWriter, register: AgentRegister, lag: Lag, clock: Clock) -> None:
        self._writer = writer
        self._register = register
        self._lag = lag
        self._clock = clock
        self._refused: str = ""
        self._refused_at = float("-inf")
        self._caught_up = False

    async def append(self, append: Append) -> Receipt:
        """Append, and remember a refusal of every write until one is taken."""
        try:
            receipt = await self._writer.append(append)
        except StoreReadOnly as fault:
            self._note(fault)
            raise
        if not receipt.repeated:
            self._refused_at = float("-inf")
        return receipt

    async def receipt(self, facts: CommandFacts) -> Receipt | None:
        """See the port."""
        return await self._writer.receipt(facts)

    async def owner_of(self, kind: str, name: str) -> str | None:
        """See the port."""
        return await self._writer.owner_of(kind, name)

    async def run(self) -> NoReturn:
        """Probe until cancelled."""
        while True:
            await self._probe()
            await anyio.sleep(_EVERY)

    def checks(self) -> Sequence[ReadinessCheck]:
        """Judge each thing by what was seen last."""
        writable = self._clock.monotonic() - self._refused_at > _REMEMBERED
        self._caught_up = self._caught_up or (self._lag.known and self._lag.seconds <= _CAUGHT_UP)
        behind = not self._caught_up or self._lag.seconds > _BEHIND
        return (
            ReadinessCheck("database", self._lag.known, "" if self._lag.known else "it does not answer"),
            ReadinessCheck("writes", writable, "" if writable else f"refused: {self._refused}"),
            ReadinessCheck(
                "read models",
                not behind,
                f"{self._lag.seconds:.0f} s behind; is a worker running (--role all or worker)?" if behind else "",
            ),
        )

    @property
    def ready(self) -> bool:
        """Everything is right."""
        return all(check.ok for check in self.checks())

    async def _probe(self) -> None:
        """Ask for a write that changes nothing: a read-only server refuses it all the same."""
        try:
            await self._register.touch("", health="", detail="", position=0, at=datetime.fromtimestamp(0, UTC))
        except EventStoreError as fault:
            # One that is merely away is noticed and told by the lag's own question.
            if isinstance(fault, StoreReadOnly) or not isinstance(fault, StoreUnavailable):
                self._note(fault)

    def _note(self, fault: EventStoreError) -> None:
        self._refused = fault.detail
        self._refused_at = self._clock.monotonic()
