"""One question, asked by many, answered once."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import anyio

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class SingleFlight(Generic[Key, Answer]):
    """Runs one `work` per key at a time; callers that come meanwhile wait for its answer (or its error).

    The first caller does the work in its own task. If that caller is cancelled, one of the others takes over.
    """

    def __init__(self) -> None:
        self._flights: dict[Key, _Flight[Answer]] = {}

    async def run(self, key: Key, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer of the work under way for the key, starting it if there is none."""
        while True:
            flight = self._flights.get(key)
            if flight is None:
                return await self._lead(key, work)
            await flight.landed.wait()
            if flight.error is not None:
                raise flight.error
            if flight.answers:
                return flight.answers[0]

    async def _lead(self, key: Key, work: Callable[[], Awaitable[Answer]]) -> Answer:
        flight: _Flight[Answer] = _Flight()
        self._flights[key] = flight
        try:
            answer = await work()
        except Exception as error:
            flight.error = error
            raise
        else:
            flight.answers.append(answer)
            return answer
        finally:
            del self._flights[key]
            flight.landed.set()


class _Flight(Generic[Answer]):
    def __init__(self) -> None:
        self.landed = anyio.Event()
        self.answers: list[Answer] = []
        self.error: Exception | None = None
