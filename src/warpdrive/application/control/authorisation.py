"""Who may call what: the one table of rights, by rpc, and how a scope narrows it.

A role says which rpcs, a scope on what. Roles are not ranks: an agent may do what a node needs and nothing else, an
auditor sees everything and changes nothing. A test holds the table complete against the contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import PermissionDenied
from warpdrive.domain.token.values import Role

_EVERYONE: Final = frozenset(Role)
_READERS: Final = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.AUDITOR})
_OPERATORS: Final = frozenset({Role.OPERATOR, Role.ADMIN})
_ADMINS: Final = frozenset({Role.ADMIN})
_NODES: Final = frozenset({Role.AGENT, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Rule:
    """The rights of one rpc.

    The fields are the request's (as the contract spells them) whose value must be in the caller's scope, "" for none.
    `everywhere`: what it is about is not of one namespace or team, so only who has no such scope may call it.
    """

    roles: frozenset[Role]
    namespace_field: str = ""
    team_field: str = ""
    node_field: str = ""
    everywhere: bool = False


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "ControlService/CreateNamespace": Rule(_OPERATORS, namespace_field="name"),
        "ControlService/GetNamespace": Rule(_READERS | {Role.AGENT}, namespace_field="namespace"),
        "ControlService/ListNamespaces": Rule(_READERS),
        "ControlService/ApplyNamespace": Rule(_OPERATORS, namespace_field="namespace"),
        "ControlService/AddMountEntry": Rule(_OPERATORS, namespace_field="namespace"),
        "ControlService/ReconfigureMountEntry": Rule(_OPERATORS, namespace_field="namespace"),
        "ControlService/RemoveMountEntry": Rule(_OPERATORS, namespace_field="namespace"),
        "ControlService/SealNamespace": Rule(_OPERATORS, namespace_field="namespace"),
        "ControlService/UnsealNamespace": Rule(_OPERATORS, namespace_field="namespace"),
        "ControlService/RetireNamespace": Rule(_OPERATORS, namespace_field="namespace"),
        "ControlService/GrantTenantAccess": Rule(_ADMINS, everywhere=True),
        "ControlService/RevokeTenantAccess": Rule(_ADMINS, everywhere=True),
        "ControlService/GetTenantAccess": Rule(_READERS),
        "ControlService/ListTenantAccess": Rule(_READERS),
        "ControlService/CheckTenantAccess": Rule(_READERS),
        # Whoever has a scope could give more away than it has.
        "ControlService/CreateToken": Rule(_ADMINS, everywhere=True),
        "ControlService/ListTokens": Rule(frozenset({Role.ADMIN, Role.AUDITOR}), everywhere=True),
        "ControlService/RevokeToken": Rule(_ADMINS, everywhere=True),
        "ControlService/WhoAmI": Rule(_EVERYONE),
        "ControlService/RegisterAgent": Rule(_NODES, namespace_field="namespace", node_field="node"),
        "ControlService/Heartbeat": Rule(_NODES, node_field="node"),
        "ControlService/ListAgents": Rule(_READERS),
        "ControlService/StartCrawl": Rule(_OPERATORS, everywhere=True),
        "ControlService/ListCrawls": Rule(_READERS, everywhere=True),
        "ControlService/GetCrawl": Rule(_READERS, everywhere=True),
        "ControlService/CancelCrawl": Rule(_OPERATORS, everywhere=True),
        "ControlService/WatchAgent": Rule(_NODES, namespace_field="namespace", node_field="node"),
        "GovernanceService/SetQuota": Rule(_OPERATORS, team_field="team"),
        "GovernanceService/ListQuotas": Rule(_READERS),
        "GovernanceService/GetQuota": Rule(_READERS, team_field="team"),
        "GovernanceService/DeleteQuota": Rule(_OPERATORS, team_field="team"),
        "GovernanceService/EnsureTeam": Rule(_OPERATORS, team_field="name"),
        "GovernanceService/GetTeam": Rule(_READERS, team_field="team"),
        "GovernanceService/ListTeams": Rule(_READERS),
        # A new name would lead out of the scope that allowed it.
        "GovernanceService/RenameTeam": Rule(_OPERATORS, everywhere=True),
        "GovernanceService/RemoveTeamMember": Rule(_OPERATORS, team_field="team"),
        "GovernanceService/RemoveOwnershipRule": Rule(_OPERATORS, team_field="team"),
        "GovernanceService/DisbandTeam": Rule(_OPERATORS, team_field="team"),
        "GovernanceService/SetPrice": Rule(_OPERATORS, everywhere=True),
        "GovernanceService/RemovePrice": Rule(_OPERATORS, everywhere=True),
        "GovernanceService/GetPriceBook": Rule(_READERS),
        "GovernanceService/ListPriceBooks": Rule(_READERS),
        "GovernanceService/RetirePriceBook": Rule(_OPERATORS, everywhere=True),
        # Whoever has a scope of teams asks for one of them by name.
        "GovernanceService/GetUsage": Rule(_READERS, team_field="team"),
        "GovernanceService/ListStale": Rule(_READERS, team_field="team"),
        "GovernanceService/GetGrowth": Rule(_READERS, team_field="team"),
        "GovernanceService/ListRecommendations": Rule(_READERS, team_field="team"),
        "GovernanceService/GetCost": Rule(_READERS, team_field="team"),
        # What one person reads, and what others hold.
        "GovernanceService/GetUser": Rule(_READERS, everywhere=True),
        "GovernanceService/ListDuplicates": Rule(_READERS, everywhere=True),
        "GovernanceService/GetJob": Rule(_READERS, everywhere=True),
        "GovernanceService/ListBackends": Rule(_READERS),
        "GovernanceService/DismissRecommendation": Rule(_OPERATORS, everywhere=True),
        "GovernanceService/RestoreRecommendation": Rule(_OPERATORS, everywhere=True),
        "GovernanceService/SimulateQuota": Rule(_READERS, team_field="team"),
        "GovernanceService/SetQuotaLeasePolicy": Rule(_OPERATORS, team_field="team"),
        "GovernanceService/AcquireQuotaLease": Rule(_NODES, node_field="node"),
        "GovernanceService/SettleQuotaLease": Rule(_NODES, node_field="node"),
        "GovernanceService/ListQuotaLeases": Rule(_READERS, team_field="team"),
        # A batch system's epilog speaks with an operator's token, or with its node's.
        "GovernanceService/ReportJob": Rule(_OPERATORS | {Role.AGENT}),
        "TelemetryService/IngestEvents": Rule(_NODES, node_field="node"),
    }
)


def authorise(principal: Principal, method: str, fields: Mapping[str, str]) -> None:
    """Let the call through or raise PermissionDenied.

    `method` as in RULES; `fields` holds at least the request's fields that the method's rule names. Names are
    compared as they are written: an id in place of a name is in nobody's scope.
    """
    rule = RULES[method]
    if principal.role not in rule.roles:
        wanted = " or ".join(sorted(role.value for role in rule.roles))
        raise PermissionDenied(principal.name, f"the role {wanted}")
    # A scope of one kind is no scope of everything of the other: it may be looked at, not changed.
    changes = Role.OPERATOR in rule.roles and Role.VIEWER not in rule.roles
    for field, kind, scope, other in (
        (rule.namespace_field, "namespace", principal.namespaces, principal.teams),
        (rule.team_field, "team", principal.teams, principal.namespaces),
    ):
        if field and (fields[field] not in scope if scope else changes and other):
            raise PermissionDenied(principal.name, f"the {kind} {fields[field]!r} in its scope")
    if rule.node_field and principal.node and fields[rule.node_field] != principal.node:
        raise PermissionDenied(principal.name, f"to be node {fields[rule.node_field]!r}")
    if rule.everywhere and (principal.namespaces or principal.teams):
        raise PermissionDenied(principal.name, "a scope of all namespaces and teams")
