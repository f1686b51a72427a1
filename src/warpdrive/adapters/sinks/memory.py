"""The in-memory twin: keeps the newest records where a test can look at them."""

from collections import deque

from warpdrive.application.ports.access_log import AccessRecord


class MemoryLog:
    """An `AccessLog` that remembers the last `capacity` records."""

    def __init__(self, *, capacity: int = 100_000) -> None:
        self.records: deque[AccessRecord] = deque(maxlen=capacity)
        self.claims: list[tuple[float, int]] = []
        self.lost = 0
        self._closed = False

    def record(self, record: AccessRecord) -> None:
        """Keep the record, or drop the oldest one and count the loss."""
        if self._closed:
            self.lost += 1
            return
        if len(self.records) == self.records.maxlen:
            self.lost += 1
        self.records.append(record)

    def covered(self, until: float, *, lost: int) -> None:
        """Remember it."""
        self.claims.append((until, lost))

    async def aclose(self, *, patience: float = 2.0) -> None:  # noqa: ARG002 - every sink closes alike
        """Take no more; what was kept stays readable."""
        self._closed = True
