"""The Namespace: given events, when a command, then events; and whatever happens, replay gives the same state."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.errors import (
    BackendConflict,
    DuplicateMountPath,
    InvalidBackend,
    InvalidMountPath,
    InvalidNamespaceName,
    InvalidPolicy,
    NamespaceError,
    NamespaceNotSealed,
    NamespaceRetired,
    NamespaceSealed,
    UnknownMountEntry,
)
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy

ID = UUID("5a1f6c8e-0000-4000-8000-000000000001")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def bucket(name: str, *, auth: str = "team", **options: str) -> BackendDefinition:
    """Define an S3 backend whose bucket is called like itself unless said otherwise."""
    return BackendDefinition(name=name, type="s3", options={"bucket": name} | options, auth=auth)


def entry(path: str, backend: BackendDefinition | None = None) -> MountEntry:
    """Mount a bucket on a path."""
    return MountEntry(path=path, backend=backend or bucket("data"))


def fresh() -> Namespace:
    """Create a namespace."""
    return Namespace.create(ID, "training", at=AT)


def replay(events: Sequence[DomainEventProtocol[UUID]]) -> Namespace:
    """Fold events, after a trip through the bytes that a store would keep."""
    transcoder = JSONTranscoder()
    transcoder.register(DatetimeAsISO())
    mapper = Mapper[UUID](transcoder)
    namespace: Namespace | None = None
    for event in events:
        again = mapper.to_domain_event(mapper.to_stored_event(event))
        namespace = again.mutate(namespace)  # type: ignore[attr-defined] # the mapper's protocol leaves it out
    assert namespace is not None
    return namespace


def names(namespace: Namespace) -> list[str]:
    """Collect the pending events' names."""
    return [type(event).__name__ for event in namespace.collect_events()]


def test_a_namespace_begins_empty_and_open() -> None:
    """Creation is one event, at the moment and with the id given."""
    namespace = fresh()
    assert (namespace.id, namespace.name, namespace.version) == (ID, "training", 1)
    assert namespace.created_on == AT
    assert namespace.entries == ()
    assert not namespace.sealed
    assert not namespace.retired
    (event,) = namespace.collect_events()
    assert isinstance(event, Namespace.Created)
    assert event.originator_topic == Namespace.TOPIC


def test_every_command_leaves_one_event_at_its_moment() -> None:
    """The stream tells the life of the namespace in order."""
    namespace = fresh()
    moment = AT + timedelta(hours=1)
    namespace.add_mount_entry(entry("/a"), at=moment)
    namespace.reconfigure_mount_entry(entry("/a", bucket("data", region="eu-west-1")), at=moment)
    namespace.remove_mount_entry("/a", at=moment)
    namespace.seal(at=moment)
    namespace.unseal(at=moment)
    namespace.retire(at=moment)
    events = namespace.collect_events()
    assert [type(event).__name__ for event in events] == [
        "Created",
        "MountEntryAdded",
        "MountEntryReconfigured",
        "MountEntryRemoved",
        "Sealed",
        "Unsealed",
        "Retired",
    ]
    assert {event.timestamp for event in events[1:]} == {moment}
    assert replay(events) == namespace


def test_moments_are_stored_in_utc() -> None:
    """One moment is one text, wherever it was written down."""
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    event = Namespace.create(ID, "training", at=elsewhere).collect_events()[0]
    assert event.timestamp.isoformat() == AT.isoformat()


def test_a_moment_without_a_zone_is_refused() -> None:
    """The library would store it as it is, and readers would guess."""
    naive = AT.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        Namespace.create(ID, "training", at=naive)
    namespace = fresh()
    with pytest.raises(ValueError, match="time zone"):
        namespace.seal(at=naive)
    assert names(namespace) == ["Created"]


def test_entries_may_nest_and_the_longest_path_answers() -> None:
    """The aggregate's tree is the path logic of its entries."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a/b", bucket("inner")), at=AT)
    namespace.add_mount_entry(entry("/", bucket("outer")), at=AT)
    assert [each.path for each in namespace.entries] == ["/", "/a/b"]
    located = namespace.tree().resolve("/a/b/c")
    assert located is not None
    assert (located.entry.backend.name, located.relative) == ("inner", "c")


def test_a_second_entry_on_a_path_is_refused() -> None:
    """Given an entry, when another one is added on its path, then nothing happens."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a"), at=AT)
    with pytest.raises(DuplicateMountPath) as caught:
        namespace.add_mount_entry(entry("/a", bucket("other")), at=AT)
    assert caught.value.path == "/a"
    assert names(namespace) == ["Created", "MountEntryAdded"]


def test_a_path_can_be_used_again_after_removal() -> None:
    """Removal gives path and backend name up."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a", bucket("data", bucket="one")), at=AT)
    namespace.remove_mount_entry("/a", at=AT)
    namespace.add_mount_entry(entry("/a", bucket("data", bucket="two")), at=AT)
    assert namespace.entries[0].backend.options["bucket"] == "two"


def test_one_backend_name_is_one_place() -> None:
    """The same name with another fingerprint is refused, on another path and on its own."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a", bucket("data", bucket="one")), at=AT)
    namespace.add_mount_entry(entry("/b", bucket("data", bucket="one", region="eu-west-1")), at=AT)
    for command in (namespace.add_mount_entry, namespace.reconfigure_mount_entry):
        path = "/c" if command == namespace.add_mount_entry else "/a"
        with pytest.raises(BackendConflict) as caught:
            command(entry(path, bucket("data", bucket="two")), at=AT)
        assert caught.value.name == "data"
        assert caught.value.known != caught.value.offered


def test_reconfiguring_to_the_same_is_no_event() -> None:
    """Given an entry, when it is reconfigured to what it is, then nothing happened."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a", bucket("data", region="x", endpoint="http://e")), at=AT)
    namespace.reconfigure_mount_entry(entry("/a", bucket("data", endpoint="http://e", region="x")), at=AT)
    assert names(namespace) == ["Created", "MountEntryAdded"]


def test_an_entry_that_is_not_there_cannot_be_changed() -> None:
    """Given no entry, when one is changed, then it is unknown."""
    namespace = fresh()
    with pytest.raises(UnknownMountEntry):
        namespace.remove_mount_entry("/a", at=AT)
    with pytest.raises(UnknownMountEntry) as caught:
        namespace.reconfigure_mount_entry(entry("/a"), at=AT)
    assert caught.value.path == "/a"


COMMANDS: dict[str, Callable[[Namespace], None]] = {
    "add": lambda it: it.add_mount_entry(entry("/new"), at=AT),
    "reconfigure": lambda it: it.reconfigure_mount_entry(entry("/a", bucket("data", region="x")), at=AT),
    "remove": lambda it: it.remove_mount_entry("/a", at=AT),
    "seal": lambda it: it.seal(at=AT),
    "retire": lambda it: it.retire(at=AT),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_sealed_namespace_refuses_changes_until_unsealed(command: str) -> None:
    """Given a seal, when anything but unsealing is asked, then nothing happens; after unsealing it does."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a"), at=AT)
    namespace.seal(at=AT)
    before = len(namespace.pending_events)
    with pytest.raises(NamespaceSealed):
        COMMANDS[command](namespace)
    assert len(namespace.pending_events) == before
    namespace.unseal(at=AT)
    COMMANDS[command](namespace)
    assert len(namespace.pending_events) == before + 2


@pytest.mark.parametrize("command", [*COMMANDS, "unseal"])
def test_a_retired_namespace_refuses_everything(command: str) -> None:
    """Retirement is final."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a"), at=AT)
    namespace.retire(at=AT)
    with pytest.raises(NamespaceRetired):
        (COMMANDS | {"unseal": lambda it: it.unseal(at=AT)})[command](namespace)


def test_only_a_sealed_namespace_can_be_unsealed() -> None:
    """Unsealing what is open is a mistake worth telling."""
    with pytest.raises(NamespaceNotSealed):
        fresh().unseal(at=AT)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "x" * 256, "a\nb", "\udcff"])
def test_a_namespace_needs_a_usable_name(name: str) -> None:
    """People type it and lists print it."""
    with pytest.raises(InvalidNamespaceName):
        Namespace.create(ID, name, at=AT)


@pytest.mark.parametrize("path", ["", "a", "/a/", "/a//b", "/..", "/raw\udcff", "/nul\0"])
def test_a_mount_path_is_normal_and_can_be_stored(path: str) -> None:
    """Raw bytes cannot be stored in an event, so a mount path has none."""
    with pytest.raises(InvalidMountPath):
        fresh().add_mount_entry(entry(path), at=AT)


@pytest.mark.parametrize(
    "backend",
    [
        BackendDefinition(name="", type="memory"),
        BackendDefinition(name="a\n", type="memory"),
        BackendDefinition(name="a", type="tape"),
        BackendDefinition(name="a", type="s3", options={"secret_access_key": "s3cret"}),
        BackendDefinition(name="a", type="s3", options={"endpoint": "https://me:s3cret@host"}),
        BackendDefinition(name="a", type="azureblob", options={"endpoint": "https://host/?sig=s3cret"}),
        BackendDefinition(name="a", type="s3", options={"endpoint": "http://["}),
        BackendDefinition(name="a", type="s3", options={"bucket": "\udcff"}),
        BackendDefinition(name="a", type="s3", options={"bucket": "b\0"}),
        BackendDefinition(name="a", type="s3", auth="s3cret+/=="),
        BackendDefinition(name="a", type="s3", prefix="no-slash"),
        BackendDefinition(name="a", type="s3", prefix="/absolute/"),
        BackendDefinition(name="a", type="s3", prefix="a/../b/"),
        BackendDefinition(name="a", type="s3", tenant="contoso"),
        BackendDefinition(name="a", type="s3", tenant="72F988BF-86F1-41AF-91AB-2D7CD011DB47"),
        BackendDefinition(name="a", type="s3", tenant="{72f988bf-86f1-41af-91ab-2d7cd011db47}"),
    ],
)
def test_what_could_carry_a_secret_or_cannot_be_is_no_backend(backend: BackendDefinition) -> None:
    """No secret gets into an event, and no refusal repeats one."""
    namespace = fresh()
    with pytest.raises(InvalidBackend) as caught:
        namespace.add_mount_entry(entry("/a", backend), at=AT)
    assert "s3cret" not in str(caught.value)
    assert names(namespace) == ["Created"]


def test_a_tenant_is_no_part_of_the_place() -> None:
    """Restricting a backend is a reconfiguration: bytes stay where they are, and the name keeps its place."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a"), at=AT)
    restricted = replace(bucket("data"), tenant="72f988bf-86f1-41af-91ab-2d7cd011db47")
    assert restricted.fingerprint == bucket("data").fingerprint
    namespace.reconfigure_mount_entry(entry("/a", restricted), at=AT)
    assert names(namespace) == ["Created", "MountEntryAdded", "MountEntryReconfigured"]
    assert namespace.entries[0].backend.tenant == restricted.tenant


def test_a_policy_is_made_of_known_words() -> None:
    """An unknown word would be read as something else by another version."""
    with pytest.raises(InvalidPolicy) as caught:
        fresh().add_mount_entry(MountEntry("/a", bucket("data"), MountPolicy(conflict="shrug")), at=AT)
    assert (caught.value.field, caught.value.value) == ("conflict", "shrug")


def test_a_snapshot_is_the_same_namespace() -> None:
    """State is made of plain texts, so a snapshot survives the store without transcodings of its own."""
    namespace = fresh()
    namespace.add_mount_entry(entry("/a"), at=AT)
    namespace.seal(at=AT)
    namespace.collect_events()
    assert replay([Namespace.Snapshot.take(namespace)]) == namespace


PATHS = st.sampled_from(["/", "/a", "/a/b", "/c"])
BACKENDS = st.builds(
    bucket,
    st.sampled_from(["one", "two"]),
    bucket=st.sampled_from(["x", "y"]),
    region=st.sampled_from(["eu", "us"]),
)


class NamespaceLife(RuleBasedStateMachine):
    """Random commands against a model that knows only the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.namespace = fresh()
        self.model: dict[str, BackendDefinition] = {}
        self.state = "open"

    def attempt(self, command: Callable[[], None], *, allowed: bool) -> bool:
        """Run the command and check that it is refused exactly when it may not be done."""
        version = self.namespace.version
        try:
            command()
        except NamespaceError:
            assert not allowed
            assert self.namespace.version == version
            return False
        assert allowed
        return True

    def agrees(self, backend: BackendDefinition) -> bool:
        """Tell whether no other place has the backend's name."""
        return all(
            known.name != backend.name or known.fingerprint == backend.fingerprint for known in self.model.values()
        )

    @rule(path=PATHS, backend=BACKENDS)
    def add(self, path: str, backend: BackendDefinition) -> None:
        """Add an entry."""
        allowed = self.state == "open" and path not in self.model and self.agrees(backend)
        if self.attempt(lambda: self.namespace.add_mount_entry(MountEntry(path, backend), at=AT), allowed=allowed):
            self.model[path] = backend

    @rule(path=PATHS, backend=BACKENDS)
    def reconfigure(self, path: str, backend: BackendDefinition) -> None:
        """Reconfigure an entry."""
        allowed = self.state == "open" and path in self.model and self.agrees(backend)
        new = MountEntry(path, backend)
        if self.attempt(lambda: self.namespace.reconfigure_mount_entry(new, at=AT), allowed=allowed):
            self.model[path] = backend

    @rule(path=PATHS)
    def remove(self, path: str) -> None:
        """Remove an entry."""
        allowed = self.state == "open" and path in self.model
        if self.attempt(lambda: self.namespace.remove_mount_entry(path, at=AT), allowed=allowed):
            del self.model[path]

    @rule()
    def seal(self) -> None:
        """Seal it."""
        if self.attempt(lambda: self.namespace.seal(at=AT), allowed=self.state == "open"):
            self.state = "sealed"

    @rule()
    def unseal(self) -> None:
        """Unseal it."""
        if self.attempt(lambda: self.namespace.unseal(at=AT), allowed=self.state == "sealed"):
            self.state = "open"

    @rule(really=st.integers(0, 9))
    def retire(self, really: int) -> None:
        """Retire it, seldom, since little happens after."""
        if really == 0 and self.attempt(lambda: self.namespace.retire(at=AT), allowed=self.state == "open"):
            self.state = "retired"

    @invariant()
    def state_follows_the_rules_and_the_events(self) -> None:
        """State equals the model, and replaying the stored bytes of the events gives it again."""
        assert {each.path: each.backend for each in self.namespace.entries} == self.model
        assert (self.namespace.sealed, self.namespace.retired) == (
            self.state == "sealed",
            self.state == "retired",
        )
        replayed = replay(self.namespace.pending_events)
        assert replayed.entries == self.namespace.entries
        assert replayed.version == self.namespace.version


TestNamespaceLife = NamespaceLife.TestCase
