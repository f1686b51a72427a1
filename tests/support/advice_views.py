"""One view of each kind of answer about costs, duplicates and recommendations; by its message's name."""

from typing import Any

from tests.support.usage_views import AS_OF
from tests.support.views import NOW
from warpdrive.application.control.costs import CostMonth, CostRow, CostView
from warpdrive.application.control.duplicates import DuplicateGroup, DuplicatesView
from warpdrive.application.control.recommendations import DismissalView, RecommendationsView, RecommendationView
from warpdrive.application.ports.duplicate_facts import CopyRow

DISMISSAL = DismissalView(
    recommendation="rec-id", dismissed=True, reason="=we need it", by="token:admin", at=NOW, version=2
)
RECOMMENDATIONS = RecommendationsView(
    recommendations=(
        RecommendationView(
            id="rec-id",
            kind="archive_stale",
            team="vision",
            backend="lake",
            summary="Archive it.",
            evidence=("9 objects",),
            assumptions=("Nobody", "misses it"),
            objects=9,
            bytes=2**53 + 1,
            saving_low="0.00",
            saving_high="12.5",
            currency="USD",
            dismissal=DISMISSAL,
        ),
    ),
    as_of=AS_OF,
)
DUPLICATES = DuplicatesView(
    groups=(
        DuplicateGroup(
            bytes=5,
            checksum="md5:00",
            confidence="high",
            copies=(CopyRow("lake", "a", "hot"), CopyRow("pool", "b", "")),
            copies_in_all=3,
            wasted_bytes=10,
        ),
    ),
    next_token="more",
    groups_in_all=4,
    wasted_bytes=40,
    unchecked_objects=7,
    as_of=AS_OF,
)
COST = CostView(
    book="list",
    currency="USD",
    rows=(CostRow("vision", "team-id", "team", 8, "1.00", "0.10", "0.20", "0.00", "0.30", "1.10", "1.50", 2),),
    total_low="1.10",
    total_high="1.50",
    projection=(CostMonth("2026-12", "0.90", "1.00", "1.10"),),
    refused="",
    assumptions=("Amounts are exact.",),
    as_of=AS_OF,
)

ADVICE_ANSWERS: dict[str, Any] = {
    "Dismissal": DISMISSAL,
    "ListRecommendationsResponse": RECOMMENDATIONS,
    "ListDuplicatesResponse": DUPLICATES,
    "GetCostResponse": COST,
}
