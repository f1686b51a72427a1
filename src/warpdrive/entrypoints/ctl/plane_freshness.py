"""How far a control plane's answers are behind: owners, crawls, telemetry of the last day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import click

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal, ControlPlaneUnreachable
from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.entrypoints.ctl.as_of import coverage_words
from warpdrive.entrypoints.ctl.backends import crawl_words
from warpdrive.entrypoints.ctl.moments import age
from warpdrive.entrypoints.ctl.promptly import ask_promptly
from warpdrive.entrypoints.ctl.server import Server

_WELL: Final = ("", "queued", "running", "completed")


@dataclass(frozen=True, slots=True)
class Freshness:
    """What answers are computed from. `coverage`: of yesterday and today; None when nothing is said of it."""

    position: int
    attributed_position: int
    backends: Sequence[Mapping[str, Any]]
    coverage: Mapping[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "position": self.position,
            "attributedPosition": self.attributed_position,
            "backends": [
                {key: backend.get(key) for key in ("name", "generation", "crawledAt", "lastCrawl")}
                for backend in self.backends
            ],
            "coverage": self.coverage,
        }

    def facts(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Yield names and values for people."""
        behind = self.position - self.attributed_position
        lag = f", owners are worked out up to {self.attributed_position}" if behind > 0 else ""
        yield "read models", f"at position {self.position}{lag}"
        for backend in self.backends:
            crawled = f"{age(backend['crawledAt'], now)} ago" if backend.get("crawledAt") else "never"
            last = backend.get("lastCrawl") or {}
            unwell = last.get("state", "") not in _WELL
            under_way = last.get("state") in {"queued", "running"}
            yield f"crawl {backend['name']}", crawled + (f"; {crawl_words(last)}" if unwell or under_way else "")
        if self.coverage is not None:
            yield "last day", coverage_words(self.coverage)


def freshness(server: Server, *, within: float) -> Freshness | None:
    """Ask; None when it may not be known, is not known to this control plane, or takes longer than `within` s."""
    try:
        return ask_promptly(server, _ask, within=within)
    except (ControlPlaneRefusal, ControlPlaneUnreachable, click.ClickException):
        return None  # what is asked first says who is there; this is more than the status itself


def _ask(client: ControlPlaneClient) -> Freshness:
    found = client.call("GovernanceService/ListBackends")
    idle = client.call("GovernanceService/ListStale", {"days": "1", "page_size": 1})
    as_of = found.get("asOf") or {}
    coverage = (idle.get("asOf") or {}).get("coverage")
    return Freshness(
        int(as_of.get("position", 0)), int(as_of.get("attributedPosition", 0)), found["backends"], coverage
    )
