"""Prices as plain values, and a list of them for one day."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Tag:
    """A price."""

    per_gib_month: Decimal = Decimal(0)
    per_1000_requests: Decimal = Decimal(0)
    per_gib_egress: Decimal = Decimal(0)
    storage_class: str = "*"


@dataclass
class Tags:
    """What each class costs in every backend."""

    tags: dict[str, Tag] = field(default_factory=dict)

    def of(self, backend: str, storage_class: str) -> Tag | None:
        """Return what applies."""
        assert backend
        return self.tags.get(storage_class, self.tags.get("*"))

    def named(self, backend: str) -> Sequence[Tag]:
        """Return the named classes."""
        assert backend
        return [tag for name, tag in sorted(self.tags.items()) if name != "*"]


def tags(**prices: str) -> Tags:
    """Price classes by name, a GiB and month; "every" is "*"."""
    named = {name if name != "every" else "*": price for name, price in prices.items()}
    return Tags({name: Tag(Decimal(price), Decimal(1), Decimal(0), name) for name, price in named.items()})
