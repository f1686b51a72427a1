"""The command line's client against the real HTTP door over a whole control plane on memory twins."""

from collections.abc import Iterator

import pytest
from grpclib.const import Status

from tests.support.served_plane import ServedPlane, served_plane
from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal
from warpdrive.adapters.control_client.rest import ControlPlaneClient, Repeating
from warpdrive.adapters.wire.status import WireFault
from warpdrive.domain.token.values import Role

QUICK = Repeating(sleep=lambda _seconds: None)


@pytest.fixture(scope="module")
def door() -> Iterator[ServedPlane]:
    """One door for the module."""
    with served_plane() as served:
        yield served


@pytest.fixture
def plane(door: ServedPlane) -> Iterator[ServedPlane]:
    """A new control plane behind it for each test."""
    with door.anew():
        yield door


def client_of(plane: ServedPlane, secret: str | None = None) -> ControlPlaneClient:
    """Return an admin's client, or that of another token."""
    return ControlPlaneClient(plane.url, token=plane.secret if secret is None else secret, repeating=QUICK)


def test_what_was_written_can_be_read_and_listed(plane: ServedPlane) -> None:
    """Names with any letter arrive as they are; pages are followed."""
    names = ["50%2F", "größe", "plain?x=1&y#z", "with space"]
    with client_of(plane) as client:
        for name in names:
            made = client.call("GovernanceService/EnsureTeam", {"name": name, "members": ["user@example.org"]})
            assert made["name"] == name
        assert client.position > 0
        for name in names:
            assert client.call("GovernanceService/GetTeam", {"team": name})["members"] == ["user@example.org"]
        listed = [team["name"] for team in client.items("GovernanceService/ListTeams", {"page_size": 2})]
    assert sorted(listed) == sorted(names)


def test_a_command_whose_answer_was_lost_has_happened_once(plane: ServedPlane) -> None:
    """The repetition carries the same key, so the plane gives the first answer again."""
    lost = [WireFault(Status.UNAVAILABLE, "lost on the way")]

    async def lose(method: str, when: str) -> WireFault | None:
        return lost.pop() if lost and (method, when) == ("ControlService/CreateNamespace", "after") else None

    plane.dispatcher.interpose = lose
    with client_of(plane) as client:
        made = client.call("ControlService/CreateNamespace", {"name": "vision"})
    calls = [key for method, key in plane.dispatcher.asked if method == "ControlService/CreateNamespace"]
    assert len(calls) == 2
    assert len(set(calls)) == 1
    assert made["version"] == "1"


@pytest.mark.parametrize(
    ("method", "fields", "code", "status", "reason"),
    [
        ("ControlService/GetNamespace", {"namespace": "no"}, "NOT_FOUND", 404, "NOT_FOUND"),
        ("ControlService/CreateNamespace", {"name": ""}, "INVALID_ARGUMENT", 400, "MALFORMED"),
        ("ControlService/RevokeToken", {"token_id": "x"}, "INVALID_ARGUMENT", 400, "MALFORMED"),
    ],
)
def test_refusals_come_with_their_reason(
    plane: ServedPlane, method: str, fields: dict[str, str], code: str, status: int, reason: str
) -> None:
    """As the status table has it."""
    with client_of(plane) as client, pytest.raises(ControlPlaneRefusal) as caught:
        client.call(method, fields)
    assert (caught.value.code, caught.value.status) == (code, status)
    assert caught.value.reason == reason
    assert caught.value.correlation_id


def test_a_token_without_the_right_is_refused_with_advice(plane: ServedPlane) -> None:
    """403 for a viewer who writes, 401 for a stranger."""
    viewer = plane.issue(Role.VIEWER)
    for secret, code in ((viewer, "PERMISSION_DENIED"), ("wd_stranger", "UNAUTHENTICATED")):
        with client_of(plane, secret) as client, pytest.raises(ControlPlaneRefusal, match="token") as caught:
            client.call("ControlService/CreateNamespace", {"name": "x"})
        assert caught.value.code == code
