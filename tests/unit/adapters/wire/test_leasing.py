"""Leases, simulations and jobs on the wire."""

from typing import Any
from uuid import UUID

import betterproto
import pytest

from tests.support.fake_plane import ADMIN, FakePlane
from tests.support.quota_views import JOB, LEASE, OPEN_LEASES, SIMULATED
from tests.support.views import NOW, QUOTA
from warpdrive.adapters.wire.bindings import BINDINGS
from warpdrive.adapters.wire.contract import contract, message_bytes
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.status import fault_of
from warpdrive.application.control.calls import Call
from warpdrive.application.control.errors import Malformed
from warpdrive.domain.quota.errors import QuotaRefused
from warpdrive.domain.quota.values import LeasePolicy, QuotaLimits


async def asked(method: str, request: betterproto.Message, answer: Any = None) -> Any:
    """Run a method's binding over a plane that gives the answer; return what it was handed and the message."""
    plane = FakePlane(always=answer)
    binding = BINDINGS[f"GovernanceService/{method}"]
    call = Call(ADMIN, UUID(int=1), bytes(32), "c", NOW)
    done = await binding.run(plane.plane(), call, binding.request().parse(bytes(request)))
    descriptor = contract().methods[binding.method].answer
    return plane.asked[0], getattr(wire, descriptor.name)().parse(message_bytes(descriptor, binding.answer(done.value)))


async def refused(method: str, request: betterproto.Message) -> str:
    """Return the field that a request is refused for."""
    with pytest.raises(Malformed) as caught:
        await asked(method, request)
    return caught.value.field


async def test_a_lease_is_asked_for_in_bytes() -> None:
    """A key may be empty, a backend not; everything of the lease comes back."""
    request = wire.AcquireQuotaLeaseRequest(node="node-1", backend="lake", bytes=7)
    given, message = await asked("AcquireQuotaLease", request, LEASE)
    assert (given.given, given.named) == (("node-1",), {"backend": "lake", "key": "", "wanted": 7})
    assert (message.teams, message.settled_bytes, message.state, message.warned) == (["vision"], 3, "settled", True)
    assert await refused("AcquireQuotaLease", wire.AcquireQuotaLeaseRequest(node="node-1")) == "backend"
    assert await refused("AcquireQuotaLease", wire.AcquireQuotaLeaseRequest(backend="lake")) == "node"


async def test_a_lease_is_settled_by_its_id() -> None:
    """What is none is refused before anybody looks for it."""
    request = wire.SettleQuotaLeaseRequest(node="node-1", lease=LEASE.id, used_bytes=3)
    given, _ = await asked("SettleQuotaLease", request, LEASE)
    assert (given.given, given.named) == (("node-1", UUID(LEASE.id)), {"used": 3})
    for lease in ("", "x"):
        assert await refused("SettleQuotaLease", wire.SettleQuotaLeaseRequest(node="n", lease=lease)) == "lease"


async def test_open_leases_come_with_their_sum() -> None:
    """An empty team or backend asks for every one."""
    given, message = await asked("ListQuotaLeases", wire.ListQuotaLeasesRequest(), OPEN_LEASES)
    assert given.named == {"team": "", "backend": ""}
    assert (len(message.leases), message.open_bytes) == (1, 5)


async def test_a_policy_is_a_size_and_a_period() -> None:
    """As people type them; both are needed."""
    request = wire.SetQuotaLeasePolicyRequest(team="vision", size="4GB", period="5m")
    given, _ = await asked("SetQuotaLeasePolicy", request, QUOTA)
    assert given.given == ("vision", "*", LeasePolicy(4 << 30, 300))
    assert await refused("SetQuotaLeasePolicy", wire.SetQuotaLeasePolicyRequest(team="v", size="1GB")) == "period"
    assert await refused("SetQuotaLeasePolicy", wire.SetQuotaLeasePolicyRequest(team="v", period="1m")) == "size"


async def test_a_simulation_has_the_defaults_of_a_quota() -> None:
    """And looks ninety days back; it is a question, so it can wait for a position."""
    request = wire.SimulateQuotaRequest(team="vision", hard="1KB")
    given, message = await asked("SimulateQuota", request, SIMULATED)
    assert given.given == ("vision", "*", QuotaLimits(1024, 1024, 7 * 86_400))
    assert given.named == {"days": 90}
    assert BINDINGS["GovernanceService/SimulateQuota"].reads
    assert message.crossings == [wire.QuotaCrossing("2026-03-31", "soft_crossed", 11)]
    assert (message.standing_now, message.days_refused, message.as_of.position) == ("warned", 2, 7)


async def test_a_job_is_reported_with_the_moments_that_are_known() -> None:
    """Those that were not sent are not the epoch."""
    request = wire.ReportJobRequest(job="7", user="ann", status="completed", ended_at=NOW)
    given, message = await asked("ReportJob", request, JOB)
    assert given.given == ("7", "ann")
    assert given.named == {"status": "completed", "started_at": None, "ended_at": NOW}
    assert message.backends == [wire.JobBackend("lake", 1, 2, 3, 4)]
    assert message.claimed_bytes == 1
    for field in ("job", "user", "status"):
        sent = wire.ReportJobRequest(job="7", user="ann", status="running")
        setattr(sent, field, "")
        assert await refused("ReportJob", sent) == field
    given, _ = await asked("GetJob", wire.GetJobRequest(job="7"), JOB)
    assert given.given == ("7", "")


def test_a_refusal_tells_programs_its_figures() -> None:
    """RESOURCE_EXHAUSTED, with every field; trying again at once is no remedy, so nobody is told to."""
    fault = fault_of(QuotaRefused("vision", "lake", 7, 5, 3, 10))
    assert fault.code.name == "RESOURCE_EXHAUSTED"
    assert fault.retry_after is None
    for part in ("QUOTA_REFUSED", "vision", "lake", "10"):
        assert part in str(fault.status().details[0])
