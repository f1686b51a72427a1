"""How long metadata may be believed (R2). All in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Freshness:
    """Lifetimes of what backends said."""

    attr_ttl: float = 60.0
    """Attributes of a file, and that its version is current."""
    entry_ttl: float = 60.0
    """That a name leads where it does."""
    negative_ttl: float = 5.0
    """That a name does not exist."""
    dir_ttl: float = 300.0
    """The names of a directory."""
    max_listed: int = 1_000_000
    """Names kept over all listings."""
