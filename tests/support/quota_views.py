"""One view of each kind of answer about leases, simulations and jobs; by its message's name."""

from datetime import date
from typing import Any

from tests.support.usage_views import AS_OF
from tests.support.views import NOW
from warpdrive.application.control.jobs import JobView
from warpdrive.application.control.leases import LeaseView, OpenLeases
from warpdrive.application.control.simulation import Simulated
from warpdrive.application.ports.job_register import JobAccesses
from warpdrive.domain.quota.history import Crossing, QuotaHistory
from warpdrive.domain.quota.values import Standing

LEASE = LeaseView(
    id="00000000-0000-0000-0000-000000000007",
    node="node-1",
    backend="lake",
    teams=("vision",),
    bytes=5,
    settled_bytes=3,
    granted_at=NOW,
    expires_at=NOW,
    state="settled",
    warned=True,
)
OPEN_LEASES = OpenLeases((LEASE,), 5)
SIMULATED = Simulated(
    QuotaHistory(
        crossings=(Crossing(date(2026, 3, 31), "soft_crossed", 11),),
        days_warned=1,
        days_refused=2,
        highest=12,
        now=10,
        standing_now=Standing.WARNED,
        refused_bytes=4,
    ),
    AS_OF,
)
JOB = JobView(
    job="7",
    user="ann",
    status="completed",
    started_at=NOW,
    ended_at=NOW,
    reported_at=NOW,
    backends=(JobAccesses("lake", 1, 2, 3, 4),),
    opens=1,
    bytes_read=2,
    claimed_bytes=1,
    as_of=AS_OF,
)

QUOTA_ANSWERS: dict[str, Any] = {
    "QuotaLease": LEASE,
    "ListQuotaLeasesResponse": OPEN_LEASES,
    "SimulateQuotaResponse": SIMULATED,
    "Job": JOB,
}
