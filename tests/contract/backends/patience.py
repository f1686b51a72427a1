"""Patience on a clock of its own: sleeping takes no time and is written down."""

from warpdrive.adapters.blob.factory import Patience


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.sleeps.append(seconds)
        self.now += seconds

    def patience(self, *, deadline_s: float = 30.0, stall_s: float = 5.0) -> Patience:
        """Limits on this clock; stalls are still measured on the event loop's."""
        return Patience(
            deadline_s=deadline_s, stall_s=stall_s, monotonic=self.monotonic, sleep=self.sleep, random=lambda: 0.5
        )
