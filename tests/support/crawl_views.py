"""A crawl as it is shown, with every field filled."""

from datetime import timedelta
from typing import Any

from tests.support.views import NOW
from warpdrive.application.control.calls import Page
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlState

CRAWL = CrawlRecord(
    id=7,
    place="s3|endpoint=http://s3|bucket=b",
    backends=("lake", "raw"),
    generation=3,
    state=CrawlState.HELD,
    detail="10 of 10 objects are missing",
    source="list",
    confirmed=False,
    requested_by="token:1",
    requested_at=NOW,
    started_at=NOW + timedelta(seconds=1),
    ended_at=NOW + timedelta(seconds=2),
    objects=4,
    bytes=40,
    added=1,
    changed=2,
    deleted=3,
    parts_done=5,
    parts_known=6,
)

CRAWL_ANSWERS: dict[str, Any] = {
    "Crawl": CRAWL,
    "StartCrawlResponse": (CRAWL,),
    "ListCrawlsResponse": Page((CRAWL,)),
}
