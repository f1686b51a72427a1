"""The whole control plane against a plain model: random commands, repetitions, pairs at once, a clock that jumps.

Two planes share one store, as two processes would, so what one keeps at hand the other has changed.
- A command is answered or refused as the model says, and a repetition has the first answer, for ever.
- Two commands at once end as they would one after the other.
- Names are in use exactly as often as the model says; lists show what it knows; rows are what the events make.
"""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.control_model import ControlModel, Fact, Refused, Wish, fact
from tests.support.memory_plane import ADMIN, MemoryPlane
from warpdrive.application.control.calls import Call, Done, Principal
from warpdrive.application.control.comparison import Comparison
from warpdrive.application.control.errors import ControlError, Unauthenticated
from warpdrive.application.control.plane import ControlPlane
from warpdrive.application.ports.event_store import CommandIdReused
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.namespace.errors import NamespaceError
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.price_book.errors import PriceBookError
from warpdrive.domain.price_book.values import PriceEntry
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.team.errors import TeamError
from warpdrive.domain.tenant_access.errors import TenantAccessError
from warpdrive.domain.tenant_access.values import AccessGrant
from warpdrive.domain.token.errors import TokenError
from warpdrive.domain.token.values import Role

REFUSALS = (ControlError, NamespaceError, TeamError, PriceBookError, TenantAccessError, TokenError)
DAY = date(2026, 1, 1)

NAMES = st.sampled_from(["a", "b"])
PATHS = st.sampled_from(["/x", "/x/y"])
BACKENDS = st.sampled_from(["d", "e"])
MOUNTS = st.tuples(BACKENDS, st.sampled_from(["one", "two"]))
ENTRIES = st.dictionaries(PATHS, MOUNTS, max_size=2).map(lambda entries: tuple(entries.items()))
MEMBERS = st.sampled_from(["ada", "bob"])
AMOUNTS = st.integers(1, 2)
TENANTS = st.sampled_from(["11111111-2222-4333-8444-555555555555", "21111111-2222-4333-8444-555555555555"])
NOTES = st.sampled_from(["first", "second"])

ABOUT: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "create": st.tuples(NAMES, ENTRIES),
    "add": st.tuples(NAMES, PATHS, MOUNTS),
    "reconfigure": st.tuples(NAMES, PATHS, MOUNTS),
    "remove": st.tuples(NAMES, PATHS),
    "seal": st.tuples(NAMES),
    "unseal": st.tuples(NAMES),
    "retire": st.tuples(NAMES),
    "apply": st.tuples(NAMES, ENTRIES),
    "dry_run": st.tuples(NAMES, ENTRIES),
    "ensure": st.tuples(NAMES, st.lists(MEMBERS, max_size=2).map(tuple)),
    "leave": st.tuples(NAMES, MEMBERS),
    "rename": st.tuples(NAMES, NAMES),
    "disband": st.tuples(NAMES),
    "limit": st.tuples(NAMES, BACKENDS, AMOUNTS),
    "unlimit": st.tuples(NAMES, BACKENDS),
    "price": st.tuples(NAMES, BACKENDS, AMOUNTS),
    "unprice": st.tuples(NAMES, BACKENDS),
    "close": st.tuples(NAMES),
    "grant": st.tuples(TENANTS, BACKENDS),
    "deny": st.tuples(TENANTS),
}
TOKENS: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {"issue": st.tuples(NOTES), "end": st.tuples(NOTES)}


def wishes(about: dict[str, st.SearchStrategy[tuple[Any, ...]]]) -> st.SearchStrategy[Wish]:
    """Make any of these commands."""
    return st.one_of(*(st.builds(Wish, st.just(verb), each) for verb, each in about.items()))


def two_wishes() -> st.SearchStrategy[tuple[Wish, Wish]]:
    """Make two commands that may be about the same thing, or are the same."""
    families = (
        ("create", "add", "reconfigure", "remove", "seal", "retire", "apply", "dry_run"),
        ("ensure", "leave", "rename", "disband", "limit", "unlimit"),
        ("price", "unprice", "close"),
        ("grant", "deny"),
    )
    some = [wishes({verb: ABOUT[verb] for verb in family}) for family in families]
    return st.one_of(
        *(st.tuples(each, each) for each in some), *(each.map(lambda wish: (wish, wish)) for each in some[:2])
    )


def entry(path: str, mount: tuple[str, str]) -> MountEntry:
    """Make a mount entry."""
    return MountEntry(path, BackendDefinition(mount[0], "s3", {"bucket": mount[1]}))


def entries(pairs: tuple[tuple[str, tuple[str, str]], ...]) -> list[MountEntry]:
    """Make mount entries."""
    return [entry(path, mount) for path, mount in pairs]


def price(backend: str, amount: int) -> PriceEntry:
    """Make a price."""
    return PriceEntry(backend, "*", DAY, Decimal(amount), Decimal(0), Decimal(0))


Verb = Callable[..., Awaitable[Done[Any]]]

VERBS: dict[str, Verb] = {
    "create": lambda p, c, name, pairs: p.namespaces.create(c, name, entries(pairs)),
    "add": lambda p, c, name, path, mount: p.namespaces.add_mount(c, name, entry(path, mount)),
    "reconfigure": lambda p, c, name, path, mount: p.namespaces.reconfigure_mount(c, name, entry(path, mount)),
    "remove": lambda p, c, name, path: p.namespaces.remove_mount(c, name, path),
    "seal": lambda p, c, name: p.namespaces.seal(c, name),
    "unseal": lambda p, c, name: p.namespaces.unseal(c, name),
    "retire": lambda p, c, name: p.namespaces.retire(c, name),
    "apply": lambda p, c, name, pairs: p.namespaces.apply(c, name, entries(pairs), dry_run=False, expected_version=0),
    "dry_run": lambda p, c, name, pairs: p.namespaces.apply(c, name, entries(pairs), dry_run=True, expected_version=0),
    "ensure": lambda p, c, name, members: p.teams.ensure(c, name, members, []),
    "leave": lambda p, c, name, member: p.teams.remove_member(c, name, member),
    "rename": lambda p, c, name, new: p.teams.rename(c, name, new),
    "disband": lambda p, c, name: p.teams.disband(c, name),
    "limit": lambda p, c, team, backend, limit: p.quotas.set(c, team, backend, QuotaLimits(limit, limit)),
    "unlimit": lambda p, c, team, backend: p.quotas.delete(c, team, backend),
    "price": lambda p, c, book, backend, amount: p.price_books.set_price(c, book, "", price(backend, amount)),
    "unprice": lambda p, c, book, backend: p.price_books.remove_price(c, book, backend, "*", DAY),
    "close": lambda p, c, book: p.price_books.retire(c, book),
    "grant": lambda p, c, tenant, backend: p.tenants.grant(c, tenant, AccessGrant((backend,))),
    "deny": lambda p, c, tenant: p.tenants.revoke(c, tenant, "enough"),
    "issue": lambda p, c, note: p.tokens.create(c, role=Role.VIEWER, note=note),
}


class ControlPlaneModel(RuleBasedStateMachine):
    """Two planes on one store, and the model."""

    def __init__(self) -> None:
        super().__init__()
        self.portal = start_blocking_portal()
        self.run = self.portal.__enter__().call
        self.first = self.run(self._make)
        self.second = MemoryPlane.beside(self.first)
        self.model = ControlModel()
        self.secrets: dict[str, str] = {}
        """Note -> the secret of the token that was issued last with it."""
        self.ids: dict[str, str] = {}
        self.done: list[tuple[UUID, Wish, Done[Any]]] = []

    async def _make(self) -> MemoryPlane:
        return MemoryPlane()

    def teardown(self) -> None:
        """Compare everything that is written with what the model knows."""
        try:
            self.run(self._compare)
        finally:
            self.portal.__exit__(None, None, None)

    @rule(wish=wishes(ABOUT), beside=st.booleans())
    def command(self, wish: Wish, beside: bool) -> None:
        """One command, on either plane."""
        expected = self.expected(wish)
        key = uuid4()
        outcome = self.run(self._outcome, self._plane(beside), wish, key)
        assert _fact(outcome) == expected, wish
        self._remember(key, wish, outcome)

    @rule(two=two_wishes(), beside=st.booleans())
    def pair(self, two: tuple[Wish, Wish], beside: bool) -> None:
        """Two at once: their answers, and what is there afterwards, are those of one of the two orders."""
        one, other = two
        keys = uuid4(), uuid4()
        outcomes = self.run(self._together, (one, self.first, keys[0]), (other, self._plane(beside), keys[1]))
        shown = self.run(self._shown)
        orders = []
        for turned in (False, True):
            model = deepcopy(self.model)
            facts = [_expected(model, wish) for wish in ((other, one) if turned else (one, other))]
            if (facts[::-1] if turned else facts) == [_fact(each) for each in outcomes] and model.shown() == shown:
                orders.append(model)
        assert orders, (one, other, outcomes, shown)
        self.model = orders[0]
        for key, wish, outcome in zip(keys, (one, other), outcomes, strict=True):
            self._remember(key, wish, outcome)

    @rule(wish=wishes({**ABOUT, **TOKENS}), times=st.integers(2, 3))
    def at_once_with_one_key(self, wish: Wish, times: int) -> None:
        """A client that repeats before it has an answer: it is done once, and every answer is that one."""
        if wish.verb in ("dry_run", "end") or (wish.verb == "issue" and wish.about[0] in self.ids):
            return
        expected = self.expected(wish)
        key = uuid4()
        planes = [self.first, self.second, self.first][:times]
        outcomes = self.run(self._together, *((wish, plane, key) for plane in planes))
        firsts = [each for each in outcomes if isinstance(each, Done) and not each.repeated]
        if isinstance(expected, str):
            assert not firsts
            return
        (first,) = firsts
        assert _fact(first) == expected
        assert {each.position for each in outcomes if isinstance(each, Done)} == {first.position}
        self._remember(key, wish, first)

    @precondition(lambda self: self.done)
    @rule(data=st.data(), beside=st.booleans())
    def again(self, data: st.DataObject, beside: bool) -> None:
        """The same request under the same key has its first answer, whatever has happened since."""
        key, wish, first = data.draw(st.sampled_from(self.done))
        outcome = self.run(self._outcome, self._plane(beside), wish, key)
        assert isinstance(outcome, Done), outcome
        assert (outcome.repeated, outcome.position) == (True, first.position)
        if wish.verb == "apply":
            assert outcome.value.namespace == first.value.namespace
        elif wish.verb == "issue":
            assert (outcome.value.token, outcome.value.secret) == (first.value.token, "")
        elif wish.verb not in ("limit", "unlimit"):  # how a quota stands depends on when it is asked
            assert outcome.value == first.value

    @precondition(lambda self: self.done)
    @rule(data=st.data(), wish=wishes({key: ABOUT[key] for key in ABOUT if key != "dry_run"}))
    def another_under_its_key(self, data: st.DataObject, wish: Wish) -> None:
        """Another request, or another caller, under a key that was used is refused and changes nothing."""
        key, known, _ = data.draw(st.sampled_from(self.done))
        stranger = Principal("token:stranger", Role.ADMIN)
        outcomes = [self.run(self._outcome, self.first, known, key, stranger)]
        if wish != known:
            outcomes.append(self.run(self._outcome, self.first, wish, key))
        assert all(isinstance(each, CommandIdReused) for each in outcomes), outcomes

    @rule(wish=wishes(TOKENS))
    def token(self, wish: Wish) -> None:
        """Tokens open the door from their issue to their end, and at no other time."""
        (note,) = wish.about
        if wish.verb == "issue" and note in self.ids:
            return
        expected = self.expected(wish)
        key = uuid4()
        outcome = self.run(self._outcome, self.first, wish, key)
        assert _fact(outcome) == expected
        self._remember(key, wish, outcome)

    @rule(seconds=st.sampled_from([-86400.0, -1.0, 0.5, 5.0, 3600.0]))
    def time(self, seconds: float) -> None:
        """The wall clock goes on, or back."""
        self.first.clock.set_wall(self.first.clock.wall() + seconds)

    @invariant()
    def lists_show_what_is_there(self) -> None:
        """Through either plane, page by page."""
        assert self.run(self._shown) == self.model.shown()

    @invariant()
    def names_are_in_use_as_often_as_the_model_says(self) -> None:
        """No name is held for ever, none is free too early."""
        taken = self.run(self.first.store.names)
        assert {(each.kind, each.name): each.uses for each in taken} == dict(self.model.names())

    @invariant()
    def the_door_opens_for_tokens_that_have_not_ended(self) -> None:
        """In the plane that ended them, at once."""
        for note, secret in self.secrets.items():
            assert self.run(self._is_let_in, secret) is not self.model.tokens[note]

    def expected(self, wish: Wish) -> Fact | str:
        """Let the model do it; "refused" when it may not be."""
        return _expected(self.model, wish)

    def _plane(self, beside: bool) -> MemoryPlane:
        return self.second if beside else self.first

    def _remember(self, key: UUID, wish: Wish, outcome: object) -> None:
        if isinstance(outcome, Done) and wish.verb != "dry_run":
            self.done.append((key, wish, outcome))
        if isinstance(outcome, Done) and wish.verb == "issue":
            self.secrets[wish.about[0]] = outcome.value.secret
            self.ids[wish.about[0]] = outcome.value.token.id

    async def _outcome(self, on: MemoryPlane, wish: Wish, key: UUID, principal: Principal = ADMIN) -> object:
        call = on.call(principal, command=key, request=repr(wish))
        try:
            return await self._carried_out(on.plane, call, wish)
        except (*REFUSALS, CommandIdReused) as refusal:
            return refusal

    def _carried_out(self, plane: ControlPlane, call: Call, wish: Wish) -> Awaitable[Done[Any]]:
        if wish.verb == "end":
            return plane.tokens.revoke(call, self.ids.get(wish.about[0], str(UUID(int=1))), "enough")
        return VERBS[wish.verb](plane, call, *wish.about)

    async def _together(self, *commands: tuple[Wish, MemoryPlane, UUID]) -> list[object]:
        outcomes: list[object] = [None] * len(commands)

        async def one(index: int) -> None:
            wish, on, key = commands[index]
            outcomes[index] = await self._outcome(on, wish, key)

        async with anyio.create_task_group() as tasks:
            for index in range(len(commands)):
                tasks.start_soon(one, index)
        return outcomes

    async def _shown(self) -> list[Fact]:
        plane, call = self.first.plane, self.first.call()
        pages: list[Callable[[str], Awaitable[Done[Any]]]] = [
            lambda token: plane.namespaces.page(call, size=1, token=token, retired=False),
            lambda token: plane.teams.page(call, size=1, token=token, disbanded=False),
            lambda token: plane.quotas.page(call, team="", backend="", size=1, token=token),
            lambda token: plane.price_books.page(call, size=1, token=token),
            lambda token: plane.tenants.page(call, size=1, token=token),
            lambda token: plane.tokens.page(call, size=1, token=token, ended=True),
        ]
        facts: list[Fact] = []
        for page in pages:
            token = ""
            while True:
                shown = (await page(token)).value
                facts += map(fact, shown.items)
                token = shown.next_token
                if not token:
                    break
        return sorted(facts, key=repr)

    async def _is_let_in(self, secret: str) -> bool:
        try:
            await self.first.plane.doorkeeper.principal(secret)
        except Unauthenticated:
            return False
        return True

    async def _compare(self) -> None:
        comparison = Comparison(self.first.store, self.first.models, EventCodec(), below=lambda count: count - 1)
        for stream, topic in {event.stream: event.topic for event in await self.first.events()}.items():
            assert await comparison.check(stream, topic) == []


def _expected(model: ControlModel, wish: Wish) -> Fact | str:
    try:
        return model.do(wish)
    except Refused:
        return "refused"


def _fact(outcome: object) -> Fact | str:
    return fact(outcome.value) if isinstance(outcome, Done) else "refused"


TestControlPlaneModel = pytest.mark.timeout(60)(ControlPlaneModel.TestCase)
TestControlPlaneModel.settings = settings(settings.default, stateful_step_count=60)
