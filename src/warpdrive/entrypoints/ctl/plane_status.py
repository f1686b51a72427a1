"""What `status` says about the control plane: is it there, who are we to it, how are its agents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import click

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal, ControlPlaneUnreachable
from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.entrypoints.ctl.plane_freshness import Freshness, freshness
from warpdrive.entrypoints.ctl.promptly import ask_promptly
from warpdrive.entrypoints.ctl.server import Server
from warpdrive.entrypoints.ctl.token import role_word, scope_words

_NAMED_WITHIN: Final = 3.0
_GUESSED_WITHIN: Final = 0.5
"""Seconds. Nobody waits for what may not be there."""

_MOST: Final = 1000

_NAMED: Final = 5
"""Silent nodes named; there may be a thousand of them after a power cut."""


@dataclass(frozen=True, slots=True)
class PlaneStatus:
    """A control plane as seen from here. `fault`: "" when it answered."""

    url: str
    fault: str = ""
    principal: Mapping[str, Any] | None = None
    agents: Mapping[str, int] | None = None
    """How many are ok, degraded and missing; None when we may not know."""
    missing: tuple[str, ...] = ()
    """Nodes that are silent."""
    freshness: Freshness | None = None
    """None when we may not know, or it did not answer in time."""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "url": self.url,
            "fault": self.fault,
            "principal": self.principal,
            "agents": self.agents,
            "missing": list(self.missing),
            "freshness": None if self.freshness is None else self.freshness.as_json(),
        }

    def facts(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Yield names and values for people."""
        yield "server", f"{self.url}: {self.fault}" if self.fault else self.url
        if self.principal is not None:
            who = self.principal
            yield "you are", f"{who['name']}, {role_word(who)} of {scope_words(who)}"
        if self.agents is not None:
            counts = ", ".join(f"{count} {word}" for word, count in self.agents.items() if count) or "none"
            silent = ", ".join(self.missing[:_NAMED]) + (" and more" if len(self.missing) > _NAMED else "")
            yield "agents", f"{counts}: {silent}" if silent else counts
        if self.freshness is not None:
            yield from self.freshness.facts(now)


def look(server: Server) -> PlaneStatus | None:
    """Look for the control plane; None when none was named and none is there."""
    within = _NAMED_WITHIN if server.named else _GUESSED_WITHIN
    try:
        found = ask_promptly(server, lambda client: _ask(client, server), within=within)
        return replace(found, freshness=freshness(server, within=_NAMED_WITHIN))
    except ControlPlaneUnreachable as error:
        return PlaneStatus(server.url, f"no answer ({error.why})") if server.named else None
    except ControlPlaneRefusal as refusal:
        return PlaneStatus(server.url, str(refusal))
    except click.ClickException as error:
        return PlaneStatus(server.url, error.message) if server.named else None


def _ask(client: ControlPlaneClient, server: Server) -> PlaneStatus:
    principal = client.call("ControlService/WhoAmI")
    try:
        found = client.call("ControlService/ListAgents", {"page_size": _MOST})["agents"]
    except ControlPlaneRefusal as refusal:
        if refusal.code != "PERMISSION_DENIED":
            raise
        return PlaneStatus(server.url, principal=principal)
    counts = dict.fromkeys(("ok", "degraded", "missing"), 0)
    missing = tuple(agent["node"] for agent in found if agent["missing"])
    for agent in found:
        word = "missing" if agent["missing"] else agent["health"] or "unknown"
        counts[word] = counts.get(word, 0) + 1
    return PlaneStatus(server.url, principal=principal, agents=counts, missing=missing)
