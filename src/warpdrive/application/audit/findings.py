"""What verification finds: where, what is wrong, and what was looked at, which says what the silence is worth."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from warpdrive.application.audit.wording import plain

_HASH_BYTES: Final = 32


class Check(StrEnum):
    """What is verified. The value names it in messages and JSON."""

    CHAIN = "hash chain"
    VERSIONS = "versions"
    MOMENTS = "moments"
    EVENTS = "events"
    NAMES = "names"
    ROWS = "read models"
    SNAPSHOTS = "snapshots"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be. `position`: of the event; None for what is no event."""

    check: Check
    position: int | None
    words: str

    @property
    def line(self) -> str:
        """Write it on one line, whatever the record holds."""
        where = "" if self.position is None else f" at position {self.position}"
        return f"{self.check.value}{where}: {plain(self.words)}"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the record: what an auditor notes down to compare with later. `hash` of the event at `position`."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.hash.hex()}@{self.position}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read what `str` wrote. Raises ValueError."""
        digits, at, position = text.partition("@")
        hashed = bytes.fromhex(digits)
        if not at or len(hashed) != _HASH_BYTES:
            raise ValueError("is not 64 hexadecimal digits, an @ and a position")
        return cls(int(position), hashed)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome.

    `first` is the position that was begun after. `whole`: that is 0, so names, read models and snapshots were compared
    too: so many `names`, `rows` and `snapshots`. `unknown` counts events of topics that this version does not know:
    they are chained and counted, and not understood. `dropped` counts findings beyond those that are listed.
    """

    findings: tuple[Finding, ...]
    dropped: int
    first: int
    head: Head
    events: int
    streams: int
    unknown: int
    whole: bool
    names: int
    rows: int
    snapshots: int

    @property
    def sound(self) -> bool:
        """Nothing was found."""
        return not self.findings
