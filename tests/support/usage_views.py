"""One view of each kind of answer about storage and its use, as a use case would answer; by its message's name."""

from datetime import timedelta
from typing import Any

from tests.support.views import NOW
from warpdrive.application.control.as_of import AsOf
from warpdrive.application.control.backends import BackendsView, BackendView
from warpdrive.application.control.growth import GrowthView
from warpdrive.application.control.staleness import StaleObject, StaleView
from warpdrive.application.control.usage import UsageRow, UsageView
from warpdrive.application.control.users import UserView
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlState
from warpdrive.application.ports.usage_facts import BackendMark
from warpdrive.application.ports.user_facts import UserBackendRow, UserJobRow, UserObjectRow
from warpdrive.domain.governance.coverage import Coverage, Gap
from warpdrive.domain.governance.forecast import ForecastDay
from warpdrive.domain.governance.growth import DaySize, Flow

TODAY = NOW.date()

AS_OF = AsOf(
    computed_at=NOW,
    position=7,
    attributed_position=6,
    crawls=(BackendMark("lake", "s3", "s3|x", "", 3, NOW), BackendMark("new", "s3", "s3|y", "", 0, None)),
    coverage=Coverage(
        TODAY - timedelta(days=30),
        TODAY,
        0.25,
        tuple(Gap(f"n{number}", TODAY, number, 1) for number in range(25)),
    ),
    readers_counted_at=NOW,
)
USAGE = UsageView(
    rows=(UsageRow("vision", "team-id", "team", 3, 2**53 + 1, 0.75), UsageRow("", "", "unattributed", 1, 5, 0.25)),
    total_objects=4,
    total_bytes=2**53 + 6,
    basis="owner",
    rule="by rule",
    as_of=AS_OF,
)
STALE = StaleView(
    objects=(
        StaleObject("lake", "raw/a", 9, ("vision",), TODAY - timedelta(days=91), "accessed", 91, "unknown", "hot"),
    ),
    next_token="more",
    stale_objects=1,
    stale_bytes=2,
    unknown_objects=3,
    unknown_bytes=4,
    total_objects=5,
    total_bytes=6,
    as_of=AS_OF,
)
GROWTH = GrowthView(
    days=(DaySize(TODAY, 2, 100, Flow(1, 2, 3, 4, -5, 6, -7)),),
    forecast=(ForecastDay(TODAY + timedelta(days=1), 90, 100, 110),),
    refused="",
    method="a method",
    as_of=AS_OF,
)
USER = UserView(
    user="ann",
    teams=("speech", "vision"),
    backends=(UserBackendRow("lake", 1, 2, 3, 4, TODAY),),
    objects=(
        UserObjectRow("lake", "raw/a", 0, 1, 2, TODAY),
        UserObjectRow("lake", "gone", None, 1, 2, TODAY),
    ),
    jobs=(UserJobRow("train", 1, 2, TODAY),),
    reader_bytes=11,
    as_of=AS_OF,
)
CRAWL = CrawlRecord(
    id=1,
    place="s3|x",
    backends=("lake",),
    generation=4,
    state=CrawlState.FAILED,
    detail="why",
    source="list",
    confirmed=False,
    requested_by="token:x",
    requested_at=NOW,
)
BACKENDS = BackendsView(
    backends=(
        BackendView("lake", "s3", "s3|x", "p/", ("eval", "train"), 5, 6, 3, NOW, CRAWL),
        BackendView("new", "s3", "s3|y", "", ("train",), 0, 0, 0, None, None),
    ),
    as_of=AS_OF,
)

USAGE_ANSWERS: dict[str, Any] = {
    "GetUsageResponse": USAGE,
    "ListStaleResponse": STALE,
    "GetGrowthResponse": GROWTH,
    "GetUserResponse": USER,
    "ListBackendsResponse": BACKENDS,
}
