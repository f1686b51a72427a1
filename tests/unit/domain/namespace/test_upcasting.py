"""Old shapes to new: what was stored before backends could name a tenant is read as not tenant-restricted."""

import json
from typing import Any

import pytest
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import StoredEvent

from tests.golden.stored import GOLDEN, load
from tests.support.replay import mapper, replay, state_of
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import BackendDefinition

ROOM = GOLDEN / "namespace"
EVENTS_OF_VERSION_1 = ("2-MountEntryAdded.v1.json", "3-MountEntryReconfigured.v1.json")


def state(stored: StoredEvent) -> dict[str, Any]:
    """Look into stored bytes."""
    written: dict[str, Any] = json.loads(stored.state)
    return written


def life_to(version: int) -> Namespace:
    """Replay the first stored life, in its oldest class versions, to a version of the stream."""
    files = sorted(path for path in ROOM.glob("[0-9]*.v1.json") if int(path.name.partition("-")[0]) <= version)
    return replay(Namespace, [mapper().to_domain_event(load(path)) for path in files])


@pytest.mark.parametrize("name", EVENTS_OF_VERSION_1)
def test_an_event_of_version_1_names_no_tenant(name: str) -> None:
    """Given bytes without a tenant, when they are loaded, then the backend is not tenant-restricted."""
    stored = load(ROOM / name)
    assert "tenant" not in state(stored)["entry"]["backend"]
    event: Any = mapper().to_domain_event(stored)
    assert event.entry["backend"]["tenant"] == ""
    assert "class_version" not in vars(event)


@pytest.mark.parametrize("name", EVENTS_OF_VERSION_1)
def test_an_upcast_event_is_the_event_of_today(name: str) -> None:
    """The same fact, stored in either version, is one event; stored again, it has today's bytes."""
    old = mapper().to_domain_event(load(ROOM / name))
    newer = load(ROOM / name.replace(".json", ".class2.json"))
    assert old == mapper().to_domain_event(newer)
    assert mapper().to_stored_event(old) == newer


def test_bytes_say_their_class_version_from_2_on() -> None:
    """Version 1 was written without a number, so what has none is version 1."""
    for name in EVENTS_OF_VERSION_1:
        assert "class_version" not in state(load(ROOM / name))
        assert state(load(ROOM / name.replace(".json", ".class2.json")))["class_version"] == 2


def test_a_snapshot_of_version_1_is_read_like_its_events() -> None:
    """A snapshot keeps entries as events wrote them, so it needs the same care: snapshot == replay."""
    stored = load(ROOM / "snapshot-3.v1.json")
    entry = state(stored)["state"]["_mounts"]["/données/train"]
    assert "tenant" not in entry["backend"]
    snapshot: Any = mapper().to_domain_event(stored)
    namespace = snapshot.mutate(None)
    assert isinstance(namespace, Namespace)
    assert state_of(namespace) == state_of(life_to(3))
    assert namespace.entries[0].backend.tenant == ""


def test_reading_an_old_snapshot_twice_gives_the_same() -> None:
    """The upcaster leaves the snapshot alone that it reads."""
    snapshot: Any = mapper().to_domain_event(load(ROOM / "snapshot-3.v1.json"))
    first: Aggregate = snapshot.mutate(None)
    assert state_of(first) == state_of(snapshot.mutate(None))
    assert "tenant" not in snapshot.state["_mounts"]["/données/train"]["backend"]


def test_a_snapshot_of_today_says_version_2() -> None:
    """Otherwise a tenant that a snapshot holds would be lost to the upcaster."""
    namespace = life_to(3)
    snapshot = Namespace.Snapshot.take(namespace)
    assert snapshot.state["class_version"] == 2
    assert replay(Namespace, [snapshot]) == namespace


def test_a_tenant_survives_events_and_snapshot() -> None:
    """Given a restricted backend, when the stream or a snapshot of it is loaded, then it is still restricted."""
    namespace = life_to(1)
    tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    entry = life_to(3).entries[0]
    backend = BackendDefinition("vault", "azureblob", {"account": "a", "container": "c"}, tenant=tenant)
    namespace.add_mount_entry(type(entry)("/vault", backend), at=namespace.created_on)
    assert namespace.entries[0].backend.tenant == tenant
    (added,) = namespace.pending_events
    assert mapper().to_domain_event(mapper().to_stored_event(added)) == added
    assert replay(Namespace, [Namespace.Snapshot.take(namespace)]).entries == namespace.entries
