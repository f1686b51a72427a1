"""Agents on the wire."""

from typing import Final

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import count, required
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Page
from warpdrive.application.control.views import AgentView


def agent_message(view: AgentView) -> Fields:
    """Write a node's agent."""
    return {
        "node": view.node,
        "namespace": view.namespace,
        "version": view.version,
        "mount_point": view.mount_point,
        "health": view.health,
        "detail": view.detail,
        "position": view.position,
        "registered_at": view.registered_at,
        "last_seen_at": view.last_seen_at,
        "missing": view.missing,
    }


def _page_message(page: Page[AgentView]) -> Fields:
    return {"agents": [agent_message(view) for view in page.items], "next_page_token": page.next_token}


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "ControlService/RegisterAgent",
        wire.RegisterAgentRequest,
        lambda plane, call, request: plane.agents.register(
            call,
            required("node", request.node),
            namespace=required("namespace", request.namespace),
            version=request.version,
            mount_point=request.mount_point,
        ),
        agent_message,
    ),
    command(
        "ControlService/Heartbeat",
        wire.HeartbeatRequest,
        lambda plane, call, request: plane.agents.heartbeat(
            call,
            required("node", request.node),
            health=request.health,
            detail=request.detail,
            position=count("position", request.position),
        ),
        agent_message,
    ),
    query(
        "ControlService/ListAgents",
        wire.ListAgentsRequest,
        lambda plane, call, request: plane.agents.page(call, size=request.page_size, token=request.page_token),
        _page_message,
    ),
)
