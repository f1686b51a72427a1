"""Crawls as operators see them, on the twins."""

from typing import Any

import pytest

from tests.support.memory_plane import MemoryPlane
from warpdrive.adapters.store.memory.warehouse import BackendRow
from warpdrive.application.control.errors import Malformed, NotFound


def _plane(*backends: BackendRow) -> MemoryPlane:
    memory = MemoryPlane()
    memory.warehouse.backends.extend(backends)
    return memory


async def test_a_backend_or_all_of_them_are_asked_for() -> None:
    """Backends that share a place are one crawl; who asked is kept."""
    memory = _plane(BackendRow("a", "p", "x/", "s3"), BackendRow("b", "p", "", "s3"), BackendRow("c", "q", "", "s3"))
    crawls = memory.plane.crawls
    one = (await crawls.start(memory.call(), "a", confirm_deletions=False)).value
    assert [(crawl.place, crawl.backends, crawl.requested_by) for crawl in one] == [("p", ("a", "b"), "token:admin")]
    everything = (await crawls.start(memory.call(), "", confirm_deletions=True)).value
    assert [(crawl.place, crawl.id, crawl.confirmed) for crawl in everything] == [
        ("p", one[0].id, True),
        ("q", 2, True),
    ]
    with pytest.raises(NotFound):
        await crawls.start(memory.call(), "none", confirm_deletions=False)
    assert (await _plane().plane.crawls.start(memory.call(), "", confirm_deletions=False)).value == ()


async def test_a_former_backend_is_crawled_no_more() -> None:
    """It is in no namespace, so nobody says how it is reached."""
    memory = _plane(BackendRow("a", "p", "", "s3", present=False))
    with pytest.raises(NotFound):
        await memory.plane.crawls.start(memory.call(), "a", confirm_deletions=False)


async def test_pages_go_backwards_in_time() -> None:
    """Newest first, with a token for more; tokens and states are checked."""
    memory = _plane(BackendRow("a", "p", "", "s3"))
    crawls = memory.plane.crawls
    for _ in range(3):
        (asked,) = (await crawls.start(memory.call(), "a", confirm_deletions=False)).value
        done = (await crawls.cancel(memory.call(), asked.id)).value
        assert (done.state, done.detail) == ("cancelled", "cancelled by token:admin")
    first = (await crawls.page(memory.call(), backend="", state="", size=2, token="")).value
    assert [crawl.id for crawl in first.items] == [3, 2]
    rest = (await crawls.page(memory.call(), backend="a", state="cancelled", size=2, token=first.next_token)).value
    assert ([crawl.id for crawl in rest.items], rest.next_token) == ([1], "")
    assert (await crawls.get(memory.call(), 2)).value == first.items[1]
    wrongs: list[dict[str, Any]] = [{"state": "asleep"}, {"token": "WyJ4Il0"}, {"size": 1001}]
    whole: dict[str, Any] = {"backend": "", "state": "", "size": 2, "token": ""}
    for wrong in wrongs:
        with pytest.raises(Malformed):
            await crawls.page(memory.call(), **(whole | wrong))


@pytest.mark.parametrize("crawl", [0, 5, -1, 2**63])
async def test_what_there_is_not_is_not_found(crawl: int) -> None:
    """Whatever number it is."""
    memory = _plane()
    for verb in (memory.plane.crawls.get, memory.plane.crawls.cancel):
        with pytest.raises(NotFound):
            await verb(memory.call(), crawl)
