"""When objects that a crawl did not find are believed to be gone, and when somebody has to say so.

A lost mount, another account's credentials or an emptied bucket look alike in a listing; a wrong belief would end
owners' bytes and their history at once.
"""

from typing import Final

FEW: Final = 1_000
"""So many objects at most may always be missing, unless they are all there were."""

SHARE: Final = 0.5
"""More than FEW may be missing as long as they are no larger part than this of what was known."""


def doubtful(known: int, missing: int, *, emptied: bool = False) -> bool:
    """Say whether so many missing objects, of those known before the crawl, need somebody's confirmation.

    `emptied`: a backend has lost all of its objects, however few they are beside those of its neighbours.
    """
    if not missing:
        return False
    return emptied or missing >= known or (missing > FEW and missing > SHARE * known)
