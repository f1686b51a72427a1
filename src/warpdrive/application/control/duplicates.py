"""Duplicates: objects that seem to hold the same bytes, wherever they are, most waste first."""

from dataclasses import dataclass
from typing import Final

from warpdrive.application.control.answer_names import AnswerNames
from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.paging import page_size, page_start, page_token
from warpdrive.application.ports.duplicate_facts import CopyRow, DuplicateFacts, DuplicateQuestion, GroupMark
from warpdrive.domain.governance.duplicates import CHECKSUMS, SHOWN_COPIES, confidence_of

_TOKEN_PARTS: Final = 4
_BIGINT: Final = 2**63
_DIGITS: Final = 19


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Objects of equal size and checksum ("md5:0a1b..."). Of `copies` the first SHOWN_COPIES, by backend."""

    bytes: int
    checksum: str
    confidence: str
    copies: tuple[CopyRow, ...]
    copies_in_all: int
    wasted_bytes: int


@dataclass(frozen=True, slots=True)
class DuplicatesView:
    """A page of groups, and sums over all that was asked for. `unchecked_objects`: without a checksum."""

    groups: tuple[DuplicateGroup, ...]
    next_token: str
    groups_in_all: int
    wasted_bytes: int
    unchecked_objects: int
    as_of: AsOf


class Duplicates:
    """Use case of duplicates. Raises Malformed, NotFound (backend) and the store's errors."""

    def __init__(self, names: AnswerNames, moments: Moments, facts: DuplicateFacts) -> None:
        self._names = names
        self._moments = moments
        self._facts = facts

    async def page(
        self, call: Call, *, min_size: int = 0, backend: str = "", size: int = 0, token: str = ""
    ) -> Done[DuplicatesView]:
        """Show groups of objects of at least `min_size` bytes, one of them at least in `backend` ("": anywhere)."""
        limit = page_size(size)
        after = _start(token)
        await self._names.check_backend(backend)
        # Copies in other backends count, so the answer holds as of their crawls too.
        as_of = await self._moments.now(call.at)
        question = DuplicateQuestion(min_size, backend)
        sums = await self._facts.sums(question)
        found = await self._facts.groups(question, after=after, limit=limit + 1, copies=SHOWN_COPIES)
        shown = found[:limit]
        view = DuplicatesView(
            groups=tuple(
                DuplicateGroup(
                    bytes=each.mark.size,
                    checksum=f"{each.mark.kind}:{each.mark.digest.hex()}",
                    confidence=confidence_of(each.mark.kind).value,
                    copies=each.copies,
                    copies_in_all=each.count,
                    wasted_bytes=each.mark.wasted_bytes,
                )
                for each in shown
            ),
            next_token=_token(shown[-1].mark) if len(found) > limit else "",
            groups_in_all=sums.groups,
            wasted_bytes=sums.wasted_bytes,
            unchecked_objects=sums.unchecked_objects,
            as_of=as_of,
        )
        return Done(view, as_of.position)


def _token(mark: GroupMark) -> str:
    return page_token([str(mark.wasted_bytes), str(mark.size), mark.kind, mark.digest.hex()])


def _start(token: str) -> GroupMark | None:
    """Read a page's beginning: the mark of the last group before it. Raises Malformed."""
    start = page_start(token, _TOKEN_PARTS)
    if start is None:
        return None
    *numbers, kind, digits = start
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if (
        not all(part.isascii() and part.isdigit() and len(part) <= _DIGITS and int(part) < _BIGINT for part in numbers)
        or kind not in CHECKSUMS
        or not digest
    ):
        raise Malformed("page_token", "is none that was given out")
    return GroupMark(int(numbers[0]), int(numbers[1]), kind, digest)
