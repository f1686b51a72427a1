"""What was looked up lately, within bounds."""

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Numbers(Generic[Key, Value]):
    """A mapping that forgets what was not asked for since the last `most` newcomers, or twice as many at the latest.

    Two generations instead of an order: what is found in the old one moves to the young one, and when that is full the
    old one goes. A look-up costs what a dictionary's does.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def __len__(self) -> int:
        """Count what is remembered: never more than twice `most`."""
        return len(self._young) + len(self._old)

    def get(self, key: Key) -> Value | None:
        """Return what is remembered, or None."""
        value = self._young.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember."""
        if len(self._young) >= self._most:
            self._old = self._young
            self._young = {}
        self._young[key] = value
