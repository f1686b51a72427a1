"""A health check that says what it was told to say."""

from warpdrive.application.mount.health import CheckFailedError


class FixedCheck:
    """Well with `words`, unwell with `fault`. Counts how often it was asked."""

    def __init__(self, name: str, words: str = "fine", *, fault: str | None = None) -> None:
        self.name = name
        self.words = words
        self.fault = fault
        self.asked = 0

    async def probe(self) -> str:
        """Answer at once."""
        self.asked += 1
        if self.fault is not None:
            raise CheckFailedError(self.fault)
        return self.words
