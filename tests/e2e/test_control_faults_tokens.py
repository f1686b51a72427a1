"""A token for one node or namespace, used for another: refused over both doors, whatever the payload claims."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.control_planes import ControlPlaneProcess
from tests.support.grpc_caller import GrpcCaller, grpc_caller

MINE, OTHER = "scope-mine", "scope-other"


@pytest.fixture(scope="module")
def plane(shared_plane: ControlPlaneProcess) -> ControlPlaneProcess:
    """Give two namespaces to be confused."""
    for name in (MINE, OTHER):
        made = shared_plane.ask("POST", "/api/v1/namespaces", {"name": name})
        shown = {"x-warpdrive-min-position": made.headers["x-warpdrive-position"]}
        shared_plane.must("GET", f"/api/v1/namespaces/{name}", headers=shown)
    return shared_plane


@pytest.fixture(scope="module")
def agent(plane: ControlPlaneProcess) -> str:
    """Make the token of node-1's agent."""
    return plane.issue(role="ROLE_AGENT", node="node-1", namespaces=[MINE])


@pytest.fixture
def over_grpc(plane: ControlPlaneProcess, agent: str) -> Iterator[GrpcCaller]:
    """Call as that agent."""
    with grpc_caller(plane.grpc, agent) as caller:
        yield caller


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/agents", {"node": "node-2", "namespace": MINE}),
        ("POST", "/api/v1/agents", {"node": "node-1", "namespace": OTHER}),
        ("POST", "/api/v1/agents", {"node": "", "namespace": MINE}),
        ("POST", "/api/v1/agents", {"node": "NODE-1", "namespace": MINE}),
        ("POST", "/api/v1/agents", {"node": "node-1 ", "namespace": MINE}),
        ("POST", "/api/v1/agents/node-2/heartbeat", {"health": "ok"}),
        ("POST", "/api/v1/agents/node-2/heartbeat", {"health": "ok", "node": "node-1"}),
        ("GET", f"/api/v1/namespaces/{OTHER}", None),
        ("GET", f"/api/v1/namespaces/{OTHER}?namespace={MINE}", None),
        ("GET", "/api/v1/namespaces", None),
        ("GET", "/api/v1/agents", None),
        ("GET", "/api/v1/tokens", None),
        ("DELETE", f"/api/v1/namespaces/{MINE}", None),
        ("POST", "/api/v1/tokens", {"role": "ROLE_ADMIN"}),
    ],
)
def test_an_agent_is_refused_what_is_not_its_nodes(
    plane: ControlPlaneProcess, agent: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """403 over REST."""
    answer = plane.ask(method, path, body, token=agent)
    assert (answer.status_code, answer.json()["code"]) == (403, 7), answer.text


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("RegisterAgent", {"node": "node-2", "namespace": MINE}),
        ("RegisterAgent", {"node": "node-1", "namespace": OTHER}),
        ("Heartbeat", {"node": "node-2", "health": "ok"}),
        ("WatchAgent", {"node": "node-2", "namespace": MINE}),
        ("WatchAgent", {"node": "node-1", "namespace": OTHER}),
        ("WatchAgent", {"node": "node-1", "namespace": ""}),
        ("WatchAgent", {"node": "", "namespace": MINE}),
        ("GetNamespace", {"namespace": OTHER}),
        ("ListNamespaces", {}),
        ("ListAgents", {}),
    ],
)
def test_the_other_door_says_the_same(over_grpc: GrpcCaller, method: str, fields: dict[str, str]) -> None:
    """PERMISSION_DENIED over gRPC, streams included."""
    assert over_grpc.ask(f"ControlService/{method}", **fields) == "PERMISSION_DENIED"


def test_an_agent_may_do_what_is_its_nodes(plane: ControlPlaneProcess, agent: str, over_grpc: GrpcCaller) -> None:
    """Both doors let it in for its own node and namespace, so the refusals above are about the scope."""
    plane.must("POST", "/api/v1/agents", {"node": "node-1", "namespace": MINE}, token=agent)
    assert over_grpc.ask("ControlService/RegisterAgent", node="node-1", namespace=MINE) == "OK"
    assert over_grpc.ask("ControlService/Heartbeat", node="node-1", health="ok") == "OK"
    assert over_grpc.ask("ControlService/WatchAgent", node="node-1", namespace=MINE) == "OK"
    assert over_grpc.ask("ControlService/GetNamespace", namespace=MINE) == "OK"


def test_a_payload_cannot_claim_another_node(plane: ControlPlaneProcess, agent: str) -> None:
    """What the path says counts, and that is what was authorised: no word of the body makes a second node."""
    plane.must("POST", "/api/v1/agents", {"node": "node-1", "namespace": MINE}, token=agent)
    told = plane.must("POST", "/api/v1/agents/node-1/heartbeat", {"node": "node-2", "health": "degraded"}, token=agent)
    assert told["node"] == "node-1"
    nodes = {each["node"] for each in plane.must("GET", "/api/v1/agents")["agents"]}
    assert "node-2" not in nodes


def test_a_namespaces_id_is_no_way_around_its_name(plane: ControlPlaneProcess, agent: str) -> None:
    """Names are compared as they are written."""
    other = plane.must("GET", f"/api/v1/namespaces/{OTHER}")
    assert plane.ask("GET", f"/api/v1/namespaces/{other['id']}", token=agent).status_code == 403


def test_an_operator_of_one_namespace_has_no_say_in_another(plane: ControlPlaneProcess) -> None:
    """It neither changes, sees, lists nor makes others, and gives no rights away."""
    operator = plane.issue(role="ROLE_OPERATOR", namespaces=[MINE])
    for method, path, body in (
        ("POST", f"/api/v1/namespaces/{OTHER}/seal", {}),
        ("PUT", f"/api/v1/namespaces/{OTHER}", {"entries": []}),
        ("PUT", f"/api/v1/namespaces/{OTHER}", {"entries": [], "namespace": MINE}),
        ("POST", "/api/v1/namespaces", {"name": "scope-third"}),
        ("GET", f"/api/v1/namespaces/{OTHER}", None),
        ("PUT", "/api/v1/tenants/3b5d7e4e-95c8-4b4c-8f6f-27a5cb12f3c1", {"backends": ["*"]}),
        ("POST", "/api/v1/tokens", {"role": "ROLE_VIEWER"}),
    ):
        assert plane.ask(method, path, body, token=operator).status_code == 403, path
    assert plane.ask("POST", f"/api/v1/namespaces/{MINE}/seal", {}, token=operator).status_code == 200
    listed = plane.must("GET", "/api/v1/namespaces", token=operator)["namespaces"]
    assert [each["name"] for each in listed] == [MINE]
