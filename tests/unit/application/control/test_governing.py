"""Teams, quotas, price books and access to tenants as callers meet them."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.support.memory_plane import MemoryPlane
from tests.support.network_checks import MemoryNetworkChecks
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import AlreadyThere, Malformed, NotFound, VersionMismatch
from warpdrive.application.ports.network_checks import NetworkCheckFailed, PrivateLinkReport
from warpdrive.domain.price_book.values import PriceEntry
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.domain.tenant_access.values import AccessGrant, AccessRequest, Allowed, DenialReason, Denied
from warpdrive.domain.token.values import Role

TENANT = "11111111-2222-4333-8444-555555555555"


async def test_a_team_comes_to_be_with_its_first_member_and_grows() -> None:
    """Ensuring adds what is missing and leaves the rest."""
    on = MemoryPlane()
    rule = OwnershipRule("s3", "vision/")
    await on.plane.teams.ensure(on.call(), "vision", ["ada"], [])
    done = await on.plane.teams.ensure(on.call(), "vision", ["ada", "bob"], [rule])
    assert (done.value.members, done.value.rules) == (("ada", "bob"), (rule,))
    assert (await on.plane.teams.get(on.call(), "vision")).value == done.value
    version = done.value.version
    assert (await on.plane.teams.ensure(on.call(), "vision", ["ada"], [rule])).value.version == version


async def test_a_renamed_teams_old_name_is_free() -> None:
    """And its new one is taken; the team keeps its id and members."""
    on = MemoryPlane()
    before = await on.plane.teams.ensure(on.call(), "vision", ["ada"], [])
    after = await on.plane.teams.rename(on.call(), "vision", "sight")
    assert (after.value.id, after.value.members) == (before.value.id, ("ada",))
    await on.plane.teams.ensure(on.call(), "vision", [], [])
    with pytest.raises(AlreadyThere):
        await on.plane.teams.rename(on.call(), "vision", "sight")
    await on.plane.teams.disband(on.call(), "sight")
    await on.plane.teams.rename(on.call(), "vision", "sight")


async def test_members_and_rules_can_be_taken_back() -> None:
    """What is left is shown."""
    on = MemoryPlane()
    rule = OwnershipRule("s3", "vision/")
    await on.plane.teams.ensure(on.call(), "vision", ["ada", "bob"], [rule])
    await on.plane.teams.remove_member(on.call(), "vision", "ada")
    done = await on.plane.teams.remove_rule(on.call(), "vision", rule)
    assert (done.value.members, done.value.rules) == (("bob",), ())
    page = await on.plane.teams.page(on.call(), size=0, token="", disbanded=False)
    assert page.value.items == (done.value,)


async def test_a_quotas_usage_is_unknown_until_somebody_counts() -> None:
    """It is no zero, and nobody is warned."""
    on = MemoryPlane()
    await on.plane.teams.ensure(on.call(), "vision", [], [])
    done = await on.plane.quotas.set(on.call(), "vision", "s3", QuotaLimits(5, 10))
    assert (done.value.usage, done.value.standing, done.value.team) == (None, "unknown", "vision")
    assert (await on.plane.quotas.get(on.call(), "vision", "s3")).value == done.value


async def test_a_removed_quota_is_the_same_stream_when_it_is_set_again() -> None:
    """Its history goes on."""
    on = MemoryPlane()
    await on.plane.teams.ensure(on.call(), "vision", [], [])
    await on.plane.quotas.set(on.call(), "vision", "*", QuotaLimits(5, 10))
    removed = await on.plane.quotas.delete(on.call(), "vision", "*")
    assert removed.value.standing == "removed"
    with pytest.raises(NotFound):
        await on.plane.quotas.get(on.call(), "vision", "*")
    with pytest.raises(NotFound):
        await on.plane.quotas.delete(on.call(), "vision", "*")
    again = await on.plane.quotas.set(on.call(), "vision", "*", QuotaLimits(6, 12))
    assert again.value.version > removed.value.version


async def test_quotas_are_listed_by_team_and_backend_and_scope() -> None:
    """A caller of one team does not see another's limits."""
    on = MemoryPlane()
    for team in ("a", "b"):
        await on.plane.teams.ensure(on.call(), team, [], [])
        for backend in ("s3", "gcs"):
            await on.plane.quotas.set(on.call(), team, backend, QuotaLimits(1, 2))

    async def shown(principal: Principal, team: str = "", backend: str = "") -> list[tuple[str, str]]:
        page = await on.plane.quotas.page(on.call(principal), team=team, backend=backend, size=0, token="")
        return sorted((view.team, view.backend) for view in page.value.items)

    admin = Principal("token:x", Role.ADMIN)
    assert len(await shown(admin)) == 4
    assert await shown(admin, team="a") == [("a", "gcs"), ("a", "s3")]
    assert await shown(admin, backend="s3") == [("a", "s3"), ("b", "s3")]
    scoped = Principal("token:y", Role.VIEWER, teams=("b",))
    assert await shown(scoped) == [("b", "gcs"), ("b", "s3")]
    assert await shown(scoped, team="a") == []


async def test_a_quota_of_nobody_is_refused() -> None:
    """Limits are for teams that exist."""
    on = MemoryPlane()
    with pytest.raises(NotFound, match="team"):
        await on.plane.quotas.set(on.call(), "nobody", "s3", QuotaLimits(1, 2))


def price(amount: str, day: date = date(2026, 1, 1)) -> PriceEntry:
    """Make a price of a class."""
    return PriceEntry("s3", "STANDARD", day, Decimal(amount), Decimal(0), Decimal("0.09"))


async def test_the_first_price_makes_the_book() -> None:
    """In the currency given, or in dollars; another currency afterwards is refused."""
    on = MemoryPlane()
    await on.plane.price_books.set_price(on.call(), "list", "EUR", price("0.023"))
    done = await on.plane.price_books.set_price(on.call(), "list", "", price("0.021", date(2026, 6, 1)))
    assert done.value.currency == "EUR"
    assert [entry.per_gib_month for entry in done.value.prices] == [Decimal("0.023"), Decimal("0.021")]
    with pytest.raises(Malformed, match="EUR"):
        await on.plane.price_books.set_price(on.call(), "list", "USD", price("1"))
    assert (await on.plane.price_books.get(on.call(), "list")).value == done.value
    other = await on.plane.price_books.set_price(on.call(), "other", "", price("1"))
    assert other.value.currency == "USD"


async def test_a_retired_book_gives_up_its_name_and_prices_can_be_taken_out() -> None:
    """Books and prices end separately."""
    on = MemoryPlane()
    await on.plane.price_books.set_price(on.call(), "list", "", price("1"))
    done = await on.plane.price_books.remove_price(on.call(), "list", "s3", "STANDARD", date(2026, 1, 1))
    assert done.value.prices == ()
    await on.plane.price_books.retire(on.call(), "list")
    assert (await on.plane.price_books.page(on.call(), size=0, token="")).value.items == ()
    await on.plane.price_books.set_price(on.call(), "list", "EUR", price("2"))


async def test_a_decision_about_a_tenant_has_its_reasons() -> None:
    """Nothing granted, granted, another backend, expired, revoked: each says why."""
    on = MemoryPlane()

    async def reasons(backend: str = "s3") -> tuple[DenialReason, ...]:
        request = AccessRequest("ada", backend, "/x", "node-1")
        decision = (await on.plane.tenants.check(on.call(), TENANT, request)).value
        return () if isinstance(decision, Allowed) else decision.reasons

    assert await reasons() == (DenialReason.NO_GRANT,)
    grant = AccessGrant(("s3",), expires_at=on.now() + timedelta(hours=1))
    await on.plane.tenants.grant(on.call(), TENANT, grant)
    assert await reasons() == ()
    assert await reasons("gcs") == (DenialReason.BACKEND_NOT_GRANTED,)
    on.clock.advance(3601)
    assert await reasons() == (DenialReason.EXPIRED,)
    await on.plane.tenants.revoke(on.call(), TENANT, "audit finding")
    assert await reasons() == (DenialReason.REVOKED,)
    shown = (await on.plane.tenants.get(on.call(), TENANT)).value
    assert shown.revoked
    assert (await on.plane.tenants.page(on.call(), size=0, token="")).value.items == (shown,)


async def test_what_the_network_says_is_kept_and_decides() -> None:
    """An endpoint that has to be private is unreachable until it was seen to be, and again when it ceases to be."""
    on = MemoryPlane()
    checks = MemoryNetworkChecks()
    endpoint = "pe.privatelink.blob.core.windows.net"
    await on.plane.tenants.grant(on.call(), TENANT, AccessGrant(("*",), endpoint, enforce_private_link=True))
    request = AccessRequest("ada", "s3", "/x", "node-1")

    async def decision() -> Allowed | Denied:
        return (await on.plane.tenants.check(on.call(), TENANT, request)).value

    assert isinstance(await decision(), Denied)
    checks.links[endpoint] = PrivateLinkReport(valid=True, addresses=("10.0.0.4",))
    await on.plane.tenants.validate(on.call(), TENANT, checks)
    assert isinstance(await decision(), Allowed)
    checks.links[endpoint] = PrivateLinkReport(valid=False, addresses=("20.60.1.1",))
    await on.plane.tenants.validate(on.call(), TENANT, checks)
    assert isinstance(await decision(), Denied)
    checks.links.clear()
    count = len(await on.events())
    with pytest.raises(NetworkCheckFailed):
        await on.plane.tenants.validate(on.call(), TENANT, checks)
    assert len(await on.events()) == count


async def test_what_was_seen_of_one_way_is_not_kept_about_another() -> None:
    """A grant that came to name another endpoint while the network was looked at has to be looked at itself."""
    on = MemoryPlane()
    grant = AccessGrant(("*",), "old.privatelink.blob.core.windows.net", enforce_private_link=True)
    await on.plane.tenants.grant(on.call(), TENANT, grant)

    class Slow(MemoryNetworkChecks):
        async def private_link(self, endpoint: str) -> PrivateLinkReport:
            other = AccessGrant(("*",), "new.privatelink.blob.core.windows.net", enforce_private_link=True)
            await on.plane.tenants.grant(on.call(), TENANT, other)
            return await super().private_link(endpoint)

    checks = Slow()
    checks.links[grant.private_endpoint] = PrivateLinkReport(valid=True, addresses=("10.0.0.4",))
    with pytest.raises(VersionMismatch):
        await on.plane.tenants.validate(on.call(), TENANT, checks)
    request = AccessRequest("ada", "s3", "/x", "node-1")
    decision = (await on.plane.tenants.check(on.call(), TENANT, request)).value
    assert isinstance(decision, Denied)
    assert decision.reasons == (DenialReason.PRIVATE_LINK_NOT_VALIDATED,)


async def test_a_tenant_that_nobody_granted_is_not_found() -> None:
    """There is nothing to show, take back or look at."""
    on = MemoryPlane()
    other = str(uuid4())
    for question in (
        on.plane.tenants.get(on.call(), other),
        on.plane.tenants.revoke(on.call(), other, ""),
        on.plane.tenants.validate(on.call(), other, MemoryNetworkChecks()),
    ):
        with pytest.raises(NotFound):
            await question


async def test_a_disbanded_teams_quotas_limit_nobody() -> None:
    """They are in no list, also when another team has the name by then."""
    on = MemoryPlane()
    for name in ("vision", "speech"):
        await on.plane.teams.ensure(on.call(), name, [], [])
        await on.plane.quotas.set(on.call(), name, "s3", QuotaLimits(5, 10))
    await on.plane.teams.disband(on.call(), "vision")
    await on.plane.teams.ensure(on.call(), "vision", [], [])
    listed = on.plane.quotas.page
    assert [view.team for view in (await listed(on.call(), team="", backend="", size=0, token="")).value.items] == [
        "speech"
    ]
    scoped = on.call(Principal("token:s", Role.VIEWER, teams=("vision",)))
    assert (await listed(scoped, team="", backend="", size=0, token="")).value.items == ()


async def test_a_list_of_quotas_does_not_tell_which_teams_there_are() -> None:
    """Outside the scope, one that is there and one that is not have the same answer."""
    on = MemoryPlane()
    await on.plane.teams.ensure(on.call(), "theirs", [], [])
    scoped = Principal("token:s", Role.VIEWER, teams=("mine",))
    for team in ("theirs", "nobodys"):
        page = await on.plane.quotas.page(on.call(scoped), team=team, backend="", size=0, token="")
        assert page.value.items == ()
