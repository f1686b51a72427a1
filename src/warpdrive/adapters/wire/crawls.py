"""Crawls on the wire."""

from typing import Final

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Page
from warpdrive.application.ports.crawl_register import CrawlRecord


def crawl_message(crawl: CrawlRecord) -> Fields:
    """Write a crawl."""
    return {
        "id": crawl.id,
        "backends": list(crawl.backends),
        "place": crawl.place,
        "generation": crawl.generation,
        "state": crawl.state.value,
        "detail": crawl.detail,
        "source": crawl.source,
        "requested_by": crawl.requested_by,
        "requested_at": crawl.requested_at,
        "started_at": crawl.started_at,
        "ended_at": crawl.ended_at,
        "objects": crawl.objects,
        "bytes": crawl.bytes,
        "added": crawl.added,
        "changed": crawl.changed,
        "deleted": crawl.deleted,
        "parts_done": crawl.parts_done,
        "parts_known": crawl.parts_known,
    }


def _started_message(crawls: tuple[CrawlRecord, ...]) -> Fields:
    return {"crawls": [crawl_message(crawl) for crawl in crawls]}


def _page_message(page: Page[CrawlRecord]) -> Fields:
    return {"crawls": [crawl_message(crawl) for crawl in page.items], "next_page_token": page.next_token}


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "ControlService/StartCrawl",
        wire.StartCrawlRequest,
        lambda plane, call, request: plane.crawls.start(
            call, request.backend, confirm_deletions=request.confirm_deletions
        ),
        _started_message,
    ),
    query(
        "ControlService/ListCrawls",
        wire.ListCrawlsRequest,
        lambda plane, call, request: plane.crawls.page(
            call, backend=request.backend, state=request.state, size=request.page_size, token=request.page_token
        ),
        _page_message,
    ),
    query(
        "ControlService/GetCrawl",
        wire.GetCrawlRequest,
        lambda plane, call, request: plane.crawls.get(call, request.id),
        crawl_message,
    ),
    command(
        "ControlService/CancelCrawl",
        wire.CancelCrawlRequest,
        lambda plane, call, request: plane.crawls.cancel(call, request.id),
        crawl_message,
    ),
)
