"""Random lives: what comes of random commands on the real aggregates, refused ones included."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate
from hypothesis import strategies as st

from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.dismissal.errors import DismissalError
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.errors import NamespaceError
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.price_book.errors import PriceBookError
from warpdrive.domain.price_book.values import PriceEntry
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.errors import QuotaError
from warpdrive.domain.quota.values import LeasePolicy, QuotaLimits
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.team.errors import TeamError
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.tenant_access.errors import TenantAccessError
from warpdrive.domain.tenant_access.values import AccessGrant, AccessRequest, DenialReason, Denied
from warpdrive.domain.token.aggregate import Token
from warpdrive.domain.token.errors import TokenError
from warpdrive.domain.token.values import Role, TokenGrant

REFUSALS = (DismissalError, NamespaceError, PriceBookError, QuotaError, TeamError, TenantAccessError, TokenError)
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

Command = Callable[[Any, datetime], object]

_words = st.sampled_from(["a", "b", "données", "x'; DROP TABLE teams; --"])
_paths = st.sampled_from(["/", "/a", "/a/b", "/ü"])
_backends = st.builds(
    lambda name, bucket, prefix, tenant: BackendDefinition(name, "s3", {"bucket": bucket}, prefix, "", tenant),
    st.sampled_from(["one", "two"]),
    st.sampled_from(["b1", "b2"]),
    st.sampled_from(["", "p/"]),
    st.sampled_from(["", "72f988bf-86f1-41af-91ab-2d7cd011db47"]),
)
_entries = st.builds(MountEntry, _paths, _backends, st.builds(MountPolicy, write=st.sampled_from(["off", "on"])))
_namespace_commands: st.SearchStrategy[Command] = st.one_of(
    _entries.map(lambda entry: lambda one, at: one.add_mount_entry(entry, at=at)),
    _entries.map(lambda entry: lambda one, at: one.reconfigure_mount_entry(entry, at=at)),
    _paths.map(lambda path: lambda one, at: one.remove_mount_entry(path, at=at)),
    st.sampled_from([lambda one, at: one.seal(at=at), lambda one, at: one.unseal(at=at)]),
)

_rules = st.builds(OwnershipRule, st.sampled_from(["*", "one"]), st.sampled_from(["", "p/"]))
_team_commands: st.SearchStrategy[Command] = st.one_of(
    _words.map(lambda word: lambda one, at: one.add_member(word, at=at)),
    _words.map(lambda word: lambda one, at: one.remove_member(word, at=at)),
    _words.map(lambda word: lambda one, at: one.rename(word, at=at)),
    _rules.map(lambda rule: lambda one, at: one.add_ownership_rule(rule, at=at)),
    _rules.map(lambda rule: lambda one, at: one.remove_ownership_rule(rule, at=at)),
)

_limits = st.builds(
    lambda soft, more, grace: QuotaLimits(soft, soft + more, grace),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 100),
)
_quota_commands: st.SearchStrategy[Command] = st.one_of(
    _limits.map(lambda limits: lambda one, at: one.set_limits(limits, at=at)),
    st.integers(0, 80).map(lambda usage: lambda one, at: one.observe_usage(usage, at=at)),
    st.integers(0, 3).map(lambda size: lambda one, at: one.set_lease_policy(LeasePolicy(size, 5), at=at)),
    st.integers(0, 80).map(lambda usage: lambda one, at: one.refuse_lease("gpu-1", 7, usage, at=at)),
    st.just(lambda one, at: one.remove(at=at)),
)

_grants = st.builds(
    AccessGrant,
    backends=st.sampled_from([("*",), ("one", "two"), ("one",)]),
    private_endpoint=st.sampled_from(["", "door.example"]),
    expires_at=st.sampled_from([None, START + timedelta(days=300)]),
    enforce_private_link=st.booleans(),
    service_tags=st.sampled_from([(), ("Storage",)]),
)
_wanted = AccessRequest("uid:1", "one", "/a", "gpu-1")
_access_commands: st.SearchStrategy[Command] = st.one_of(
    _grants.map(lambda grant: lambda one, at: one.grant(grant, at=at)),
    st.booleans().map(lambda valid: lambda one, at: one.record_private_link(valid, ("10.0.0.1",), at=at)),
    st.booleans().map(lambda allowed: lambda one, at: one.record_service_tags(("Storage",), allowed, at=at)),
    st.integers(1, 9).map(
        lambda count: (
            lambda one, at: one.record_denial(
                _wanted, Denied((DenialReason.EXPIRED,), one.policy_version), count, at=at
            )
        )
    ),
    st.integers(1, 9).map(
        lambda count: (
            lambda one, at: one.record_allows(
                "uid:1", "/a", one.policy_version, at, at + timedelta(minutes=1), count, at=at
            )
        )
    ),
    st.just(lambda one, at: one.revoke("over", at=at)),
)

_prices = st.builds(
    lambda backend, day, price: PriceEntry(backend, "*", day, price, Decimal(0), Decimal("0.09")),
    st.sampled_from(["*", "one"]),
    st.sampled_from([date(2026, 1, 1), date(2026, 2, 1)]),
    st.sampled_from([Decimal("0.021"), Decimal(10), Decimal("5E-3")]),
)
_price_commands: st.SearchStrategy[Command] = st.one_of(
    _prices.map(lambda entry: lambda one, at: one.set_price(entry, at=at)),
    _prices.map(lambda entry: lambda one, at: one.remove_price(entry.backend, "*", entry.valid_from, at=at)),
)

_token_commands: st.SearchStrategy[Command] = st.just(lambda one, at: one.revoke("lost", at=at))

_dismissal_commands: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from(["", "needed", "données"]).map(lambda reason: lambda one, at: one.dismiss(reason, at=at)),
    st.just(lambda one, at: one.restore(at=at)),
)

_ends: dict[type[Aggregate], Command] = {
    Namespace: lambda one, at: one.retire(at=at),
    Team: lambda one, at: one.disband(at=at),
    PriceBook: lambda one, at: one.retire(at=at),
}


def _begin(number: int, kind: str) -> tuple[Aggregate, st.SearchStrategy[Command]]:
    name = UUID(int=0x4000_8000_0000_0000_0000 + number)
    grant = TokenGrant(Role.VIEWER, f"{number:064x}", ("n1",), (), "", "note", None)
    about = {"kind": "archive_stale", "team_id": "", "backend": "one"}
    begun: dict[str, tuple[Aggregate, st.SearchStrategy[Command]]] = {
        "namespace": (Namespace.create(name, f"n{number}", at=START), _namespace_commands),
        "team": (Team.create(name, f"t{number}", at=START), _team_commands),
        "quota": (Quota.define(name, "*", QuotaLimits(10, 20, 30), at=START), _quota_commands),
        "tenant_access": (TenantAccess.open(str(name), at=START), _access_commands),
        "price_book": (PriceBook.create(name, f"p{number}", "EUR", at=START), _price_commands),
        "token": (Token.issue(name, grant, at=START), _token_commands),
        "dismissal": (Dismissal.dismiss_first(name, "needed", **about, at=START), _dismissal_commands),
    }
    return begun[kind]


KINDS = ("namespace", "team", "quota", "tenant_access", "price_book", "token", "dismissal")


@st.composite
def lives(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> list[Aggregate]:
    """Draw some aggregates with what random commands made of them; their events are all pending."""
    drawn = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6)), 1):
        aggregate, commands = _begin(number, kind)
        chosen = draw(st.lists(commands, max_size=10))
        if draw(st.booleans()):
            chosen = [*chosen, _ends.get(type(aggregate), lambda _one, _at: None)]
        for minute, command in enumerate(chosen, 1):
            try:
                command(aggregate, START + timedelta(minutes=minute))
            except REFUSALS:
                continue  # a refused command leaves no event, which is what follows is about
        drawn.append(aggregate)
    return drawn


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[list[Aggregate], list[Aggregate.Event]]:
    """Draw lives and all their events in one random order that keeps the order of each stream."""
    drawn = draw(lives())
    waiting = [[event for event in each.pending_events if isinstance(event, Aggregate.Event)] for each in drawn]
    events = []
    while any(waiting):
        some = [each for each in waiting if each]
        events.append(some[draw(st.integers(0, len(some) - 1))].pop(0))
    return drawn, events
