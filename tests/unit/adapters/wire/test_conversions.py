"""Messages to values and views to messages, by way of each method's binding."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import betterproto
import pytest

from tests.support.advice_views import ADVICE_ANSWERS
from tests.support.crawl_views import CRAWL_ANSWERS
from tests.support.fake_plane import ADMIN, FakePlane
from tests.support.quota_views import QUOTA_ANSWERS
from tests.support.usage_views import USAGE_ANSWERS
from tests.support.views import AGENT, ENTRY, NAMESPACE, NOW, PRICE, PRICE_BOOK, QUOTA, TEAM, TENANT, TOKEN
from warpdrive.adapters.wire.bindings import BINDINGS
from warpdrive.adapters.wire.contract import contract, message_bytes
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.watching import WATCH, update_message, watched
from warpdrive.application.control.calls import Call, Page, Principal
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.views import (
    AppliedNamespace,
    EntryChange,
    IssuedToken,
    WatchChange,
)
from warpdrive.application.ports.batch_intake import Ingested
from warpdrive.domain.namespace.values import MountPolicy
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.domain.tenant_access.values import AccessGrant, Allowed, DenialReason, Denied
from warpdrive.domain.token.values import Role


async def asked(method: str, request: betterproto.Message, answer: Any = None, principal: Principal = ADMIN) -> Any:
    """Run a method's binding over a plane that gives the answer; return what it was handed and the message."""
    plane = FakePlane(always=answer)
    binding = BINDINGS[method]
    call = Call(principal, UUID(int=1), bytes(32), "c", NOW)
    done = await binding.run(plane.plane(), call, binding.request().parse(bytes(request)))
    descriptor = contract().methods[method].answer
    message = getattr(wire, descriptor.name)().parse(message_bytes(descriptor, binding.answer(done.value)))
    return (plane.asked[0] if plane.asked else None), message


async def refused(method: str, request: betterproto.Message) -> str:
    """Return the field that a request is refused for."""
    with pytest.raises(Malformed) as caught:
        await asked(method, request)
    return caught.value.field


async def test_a_mount_entry_travels_both_ways() -> None:
    """What is shown can be sent back, fingerprint and all, and means the same."""
    _, shown = await asked("ControlService/GetNamespace", wire.GetNamespaceRequest("train"), NAMESPACE)
    request = wire.CreateNamespaceRequest(name="train", entries=shown.entries)
    given, message = await asked("ControlService/CreateNamespace", request, NAMESPACE)
    assert given.given == ("train", (ENTRY,))
    assert shown.entries[0].backend.fingerprint == ENTRY.backend.fingerprint
    assert (message.sealed, message.version, message.created_at) == (True, 3, NOW)


async def test_an_empty_policy_is_the_usual_one() -> None:
    """Words left out take their defaults."""
    entry = wire.MountEntry("/a", wire.Backend(name="b", type="s3"))
    given, _ = await asked("ControlService/AddMountEntry", wire.AddMountEntryRequest("n", entry), NAMESPACE)
    assert given.given[1].policy == MountPolicy()


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (wire.MountEntry("/a"), "entries[0].backend"),
        (wire.MountEntry("/a", wire.Backend(type="s3")), "entries[0].backend.name"),
        (wire.MountEntry("/a", wire.Backend(name="b")), "entries[0].backend.type"),
        (wire.MountEntry("", wire.Backend(name="b", type="s3")), "entries[0].path"),
        (wire.MountEntry("/a", wire.Backend(name="b", type="s3", fingerprint="?")), "entries[0].backend.fingerprint"),
    ],
)
async def test_an_entrys_fault_is_named_with_its_place(entry: wire.MountEntry, field: str) -> None:
    """Of many entries the caller learns which one and what in it."""
    request = wire.ApplyNamespaceRequest(namespace="n", entries=[entry])
    assert await refused("ControlService/ApplyNamespace", request) == field


async def test_changes_say_what_was_before_and_after() -> None:
    """Added has no before, removed no after."""
    changes = (EntryChange("/a", None, ENTRY), EntryChange("/b", ENTRY, ENTRY), EntryChange("/c", ENTRY, None))
    request = wire.ApplyNamespaceRequest(namespace="n", dry_run=True, expected_version=4)
    applied = AppliedNamespace(NAMESPACE, changes, created=True)
    given, message = await asked("ControlService/ApplyNamespace", request, applied)
    assert given.named == {"dry_run": True, "expected_version": 4}
    kinds = wire.MountEntryChangeKind
    assert [each.kind for each in message.changes] == [kinds.KIND_ADD, kinds.KIND_RECONFIGURE, kinds.KIND_REMOVE]
    present = [
        (betterproto.serialized_on_wire(each.before), betterproto.serialized_on_wire(each.after))
        for each in message.changes
    ]
    assert present == [(False, True), (True, True), (True, False)]


async def test_a_negative_version_is_refused() -> None:
    """It is none that anybody can have seen."""
    request = wire.ApplyNamespaceRequest(namespace="n", expected_version=-1)
    assert await refused("ControlService/ApplyNamespace", request) == "expected_version"


async def test_limits_are_read_with_their_defaults() -> None:
    """No soft limit is the hard one, no grace a week, no backend all of them."""
    given, message = await asked("GovernanceService/SetQuota", wire.SetQuotaRequest(team="v", hard="1KB"), QUOTA)
    assert given.given == ("v", "*", QuotaLimits(1024, 1024, 7 * 86400))
    assert message.usage_bytes is None, "unknown is not zero"
    assert await refused("GovernanceService/SetQuota", wire.SetQuotaRequest(team="v")) == "hard"
    assert await refused("GovernanceService/SetQuota", wire.SetQuotaRequest(team="v", hard="1", grace="x")) == "grace"


async def test_a_grant_without_an_expiry_does_not_expire() -> None:
    """Unset is None in both directions."""
    request = wire.GrantTenantAccessRequest(tenant_id="t", backends=["b"])
    given, message = await asked("ControlService/GrantTenantAccess", request, TENANT)
    assert given.given == ("t", AccessGrant(("b",)))
    assert message.expires_at == datetime(1970, 1, 1, tzinfo=UTC), "which betterproto has for nothing"
    request.expires_at = NOW
    given, _ = await asked("ControlService/GrantTenantAccess", request, TENANT)
    assert given.given[1].expires_at == NOW


async def test_a_decision_carries_its_reasons() -> None:
    """Allowed says by what, denied says why, in a stable word and in a sentence."""
    request = wire.CheckTenantAccessRequest(tenant_id="t", subject="u", backend="b")
    _, message = await asked("ControlService/CheckTenantAccess", request, Allowed(("grant",), 3))
    assert (message.allowed, message.allowed_by, message.policy_version) == (True, ["grant"], 3)
    _, message = await asked("ControlService/CheckTenantAccess", request, Denied((DenialReason.EXPIRED,), 4))
    assert (message.allowed, message.reasons) == (False, [wire.DenialReason("expired", "the grant has expired")])


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_travels_both_ways(role: Role) -> None:
    """Roles have numbers on the wire and none is lost."""
    view = replace(TOKEN, role=role)
    number = wire.Role.from_string(role.name)
    request = wire.CreateTokenRequest(role=number, expires_in="90d")
    given, message = await asked("ControlService/CreateToken", request, IssuedToken(view, "wd_x"))
    assert (given.named["role"], given.named["expires_in"]) == (role, 90 * 86400.0)
    assert (message.token.role, message.secret) == (number, "wd_x")


async def test_no_role_is_refused() -> None:
    """A token without a role would be a token for nothing."""
    assert await refused("ControlService/CreateToken", wire.CreateTokenRequest()) == "role"


async def test_who_am_i_is_answered_from_the_call() -> None:
    """No use case is asked."""
    principal = Principal("token:x", Role.AGENT, node="n1", namespaces=("train",))
    given, message = await asked("ControlService/WhoAmI", wire.WhoAmIRequest(), principal=principal)
    assert given is None
    assert (message.name, message.role, message.node, message.namespaces) == (
        "token:x",
        wire.Role.AGENT,
        "n1",
        ["train"],
    )


async def test_prices_are_exact_texts() -> None:
    """No float ever touches an amount."""
    price = wire.Price(storage_class="hot", valid_from="2026-01-31", per_gib_month="0.0230", per_gib_egress="0.0000001")
    given, message = await asked("GovernanceService/SetPrice", wire.SetPriceRequest("list", "USD", price), PRICE_BOOK)
    assert given.given == ("list", "USD", PRICE)
    assert message.prices[0].per_gib_egress == "0.0000001"
    request = wire.SetPriceRequest("list", price=wire.Price(valid_from="2026-01-31", per_gib_month="NaN"))
    assert await refused("GovernanceService/SetPrice", request) == "price.per_gib_month"
    assert await refused("GovernanceService/SetPrice", wire.SetPriceRequest("list")) == "price"


async def test_rules_without_a_backend_are_for_all() -> None:
    """The same word means the same everywhere."""
    request = wire.EnsureTeamRequest(name="v", rules=[wire.OwnershipRule(prefix="data/")])
    given, _ = await asked("GovernanceService/RemoveTeamMember", wire.RemoveTeamMemberRequest("v", "a/b"), TEAM)
    assert given.given == ("v", "a/b")
    given, _ = await asked("GovernanceService/EnsureTeam", request, TEAM)
    assert given.given == ("v", (), (OwnershipRule("*", "data/"),))


async def test_a_page_has_its_token() -> None:
    """Sizes and tokens go in as they came; the next token comes out."""
    request = wire.ListNamespacesRequest(page_size=5, page_token="abc", retired=True)
    given, message = await asked("ControlService/ListNamespaces", request, Page((NAMESPACE,), "next"))
    assert given.named == {"size": 5, "token": "abc", "retired": True}
    assert (len(message.namespaces), message.next_page_token) == (1, "next")


@pytest.mark.parametrize(
    ("change", "name"), [(NAMESPACE, "namespace"), (QUOTA, "quota"), (TENANT, "tenant_access"), (None, "alive")]
)
def test_every_change_has_its_place_in_an_update(change: Any, name: str) -> None:
    """A watcher tells changes apart by their kind."""
    update = update_message(WatchChange(9, change))
    message = wire.WatchUpdate().parse(message_bytes(contract().methods[WATCH].answer, update))
    assert (message.position, betterproto.which_one_of(message, "change")[0]) == (9, name)


def test_a_watch_says_who_and_what() -> None:
    """Node and namespace are needed, the position is not negative."""
    assert watched(wire.WatchAgentRequest("n1", "train", 4)) == ("n1", "train", 4)
    for request in (wire.WatchAgentRequest("", "train"), wire.WatchAgentRequest("n1", "train", -1)):
        with pytest.raises(Malformed):
            watched(request)


ANSWERS: dict[str, Any] = {
    "IngestEventsResponse": Ingested(5, repeated=True, too_old=2, correction_ms=1500),
    "Namespace": NAMESPACE,
    "ApplyNamespaceResponse": AppliedNamespace(NAMESPACE, (), created=False),
    "ListNamespacesResponse": Page((NAMESPACE,)),
    "TenantAccess": TENANT,
    "ListTenantAccessResponse": Page((TENANT,)),
    "AccessDecision": Allowed(("grant",), 1),
    "CreateTokenResponse": IssuedToken(TOKEN, "wd_x"),
    "Token": TOKEN,
    "ListTokensResponse": Page((TOKEN,)),
    "Principal": ADMIN,
    "Agent": AGENT,
    "ListAgentsResponse": Page((AGENT,)),
    "QuotaState": QUOTA,
    "ListQuotasResponse": Page((QUOTA,)),
    "Team": TEAM,
    "ListTeamsResponse": Page((TEAM,)),
    "PriceBook": PRICE_BOOK,
    "ListPriceBooksResponse": Page((PRICE_BOOK,)),
    **USAGE_ANSWERS,
    **QUOTA_ANSWERS,
    **ADVICE_ANSWERS,
    **CRAWL_ANSWERS,
}


@pytest.mark.parametrize("method", sorted(BINDINGS))
def test_every_answer_has_all_fields_of_its_message(method: str) -> None:
    """What a view's message leaves out or calls otherwise than the contract shows here."""
    descriptor = contract().methods[method].answer
    fields = BINDINGS[method].answer(ANSWERS[descriptor.name])
    assert message_bytes(descriptor, fields)
    optional = {"reasons"} if descriptor.name == "AccessDecision" else set()
    assert set(fields) | optional == set(descriptor.fields_by_name)


def test_moments_are_written_in_utc() -> None:
    """Whatever zone they were in; a zone is no other moment."""
    there = NOW.astimezone(timezone(timedelta(hours=2)))
    fields = BINDINGS["GovernanceService/GetTeam"].answer(replace(TEAM, created_at=there))
    descriptor = contract().methods["GovernanceService/GetTeam"].answer
    assert wire.Team().parse(message_bytes(descriptor, fields)).created_at == NOW
