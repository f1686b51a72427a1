"""The list of duplicates, page by page."""

from typing import Any

import pytest

from tests.support.filled_warehouse import PlainObject
from tests.support.governed_plane import GovernedPlane
from warpdrive.application.control.duplicates import DuplicatesView
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.paging import page_token
from warpdrive.domain.governance.duplicates import SHOWN_COPIES

MD5 = ("md5", bytes(range(16)))
CRC = ("crc32c", b"\1\2\3\4")


async def asked(on: GovernedPlane, **question: Any) -> DuplicatesView:
    """Ask for a page."""
    return (await on.plane.duplicates.page(on.call(), **question)).value


def filled() -> GovernedPlane:
    """Make a plane with two groups of copies, and one object without a checksum."""
    on = GovernedPlane()
    on.facts.objects += [
        PlainObject("lake", "a", 10, digest=MD5),
        PlainObject("below", "b", 10, digest=MD5, storage_class="hot"),
        PlainObject("lake", "x", 3, digest=CRC),
        PlainObject("lake", "y", 3, digest=CRC),
        PlainObject("lake", "z", 3),
    ]
    on.fill()
    return on


async def test_groups_say_how_sure_it_is() -> None:
    """Across backends, most waste first, with sums over all."""
    view = await asked(filled())
    first, second = view.groups
    assert (first.checksum, first.confidence, first.bytes) == (f"md5:{bytes(range(16)).hex()}", "high", 10)
    assert [(copy.backend, copy.key, copy.storage_class) for copy in first.copies] == [
        ("below", "b", "hot"),
        ("lake", "a", ""),
    ]
    assert (second.checksum, second.confidence, second.wasted_bytes) == ("crc32c:01020304", "medium", 3)
    assert (view.groups_in_all, view.wasted_bytes, view.unchecked_objects, view.next_token) == (2, 13, 1, "")
    assert [mark.name for mark in view.as_of.crawls] == ["below", "lake"]


async def test_every_group_is_on_one_page_whatever_their_size() -> None:
    """The token leads on; sums stay those of all."""
    on = filled()
    first = await asked(on, size=1)
    second = await asked(on, size=1, token=first.next_token)
    assert [group.bytes for group in (*first.groups, *second.groups)] == [10, 3]
    assert (first.wasted_bytes, second.wasted_bytes, second.next_token) == (13, 13, "")


async def test_copies_are_shown_up_to_a_number() -> None:
    """And counted beyond."""
    on = GovernedPlane()
    on.facts.objects += [PlainObject("lake", f"k{number}", 2, digest=MD5) for number in range(SHOWN_COPIES + 5)]
    on.fill()
    (group,) = (await asked(on)).groups
    assert (len(group.copies), group.copies_in_all) == (SHOWN_COPIES, SHOWN_COPIES + 5)
    assert group.wasted_bytes == 2 * (SHOWN_COPIES + 4)


async def test_filters_leave_groups_whole() -> None:
    """A group with one copy in the backend is shown with all of them."""
    on = filled()
    view = await asked(on, backend="below")
    assert [(group.bytes, group.copies_in_all) for group in view.groups] == [(10, 2)]
    assert (view.groups_in_all, view.unchecked_objects) == (1, 0)
    assert [group.bytes for group in (await asked(on, min_size=4)).groups] == [10]
    with pytest.raises(NotFound):
        await asked(on, backend="nowhere")


@pytest.mark.parametrize(
    "parts",
    [
        ["1", "2", "md5", "zz"],
        ["1", "2", "md5", ""],
        ["1", "2", "sha1", "00"],
        ["-1", "2", "md5", "00"],
        ["1", str(2**63), "md5", "00"],
        ["0" * 30 + "9" * 30, "2", "md5", "00"],
        ["1", "2", "md5"],
    ],
)
async def test_tokens_that_were_not_given_out_are_refused(parts: list[str]) -> None:
    """They never reach the database."""
    with pytest.raises(Malformed, match="page_token"):
        await asked(filled(), token=page_token(parts))
