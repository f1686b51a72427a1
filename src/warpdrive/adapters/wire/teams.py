"""Teams on the wire."""

from typing import Final

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import backend_or_any, required
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Page
from warpdrive.application.control.views import TeamView
from warpdrive.domain.team.values import OwnershipRule


def team_message(view: TeamView) -> Fields:
    """Write a team."""
    return {
        "id": view.id,
        "name": view.name,
        "members": list(view.members),
        "rules": [{"backend": rule.backend, "prefix": rule.prefix} for rule in view.rules],
        "disbanded": view.disbanded,
        "version": view.version,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
    }


def _page_message(page: Page[TeamView]) -> Fields:
    return {"teams": [team_message(view) for view in page.items], "next_page_token": page.next_token}


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "GovernanceService/EnsureTeam",
        wire.EnsureTeamRequest,
        lambda plane, call, request: plane.teams.ensure(
            call,
            required("name", request.name),
            tuple(request.members),
            tuple(OwnershipRule(backend_or_any(rule.backend), rule.prefix) for rule in request.rules),
        ),
        team_message,
    ),
    query(
        "GovernanceService/GetTeam",
        wire.GetTeamRequest,
        lambda plane, call, request: plane.teams.get(call, required("team", request.team)),
        team_message,
    ),
    query(
        "GovernanceService/ListTeams",
        wire.ListTeamsRequest,
        lambda plane, call, request: plane.teams.page(
            call, size=request.page_size, token=request.page_token, disbanded=request.disbanded
        ),
        _page_message,
    ),
    command(
        "GovernanceService/RenameTeam",
        wire.RenameTeamRequest,
        lambda plane, call, request: plane.teams.rename(
            call, required("team", request.team), required("name", request.name)
        ),
        team_message,
    ),
    command(
        "GovernanceService/RemoveTeamMember",
        wire.RemoveTeamMemberRequest,
        lambda plane, call, request: plane.teams.remove_member(
            call, required("team", request.team), required("principal", request.principal)
        ),
        team_message,
    ),
    command(
        "GovernanceService/RemoveOwnershipRule",
        wire.RemoveOwnershipRuleRequest,
        lambda plane, call, request: plane.teams.remove_rule(
            call,
            required("team", request.team),
            OwnershipRule(backend_or_any(request.backend), request.prefix),
        ),
        team_message,
    ),
    command(
        "GovernanceService/DisbandTeam",
        wire.DisbandTeamRequest,
        lambda plane, call, request: plane.teams.disband(call, required("team", request.team)),
        team_message,
    ),
)
