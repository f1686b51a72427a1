"""How several share what is one: evenly, so that the shares are exactly the whole."""

from collections.abc import Sequence


def split(total: int, sharers: Sequence[str]) -> dict[str, int]:
    """Share a number out evenly; the remainder goes, one each, to those whose names come first.

    The shares add up to `total`, which may be negative. Raises ValueError when there is nobody to share.
    """
    names = sorted(set(sharers))
    if not names:
        raise ValueError("nobody is there to share")
    even, rest = divmod(total, len(names))
    return {name: even + (index < rest) for index, name in enumerate(names)}
