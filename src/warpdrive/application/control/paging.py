"""Pages of a longer answer: sizes people may ask for, and tokens that say where the next page begins."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from warpdrive.application.control.calls import Page
from warpdrive.application.control.errors import Malformed

Row = Mapping[str, Any]
Item = TypeVar("Item")

USUAL: Final = 100
LARGEST: Final = 1000


def page_size(asked: int) -> int:
    """Return how many items a page may hold; 0 asks for the usual number. Raises Malformed outside 0 to 1000."""
    if not 0 <= asked <= LARGEST:
        raise Malformed("page_size", f"must be 0 (for {USUAL}) to {LARGEST}, not {asked}")
    return asked or USUAL


def page_start(token: str, columns: int) -> list[str] | None:
    """Read where a page begins: texts of the last row before it, as many as `columns`. Raises Malformed."""
    if not token:
        return None
    try:
        start = json.loads(base64.urlsafe_b64decode(token.encode("ascii") + b"=="))
    except (ValueError, UnicodeEncodeError, RecursionError):
        raise Malformed("page_token", "is none that was given out") from None
    if (
        not isinstance(start, list)
        or len(start) != columns
        or not all(isinstance(each, str) and "\0" not in each and each.isprintable() for each in start)
    ):
        raise Malformed("page_token", "is none that was given out")
    return start


def page_token(last: Sequence[str]) -> str:
    """Write down where the next page begins."""
    text = json.dumps(list(last), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def page_of(rows: Sequence[Row], size: int, order: Sequence[str], item: Callable[[Row], Item]) -> Page[Item]:
    """Make a page of rows that were asked for with a limit of `size` + 1, all of whose `order` columns are texts."""
    shown = rows[:size]
    more = len(rows) > size
    return Page(tuple(map(item, shown)), page_token([shown[-1][column] for column in order]) if more else "")
