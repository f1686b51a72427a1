"""Whose bytes they are: sums over objects of the same owners, shared out to the teams."""

from collections.abc import Iterable
from typing import Final, Protocol

from warpdrive.domain.governance.splitting import split

NOBODY: Final = ""
"""Stands where a team's id would: nobody owns these bytes."""


class OwnedBytes(Protocol):
    """A sum over objects that have the same owners."""

    @property
    def backend(self) -> str:
        """Where they are."""

    @property
    def owners(self) -> tuple[str, ...]:
        """Ids of the teams that own them together; empty: nobody does."""

    @property
    def bytes(self) -> int:
        """The sum."""


def team_shares(rows: Iterable[OwnedBytes]) -> dict[tuple[str, str], int]:
    """Return the bytes of each (team id, backend).

    Every row is split by itself, so that the shares add up to the rows exactly. What nobody owns is NOBODY's.
    """
    shares: dict[tuple[str, str], int] = {}
    for row in rows:
        for team, part in split(row.bytes, row.owners or (NOBODY,)).items():
            shares[team, row.backend] = shares.get((team, row.backend), 0) + part
    return shares
