"""The register of names as it stands, whole: what audit compares with the names that events took and gave up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class RegisteredName:
    """A name that is taken: `uses` is above 0. See `event_store.NameUse` for the fields."""

    kind: str
    name: str
    owner: str
    uses: int


class NameRegister(Protocol):
    """Owned by audit. Raises StoreUnavailable."""

    async def names(self) -> Sequence[RegisteredName]:
        """Return every name that is taken, in no order."""
