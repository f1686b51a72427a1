"""What the control plane promises, as plain dictionaries: commands, who holds which name, what lists show.

Facts are tuples that say of an answer what both this model and the plane know.
"""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from warpdrive.application.control.views import (
    AppliedNamespace,
    IssuedToken,
    NamespaceView,
    PriceBookView,
    QuotaView,
    TeamView,
    TenantAccessView,
    TokenView,
)

Mount = tuple[str, str]
"""A backend's name and the bucket that it stands for."""

Fact = tuple[Any, ...]


class Refused(Exception):
    """Raised by the model when the plane has to refuse."""


@dataclass(frozen=True)
class Wish:
    """A command: its verb and what it is about."""

    verb: str
    about: tuple[Any, ...]


@dataclass
class ModelNamespace:
    """Entries by path."""

    entries: dict[str, Mount] = field(default_factory=dict)
    sealed: bool = False

    def must_be_open(self) -> None:
        """Refuse changes of what is sealed."""
        if self.sealed:
            raise Refused("sealed")

    def mount(self, path: str, mount: Mount) -> None:
        """Put an entry; one name is one bucket in all present entries, the replaced one included."""
        self.must_be_open()
        if any(name == mount[0] and bucket != mount[1] for name, bucket in self.entries.values()):
            raise Refused("the name means another bucket here")
        self.entries[path] = mount


class ControlModel:
    """Everything that is alive, by name, and tokens by note. `do` changes all or nothing."""

    def __init__(self) -> None:
        self.namespaces: dict[str, ModelNamespace] = {}
        self.teams: dict[str, set[str]] = {}
        self.quotas: dict[tuple[str, str], int] = {}
        """(team, backend) -> limit; they go with their team, and with its name to another one."""
        self.books: dict[str, dict[str, int]] = {}
        self.tenants: dict[str, tuple[str, bool]] = {}
        """Tenant -> (the one backend granted last, revoked)."""
        self.tokens: dict[str, bool] = {}
        """Note -> revoked."""

    def do(self, wish: Wish) -> Fact:
        """Carry a wish out, and say what the answer shows. Raises Refused; nothing is changed then."""
        before = deepcopy(vars(self))
        try:
            fact: Fact = getattr(self, f"_{wish.verb}")(*wish.about)
            self._one_place_a_name()
        except Refused:
            vars(self).update(before)
            raise
        if wish.verb == "dry_run":
            vars(self).update(before)
        return fact

    def names(self) -> Counter[tuple[str, str]]:
        """Count the uses of each name in use: (kind, name)."""
        uses: Counter[tuple[str, str]] = Counter()
        for kind, named in (("namespace", self.namespaces), ("team", self.teams), ("price_book", self.books)):
            uses.update((kind, name) for name in named)
        for namespace in self.namespaces.values():
            uses.update(("backend", name) for name, _ in namespace.entries.values())
        return uses

    def shown(self) -> list[Fact]:
        """Say what all lists show together, sorted."""
        facts: list[Fact] = [_namespace(name, each) for name, each in self.namespaces.items()]
        facts += [_team(name, members) for name, members in self.teams.items()]
        facts += [("quota", team, backend, limit, False) for (team, backend), limit in self.quotas.items()]
        facts += [_book(name, prices) for name, prices in self.books.items()]
        facts += [("tenant", tenant, *granted) for tenant, granted in self.tenants.items()]
        facts += [("token", note, revoked) for note, revoked in self.tokens.items()]
        return sorted(facts, key=repr)

    def _one_place_a_name(self) -> None:
        places: dict[str, str] = {}
        for namespace in self.namespaces.values():
            for name, bucket in namespace.entries.values():
                if places.setdefault(name, bucket) != bucket:
                    raise Refused("the name means another bucket elsewhere")

    def _create(self, name: str, entries: tuple[tuple[str, Mount], ...]) -> Fact:
        if name in self.namespaces:
            raise Refused("taken")
        self.namespaces[name] = ModelNamespace()
        for path, mount in entries:
            self.namespaces[name].mount(path, mount)
        return _namespace(name, self.namespaces[name])

    def _add(self, name: str, path: str, mount: Mount) -> Fact:
        namespace = _of(self.namespaces, name)
        if path in namespace.entries:
            raise Refused("mounted")
        namespace.mount(path, mount)
        return _namespace(name, namespace)

    def _reconfigure(self, name: str, path: str, mount: Mount) -> Fact:
        namespace = _of(self.namespaces, name)
        _of(namespace.entries, path)
        namespace.mount(path, mount)
        return _namespace(name, namespace)

    def _remove(self, name: str, path: str) -> Fact:
        namespace = _of(self.namespaces, name)
        namespace.must_be_open()
        _of(namespace.entries, path)
        del namespace.entries[path]
        return _namespace(name, namespace)

    def _seal(self, name: str) -> Fact:
        namespace = _of(self.namespaces, name)
        namespace.must_be_open()
        namespace.sealed = True
        return _namespace(name, namespace)

    def _unseal(self, name: str) -> Fact:
        namespace = _of(self.namespaces, name)
        if not namespace.sealed:
            raise Refused("open")
        namespace.sealed = False
        return _namespace(name, namespace)

    def _retire(self, name: str) -> Fact:
        _of(self.namespaces, name).must_be_open()
        return (*_namespace(name, self.namespaces.pop(name))[:-1], True)

    def _apply(self, name: str, entries: tuple[tuple[str, Mount], ...]) -> Fact:
        created = name not in self.namespaces
        namespace = self.namespaces.setdefault(name, ModelNamespace())
        before = dict(namespace.entries)
        for path in before.keys() - dict(entries).keys():
            namespace.must_be_open()
            del namespace.entries[path]
        for path, mount in sorted(entries):
            namespace.mount(path, mount)
        changed = {path for path in {*before, *namespace.entries} if before.get(path) != namespace.entries.get(path)}
        return (_namespace(name, namespace), tuple(sorted(changed)), created)

    _dry_run = _apply

    def _ensure(self, name: str, members: tuple[str, ...]) -> Fact:
        team = self.teams.setdefault(name, set())
        team.update(members)
        return _team(name, team)

    def _leave(self, name: str, member: str) -> Fact:
        team = _of(self.teams, name)
        if member not in team:
            raise Refused("no member")
        team.remove(member)
        return _team(name, team)

    def _rename(self, name: str, new: str) -> Fact:
        team = _of(self.teams, name)
        if new != name:
            if new in self.teams:
                raise Refused("taken")
            self.teams[new] = self.teams.pop(name)
            self.quotas = {(new if of == name else of, where): limit for (of, where), limit in self.quotas.items()}
        return _team(new, team)

    def _disband(self, name: str) -> Fact:
        _of(self.teams, name)
        self.quotas = {key: limit for key, limit in self.quotas.items() if key[0] != name}
        return (*_team(name, self.teams.pop(name))[:-1], True)

    def _limit(self, team: str, backend: str, limit: int) -> Fact:
        _of(self.teams, team)
        self.quotas[team, backend] = limit
        return ("quota", team, backend, limit, False)

    def _unlimit(self, team: str, backend: str) -> Fact:
        _of(self.teams, team)
        limit = _of(self.quotas, (team, backend))
        del self.quotas[team, backend]
        return ("quota", team, backend, limit, True)

    def _price(self, book: str, backend: str, amount: int) -> Fact:
        self.books.setdefault(book, {})[backend] = amount
        return _book(book, self.books[book])

    def _unprice(self, book: str, backend: str) -> Fact:
        _of(_of(self.books, book), backend)
        del self.books[book][backend]
        return _book(book, self.books[book])

    def _close(self, book: str) -> Fact:
        _of(self.books, book)
        return (*_book(book, self.books.pop(book))[:-1], True)

    def _grant(self, tenant: str, backend: str) -> Fact:
        self.tenants[tenant] = (backend, False)
        return ("tenant", tenant, backend, False)

    def _deny(self, tenant: str) -> Fact:
        backend, revoked = _of(self.tenants, tenant)
        if revoked:
            raise Refused("revoked")
        self.tenants[tenant] = (backend, True)
        return ("tenant", tenant, backend, True)

    def _issue(self, note: str) -> Fact:
        self.tokens[note] = False
        return ("token", note, False)

    def _end(self, note: str) -> Fact:
        if _of(self.tokens, note):
            raise Refused("revoked")
        self.tokens[note] = True
        return ("token", note, True)


def fact(view: object) -> Fact:
    """Say of a plane's answer what the model knows too."""
    known: Fact
    match view:
        case NamespaceView():
            entries = {each.path: (each.backend.name, each.backend.options["bucket"]) for each in view.entries}
            known = (*_namespace(view.name, ModelNamespace(entries, view.sealed))[:-1], view.retired)
        case AppliedNamespace():
            known = (fact(view.namespace), tuple(change.path for change in view.changes), view.created)
        case TeamView():
            known = (*_team(view.name, set(view.members))[:-1], view.disbanded)
        case QuotaView():
            known = ("quota", view.team, view.backend, view.hard, view.standing == "removed")
        case PriceBookView():
            known = (
                *_book(view.name, {each.backend: int(each.per_gib_month) for each in view.prices})[:-1],
                view.retired,
            )
        case TenantAccessView():
            known = ("tenant", view.tenant_id, view.backends[0], view.revoked)
        case IssuedToken():
            known = fact(view.token)
        case TokenView():
            known = ("token", view.note, view.revoked)
        case _:
            raise AssertionError(view)
    return known


def _of(things: dict[Any, Any], name: Any) -> Any:
    try:
        return things[name]
    except KeyError:
        raise Refused(f"no {name!r}") from None


def _namespace(name: str, namespace: ModelNamespace) -> Fact:
    return ("namespace", name, tuple(sorted(namespace.entries.items())), namespace.sealed, False)


def _team(name: str, members: set[str]) -> Fact:
    return ("team", name, tuple(sorted(members)), False)


def _book(name: str, prices: dict[str, int]) -> Fact:
    return ("book", name, tuple(sorted(prices.items())), False)
