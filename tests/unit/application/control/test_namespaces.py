"""Namespaces as callers meet them."""

from uuid import uuid4

import pytest

from tests.support.memory_plane import ADMIN, MemoryPlane
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import AlreadyThere, NotFound, VersionMismatch
from warpdrive.application.ports.event_store import CommandIdReused
from warpdrive.domain.namespace.errors import BackendConflict, DuplicateMountPath, NamespaceSealed
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.token.values import Role


def entry(path: str, bucket: str = "imagenet", name: str = "") -> MountEntry:
    """Make a mount entry in a bucket."""
    return MountEntry(path, BackendDefinition(name or bucket, "s3", {"bucket": bucket}))


async def test_what_was_created_is_shown_by_name_and_in_the_list() -> None:
    """A command's answer and the queries after it agree."""
    on = MemoryPlane()
    done = await on.plane.namespaces.create(on.call(), "training", [entry("/train")])
    assert (await on.plane.namespaces.get(on.call(), "training")).value == done.value
    page = await on.plane.namespaces.page(on.call(), size=0, token="", retired=False)
    assert page.value.items == (done.value,)
    assert page.position >= done.position


async def test_a_name_belongs_to_one_namespace_until_it_is_retired() -> None:
    """The name of a retired one can be given again; its history keeps its own id."""
    on = MemoryPlane()
    first = await on.plane.namespaces.create(on.call(), "training", [])
    with pytest.raises(AlreadyThere):
        await on.plane.namespaces.create(on.call(), "training", [])
    await on.plane.namespaces.retire(on.call(), "training")
    with pytest.raises(NotFound):
        await on.plane.namespaces.get(on.call(), "training")
    second = await on.plane.namespaces.create(on.call(), "training", [])
    assert second.value.id != first.value.id
    assert (await on.plane.namespaces.get(on.call(), first.value.id)).value.retired


async def test_a_backends_name_means_one_place_in_all_namespaces() -> None:
    """The same name with another fingerprint is refused, wherever it is used; and free when nobody uses it."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "a", [entry("/x", "one", name="data"), entry("/y", "one", name="data")])
    with pytest.raises(AlreadyThere, match="another place"):
        await on.plane.namespaces.create(on.call(), "b", [entry("/x", "two", name="data")])
    await on.plane.namespaces.remove_mount(on.call(), "a", "/x")
    with pytest.raises(AlreadyThere):
        await on.plane.namespaces.create(on.call(), "b", [entry("/x", "two", name="data")])
    await on.plane.namespaces.retire(on.call(), "a")
    await on.plane.namespaces.create(on.call(), "b", [entry("/x", "two", name="data")])


async def test_nothing_of_a_refused_command_is_kept() -> None:
    """A second entry on one path refuses the whole creation, and the name stays free."""
    on = MemoryPlane()
    with pytest.raises(DuplicateMountPath):
        await on.plane.namespaces.create(on.call(), "a", [entry("/x"), entry("/x")])
    assert await on.events() == []
    await on.plane.namespaces.create(on.call(), "a", [entry("/x")])
    with pytest.raises(BackendConflict):
        await on.plane.namespaces.add_mount(on.call(), "a", entry("/y", "other", name="imagenet"))
    assert (await on.plane.namespaces.get(on.call(), "a")).value.entries == (entry("/x"),)


async def test_a_repeated_command_has_its_first_answer() -> None:
    """Also when what it asks for would be refused by now, or the state has moved on."""
    on = MemoryPlane()
    command = uuid4()
    first = await on.plane.namespaces.create(on.call(command=command, request="r"), "a", [])
    await on.plane.namespaces.add_mount(on.call(), "a", entry("/x"))
    await on.plane.namespaces.seal(on.call(), "a")
    again = await on.plane.namespaces.create(on.call(command=command, request="r"), "a", [])
    assert again.repeated
    assert (again.value, again.position) == (first.value, first.position)
    sealing = uuid4()
    await on.plane.namespaces.unseal(on.call(), "a")
    sealed = await on.plane.namespaces.seal(on.call(command=sealing, request="s"), "a")
    assert (await on.plane.namespaces.seal(on.call(command=sealing, request="s"), "a")).value == sealed.value
    with pytest.raises(NamespaceSealed):
        await on.plane.namespaces.seal(on.call(), "a")


async def test_a_repeated_retirement_has_its_first_answer() -> None:
    """Though the name leads nowhere by then."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "a", [])
    command = uuid4()
    first = await on.plane.namespaces.retire(on.call(command=command, request="r"), "a")
    again = await on.plane.namespaces.retire(on.call(command=command, request="r"), "a")
    assert again.value == first.value
    assert again.repeated


async def test_another_request_under_the_same_command_id_is_refused() -> None:
    """An idempotency key cannot be used twice for different things, whether or not the second would succeed."""
    on = MemoryPlane()
    command = uuid4()
    await on.plane.namespaces.create(on.call(command=command, request="r"), "a", [])
    with pytest.raises(CommandIdReused):
        await on.plane.namespaces.create(on.call(command=command, request="other"), "b", [])
    with pytest.raises(CommandIdReused):
        await on.plane.namespaces.create(on.call(command=command, request="other"), "a", [])


async def test_apply_makes_the_entries_exactly_those_and_says_what_changed() -> None:
    """Added, changed and removed entries come in one step; a second time nothing changes."""
    on = MemoryPlane()
    apply = on.plane.namespaces.apply
    created = await apply(on.call(), "a", [entry("/x"), entry("/y")], dry_run=False, expected_version=0)
    assert created.value.created
    assert [change.path for change in created.value.changes] == ["/x", "/y"]
    moved = entry("/y", "other", name="other")
    done = await apply(on.call(), "a", [moved, entry("/z")], dry_run=False, expected_version=0)
    assert [(change.path, change.before is None, change.after is None) for change in done.value.changes] == [
        ("/x", False, True),
        ("/y", False, False),
        ("/z", True, False),
    ]
    assert done.value.namespace.entries == (moved, entry("/z"))
    again = await apply(on.call(), "a", [moved, entry("/z")], dry_run=False, expected_version=0)
    assert again.value.changes == ()
    assert again.value.namespace.version == done.value.namespace.version


async def test_apply_can_move_a_backends_name_in_one_step() -> None:
    """Where one namespace alone uses the name, it may come to mean another place."""
    on = MemoryPlane()
    apply = on.plane.namespaces.apply
    await apply(on.call(), "a", [entry("/x", "one", name="data")], dry_run=False, expected_version=0)
    await apply(on.call(), "a", [entry("/y", "two", name="data")], dry_run=False, expected_version=0)
    assert (await on.plane.namespaces.get(on.call(), "a")).value.entries == (entry("/y", "two", name="data"),)


async def test_a_dry_run_says_what_would_be_and_writes_nothing() -> None:
    """Neither for a namespace that is there nor for one that is not."""
    on = MemoryPlane()
    apply = on.plane.namespaces.apply
    dry = await apply(on.call(), "a", [entry("/x")], dry_run=True, expected_version=0)
    assert dry.value.created
    assert await on.events() == []
    await apply(on.call(), "a", [entry("/x")], dry_run=False, expected_version=0)
    count = len(await on.events())
    dry = await apply(on.call(), "a", [], dry_run=True, expected_version=0)
    assert dry.value.namespace.entries == ()
    assert len(await on.events()) == count
    assert (await on.plane.namespaces.get(on.call(), "a")).value.entries == (entry("/x"),)


async def test_apply_on_a_version_that_is_gone_is_refused() -> None:
    """Whoever has looked at an older state has to look again."""
    on = MemoryPlane()
    apply = on.plane.namespaces.apply
    seen = await apply(on.call(), "a", [entry("/x")], dry_run=False, expected_version=0)
    await on.plane.namespaces.add_mount(on.call(), "a", entry("/y"))
    with pytest.raises(VersionMismatch):
        await apply(on.call(), "a", [], dry_run=False, expected_version=seen.value.namespace.version)


async def test_pages_follow_each_other_without_gaps() -> None:
    """Names in order, each once, whatever the size of a page."""
    on = MemoryPlane()
    names = [f"n{number:02}" for number in range(7)]
    for name in reversed(names):
        await on.plane.namespaces.create(on.call(), name, [])
    seen: list[str] = []
    token = ""
    while True:
        page = (await on.plane.namespaces.page(on.call(), size=3, token=token, retired=False)).value
        seen += [view.name for view in page.items]
        token = page.next_token
        if not token:
            break
    assert seen == names


async def test_a_scoped_caller_lists_its_own_namespaces_only() -> None:
    """The others are not even named."""
    on = MemoryPlane()
    for name in ("mine", "theirs"):
        await on.plane.namespaces.create(on.call(), name, [])
    scoped = Principal("token:s", Role.VIEWER, namespaces=("mine", "gone"))
    page = await on.plane.namespaces.page(on.call(scoped), size=0, token="", retired=False)
    assert [view.name for view in page.value.items] == ["mine"]


async def test_every_event_says_who_caused_it() -> None:
    """Actor, command and correlation are with each event."""
    on = MemoryPlane()
    call = on.call()
    await on.plane.namespaces.create(call, "a", [entry("/x")])
    for event in await on.events():
        assert (event.actor, event.command_id, event.correlation_id) == (ADMIN.name, call.command_id, "test")


async def test_a_dry_run_finds_a_backends_name_that_is_taken() -> None:
    """As the real one would; a name whose only other user is retired is free."""
    on = MemoryPlane()
    apply = on.plane.namespaces.apply
    await on.plane.namespaces.create(on.call(), "a", [entry("/x", "one", name="data")])
    for dry_run in (True, False):
        with pytest.raises(AlreadyThere, match="another place"):
            await apply(on.call(), "b", [entry("/x", "two", name="data")], dry_run=dry_run, expected_version=0)
    await on.plane.namespaces.retire(on.call(), "a")
    for dry_run in (True, False):
        await apply(on.call(), "b", [entry("/x", "two", name="data")], dry_run=dry_run, expected_version=0)


async def test_who_sees_some_namespaces_is_not_told_where_others_lead() -> None:
    """Only that the backend's name is taken."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "theirs", [entry("/x", "secret-bucket", name="data")])
    scoped = on.call(Principal("token:s", Role.OPERATOR, namespaces=("mine",)))
    with pytest.raises(AlreadyThere) as refusal:
        await on.plane.namespaces.create(scoped, "mine", [entry("/x", "two", name="data")])
    assert "secret-bucket" not in str(refusal.value)
