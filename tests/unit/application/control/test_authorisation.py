"""Who may call what."""

import pytest

from warpdrive.application.control.authorisation import RULES, authorise
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import PermissionDenied
from warpdrive.domain.token.values import Role

READING = ("Get", "List", "Check", "WhoAmI", "Simulate")


def fields(method: str, value: str = "x") -> dict[str, str]:
    """Make the fields that the method's rule looks at, all with one value."""
    rule = RULES[method]
    return {field: value for field in (rule.namespace_field, rule.team_field, rule.node_field) if field}


@pytest.mark.parametrize("method", sorted(RULES))
def test_an_admin_without_a_scope_may_call_everything(method: str) -> None:
    """There is nothing that nobody may do."""
    authorise(Principal("token:a", Role.ADMIN), method, fields(method))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
@pytest.mark.parametrize("method", sorted(RULES))
def test_viewers_and_auditors_change_nothing(method: str, role: Role) -> None:
    """Whatever is not a question is refused, and says which role it needs."""
    if method.partition("/")[2].startswith(READING):
        return
    with pytest.raises(PermissionDenied, match="the role"):
        authorise(Principal("token:v", role), method, fields(method))


def test_an_auditor_sees_tokens_and_a_viewer_does_not() -> None:
    """Tokens say who can do what; that is an auditor's business."""
    authorise(Principal("token:a", Role.AUDITOR), "ControlService/ListTokens", {})
    with pytest.raises(PermissionDenied):
        authorise(Principal("token:v", Role.VIEWER), "ControlService/ListTokens", {})


@pytest.mark.parametrize("method", ["RegisterAgent", "Heartbeat", "WatchAgent"])
def test_an_agents_token_speaks_for_its_own_node_only(method: str) -> None:
    """A payload cannot claim another node."""
    agent = Principal("token:n", Role.AGENT, node="node-1")
    authorise(agent, f"ControlService/{method}", {"node": "node-1", "namespace": "any"})
    with pytest.raises(PermissionDenied, match="node-2"):
        authorise(agent, f"ControlService/{method}", {"node": "node-2", "namespace": "any"})


def test_an_agents_token_sees_its_namespaces_only() -> None:
    """A token for one namespace is no use for another, whichever way it is asked for."""
    agent = Principal("token:n", Role.AGENT, namespaces=("training",), node="node-1")
    authorise(agent, "ControlService/WatchAgent", {"node": "node-1", "namespace": "training"})
    for method in ("WatchAgent", "RegisterAgent", "GetNamespace"):
        with pytest.raises(PermissionDenied, match="other"):
            authorise(agent, f"ControlService/{method}", {"node": "node-1", "namespace": "other"})


@pytest.mark.parametrize("method", sorted(RULES))
def test_a_scope_of_namespaces_bounds_every_call_about_one(method: str) -> None:
    """Every rpc that names a namespace is refused for a name outside the scope."""
    if not RULES[method].namespace_field:
        return
    scoped = Principal("token:s", Role.ADMIN, namespaces=("mine",))
    authorise(scoped, method, fields(method, "mine"))
    with pytest.raises(PermissionDenied):
        authorise(scoped, method, fields(method, "theirs"))


@pytest.mark.parametrize("method", sorted(RULES))
def test_a_scope_of_teams_bounds_every_call_about_one(method: str) -> None:
    """Every rpc that names a team is refused for a name outside the scope."""
    if not RULES[method].team_field:
        return
    scoped = Principal("token:s", Role.ADMIN, teams=("mine",))
    authorise(scoped, method, fields(method, "mine"))
    with pytest.raises(PermissionDenied):
        authorise(scoped, method, fields(method, "theirs"))


@pytest.mark.parametrize(
    "method", ["CreateToken", "RevokeToken", "ListTokens", "GrantTenantAccess", "RevokeTenantAccess"]
)
@pytest.mark.parametrize(
    "scoped",
    [Principal("token:s", Role.ADMIN, namespaces=("a",)), Principal("token:s", Role.ADMIN, teams=("a",))],
    ids=["namespaces", "teams"],
)
def test_what_concerns_everybody_needs_a_scope_of_everything(method: str, scoped: Principal) -> None:
    """A scoped admin cannot make itself an unscoped token."""
    with pytest.raises(PermissionDenied, match="all namespaces"):
        authorise(scoped, f"ControlService/{method}", {"tenant_id": "t"})


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize("method", sorted(RULES))
def test_a_scope_of_one_kind_gives_no_power_over_the_other(method: str, role: Role) -> None:
    """Who was given one namespace cannot end a team, and who was given one team cannot end a namespace."""
    rule = RULES[method]
    if Role.VIEWER in rule.roles or Role.OPERATOR not in rule.roles:
        return
    by_namespace = Principal("token:s", role, namespaces=("x",))
    by_team = Principal("token:s", role, teams=("x",))
    for scoped, foreign in ((by_namespace, rule.team_field), (by_team, rule.namespace_field)):
        if foreign:
            with pytest.raises(PermissionDenied, match="in its scope"):
                authorise(scoped, method, fields(method, "x"))
    if not rule.everywhere:
        authorise(Principal("token:s", role, namespaces=("x",), teams=("x",)), method, fields(method, "x"))


@pytest.mark.parametrize("method", ["StartCrawl", "ListCrawls", "GetCrawl", "CancelCrawl"])
def test_crawls_are_nobodys_in_particular(method: str) -> None:
    """They name places and backends of every namespace: who is bound to one sees its own by ListBackends."""
    with pytest.raises(PermissionDenied):
        authorise(Principal("token:o", Role.OPERATOR, namespaces=("x",)), f"ControlService/{method}", {})
    authorise(Principal("token:o", Role.OPERATOR), f"ControlService/{method}", {})


def test_a_scope_of_teams_keeps_no_agent_from_its_namespace() -> None:
    """It narrows which quotas the node is told."""
    agent = Principal("token:n", Role.AGENT, teams=("vision",), node="node-1")
    authorise(agent, "ControlService/WatchAgent", {"node": "node-1", "namespace": "training"})
