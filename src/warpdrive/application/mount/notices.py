"""What the mount tells the kernel unasked: the port through which remembered names are taken back."""

from typing import Protocol


class KernelNotices(Protocol):
    """Takes back what was answered before. Said once per name; never blocks, never raises."""

    def forget_entry(self, parent: int, name: bytes) -> None:
        """Make the kernel ask again for this name in the directory `parent` (an inode number), and below it.

        What is open stays open. The kernel may still be busy with the directory: it forgets as soon as it is not.
        """


class NoKernel:
    """The twin for a mount without a kernel in front; remembers what it was told."""

    def __init__(self) -> None:
        self.forgotten: list[tuple[int, bytes]] = []

    def forget_entry(self, parent: int, name: bytes) -> None:
        """Note it."""
        self.forgotten.append((parent, name))
