"""`status`: how far the control plane's answers are behind."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.admin_agent import admin_agent
from tests.support.canned_governance import BACKENDS, CANNED, COVERED, CRAWL, GAPS, STALE, as_of
from tests.support.operator_desk import small_desk
from warpdrive.adapters.wire.status import WireFault, fault_of
from warpdrive.application.control.errors import PermissionDenied
from warpdrive.entrypoints.ctl.plane_freshness import freshness
from warpdrive.entrypoints.ctl.plane_status import look
from warpdrive.entrypoints.ctl.server import Server

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator


@pytest.fixture
def desk(operator: "Operator") -> "Operator":
    """An operator of a control plane that is behind in everything."""
    failed = {**CRAWL, "state": "failed", "detail": "no such bucket"}
    backends = [{**BACKENDS["backends"][0], "lastCrawl": failed}, BACKENDS["backends"][1]]
    operator.served.dispatcher.canned = {
        **CANNED,
        "GovernanceService/ListBackends": [{"backends": backends, "asOf": as_of(attributedPosition=31)}],
        "GovernanceService/ListStale": [{**STALE, "asOf": as_of(coverage=GAPS)}],
    }
    return operator


def test_owners_crawls_and_telemetry(desk: "Operator", tmp_path: Path) -> None:
    """Each in a line; a crawl that failed says why."""
    with admin_agent(small_desk(), tmp_path / "s"):
        shown = desk.ok("--socket", str(tmp_path / "s"), "status")
        told = json.loads(desk.ok("--socket", str(tmp_path / "s"), "status", "--json"))["server"]["freshness"]
    assert "at position 40, owners are worked out up to 31" in shown
    assert "ago; 7 failed: no such bucket" in shown
    assert [line.split()[-1] for line in shown.splitlines() if "crawl scratch" in line] == ["never"]
    assert "telemetry incomplete for 90 days" in shown
    assert (told["position"], told["attributedPosition"], len(told["backends"])) == (40, 31, 2)
    assert told["coverage"]["gapsInAll"] == "3"


def test_nodes_that_are_silent_are_named(desk: "Operator") -> None:
    """Somebody has to go and look."""
    agents = [{"node": "n1", "missing": True}, {"node": "n2", "health": "ok"}]
    desk.served.dispatcher.canned["ControlService/ListAgents"] = [{"agents": agents}]
    found = look(Server(desk.served.url, desk.token_file, named=True))
    assert found is not None
    assert dict(found.facts(datetime.now(UTC)))["agents"] == "1 ok, 1 missing: n1"


def test_the_last_day_is_what_is_asked_about(desk: "Operator") -> None:
    """And no more than one object."""
    desk.served.dispatcher.canned["GovernanceService/ListStale"] = [{"asOf": as_of(coverage=COVERED)}]
    found = freshness(Server(desk.served.url, desk.token_file, named=True), within=3)
    assert found is not None
    assert desk.served.dispatcher.requests[-1] == {"days": "1", "page_size": 1}
    assert found.coverage is not None


def test_who_may_not_know_is_shown_the_rest(desk: "Operator", tmp_path: Path) -> None:
    """The status is none the worse for it."""

    async def refuse(method: str, _when: str) -> WireFault | None:
        return fault_of(PermissionDenied("x", "a role")) if method.endswith("ListBackends") else None

    desk.served.dispatcher.interpose = refuse
    with admin_agent(small_desk(), tmp_path / "s"):
        shown = desk.ok("--socket", str(tmp_path / "s"), "status")
    assert "you are" in shown
    assert "read models" not in shown
