"""What listings met and could not show (R4), for `status --hidden`. Implements `desk.HiddenKeys`.

Only listings that are still kept are known: a directory that nobody has listed hides nothing yet.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from warpdrive.application.mount.desk import HiddenKey
from warpdrive.application.mount.listings import Listings


class HiddenNames:
    """Counts all hidden keys of the kept listings, names some of each."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings

    def counts(self) -> Mapping[str, int]:
        """How many, by reason."""
        totals: Counter[str] = Counter()
        for _, listing in self._listings.hidden():
            for reason, count in listing.hidden_counts.items():
                totals[reason.value] += count
        return dict(totals)

    def listed(self) -> Sequence[HiddenKey]:
        """Examples from every directory."""
        found = []
        for path, listing in self._listings.hidden():
            backend = "" if listing.backend is None else listing.backend.name
            found += [HiddenKey(path, backend, each.key, each.reason.value) for each in listing.hidden]
        return found
