"""What is indexed of each backend, and how its crawls go."""

from datetime import timedelta

from tests.support.filled_warehouse import MOMENT, PlainBackend, PlainCrawl, PlainObject
from tests.support.governed_plane import GovernedPlane
from warpdrive.adapters.store.memory.crawl_register import MemoryCrawlRegister
from warpdrive.adapters.store.memory.usage_facts import MemoryUsageFacts
from warpdrive.application.control.backends import Backends, BackendView
from warpdrive.application.control.calls import Principal
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.token.values import Role

LAKE = BackendDefinition("lake", "local", {"root": "/lake"})
NEW = BackendDefinition("new", "s3", {"bucket": "x"}, prefix="p/")


async def told(on: GovernedPlane, principal: Principal | None = None) -> dict[str, BackendView]:
    """Ask for them all."""
    use_case = Backends(on.models, on.plane.moments, MemoryUsageFacts(on.warehouse), MemoryCrawlRegister(on.warehouse))
    done = await use_case.every(on.call(principal) if principal else on.call())
    assert done.position == done.value.as_of.position
    names = [each.name for each in done.value.backends]
    assert names == sorted(names)
    return {each.name: each for each in done.value.backends}


async def test_every_backend_of_every_namespace_is_shown_once() -> None:
    """With what is indexed of it, the last complete generation and the newest crawl; others are not shown."""
    on = GovernedPlane()
    on.facts.backends = [PlainBackend("lake", LAKE.place), PlainBackend("gone", present=False)]
    on.facts.objects += [PlainObject("lake", "a", 5), PlainObject("lake", "b", 7, deleted_at=MOMENT)]
    on.facts.crawls += [PlainCrawl("lake", 1), PlainCrawl("lake", 2, "failed", MOMENT + timedelta(days=1))]
    on.fill()
    await on.plane.namespaces.create(on.call(), "train", (MountEntry("/a", LAKE), MountEntry("/n", NEW)))
    await on.plane.namespaces.create(on.call(), "eval", (MountEntry("/b", LAKE),))
    found = await told(on)
    assert list(found) == ["lake", "new"]
    lake, new = found.values()
    assert (lake.namespaces, lake.objects, lake.bytes) == (("eval", "train"), 1, 5)
    assert (lake.generation, lake.crawled_at) == (1, MOMENT)
    assert lake.last_crawl is not None
    assert (lake.last_crawl.generation, lake.last_crawl.state) == (2, "failed")
    assert (new.type, new.place, new.prefix, new.generation) == ("s3", NEW.place, "p/", 0)
    assert (new.objects, new.crawled_at, new.last_crawl) == (0, None, None)


async def test_a_scope_of_namespaces_shows_their_backends_only() -> None:
    """And a retired namespace shows none."""
    on = GovernedPlane()
    await on.plane.namespaces.create(on.call(), "train", (MountEntry("/a", LAKE),))
    await on.plane.namespaces.create(on.call(), "eval", (MountEntry("/b", NEW),))
    scoped = Principal("token:x", Role.VIEWER, namespaces=("eval",))
    assert list(await told(on, scoped)) == ["new"]

    on.facts.backends = [PlainBackend("lake", LAKE.place), PlainBackend("new", NEW.place, "p/")]
    on.facts.backends.append(PlainBackend("other", NEW.place, "q/"))
    on.facts.crawls += [PlainCrawl("lake", 1), PlainCrawl("new", 1)]
    on.fill()
    use_case = Backends(on.models, on.plane.moments, MemoryUsageFacts(on.warehouse), MemoryCrawlRegister(on.warehouse))
    view = (await use_case.every(on.call(scoped))).value
    assert [mark.name for mark in view.as_of.crawls] == ["new"], "also in what it is as of"
    (shown,) = view.backends
    assert shown.last_crawl is not None
    assert shown.last_crawl.backends == ("new",), "and in what was crawled with it"
    await on.plane.namespaces.retire(on.call(), "eval")
    assert list(await told(on)) == ["lake"]


async def test_a_name_at_another_place_knows_nothing_of_the_place_before() -> None:
    """Until it is numbered and crawled itself."""
    on = GovernedPlane()
    on.facts.backends = [PlainBackend("lake", "local|root=/elsewhere")]
    on.facts.crawls.append(PlainCrawl("lake", 1))
    on.fill()
    await on.plane.namespaces.create(on.call(), "train", (MountEntry("/a", LAKE),))
    lake = (await told(on))["lake"]
    assert (lake.generation, lake.last_crawl) == (0, None)
