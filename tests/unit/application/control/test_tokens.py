"""Tokens, and knowing callers by them."""

from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest

from tests.support.memory_plane import ADMIN, MemoryPlane
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.doorkeeping import ANYONE, BELIEVED, BELIEVED_WATCHING
from warpdrive.application.control.errors import AlreadyThere, Malformed, NotFound, Unauthenticated
from warpdrive.application.control.secrets import make_secret, parse_secret
from warpdrive.domain.token.errors import InvalidTokenGrant, TokenRevoked
from warpdrive.domain.token.values import Role


async def test_whoever_shows_the_secret_is_who_the_token_says() -> None:
    """Role, scope and node come from the token, the name from its id."""
    on = MemoryPlane()
    issued = await on.plane.tokens.create(
        on.call(), role=Role.AGENT, namespaces=("training",), node="node-1", note="rack 4"
    )
    principal = await on.plane.doorkeeper.principal(issued.value.secret)
    assert principal == Principal(f"token:{issued.value.token.id}", Role.AGENT, ("training",), (), "node-1")


async def test_the_secret_is_nowhere_but_in_the_answer() -> None:
    """Neither events nor lists hold it; a repeated command gets the token without it."""
    on = MemoryPlane()
    command = uuid4()
    issued = await on.plane.tokens.create(on.call(command=command, request="r"), role=Role.VIEWER)
    secret = parse_secret(issued.value.secret)
    assert secret is not None
    assert all(secret.random.encode() not in event.state for event in await on.events())
    again = await on.plane.tokens.create(on.call(command=command, request="r"), role=Role.VIEWER)
    assert again.value.secret == ""
    assert again.value.token == issued.value.token
    page = await on.plane.tokens.page(on.call(), size=0, token="", ended=False)
    assert page.value.items == (issued.value.token,)
    assert issued.value.token.created_by == ADMIN.name


@pytest.mark.parametrize("shown", [None, "", "wd_x", make_secret(UUID(int=7), b"x" * 32).text])
async def test_nobody_is_known_by_a_secret_that_was_never_given_out(shown: str | None) -> None:
    """All in the same words."""
    on = MemoryPlane()
    await on.plane.tokens.create(on.call(), role=Role.ADMIN)
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(shown)


async def test_a_right_id_with_a_wrong_secret_is_nobody() -> None:
    """The id is no secret: lists show it."""
    on = MemoryPlane()
    issued = await on.plane.tokens.create(on.call(), role=Role.ADMIN)
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(make_secret(UUID(issued.value.token.id), b"z" * 32).text)


async def test_a_revoked_token_ends_at_once_where_it_was_revoked() -> None:
    """What was believed a moment ago is looked at again."""
    on = MemoryPlane()
    issued = await on.plane.tokens.create(on.call(), role=Role.VIEWER)
    await on.plane.doorkeeper.principal(issued.value.secret)
    revoked = await on.plane.tokens.revoke(on.call(), issued.value.token.id, "lost")
    assert revoked.value.revoked
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(issued.value.secret)
    with pytest.raises(TokenRevoked):
        await on.plane.tokens.revoke(on.call(), issued.value.token.id, "again")
    assert (await on.plane.tokens.page(on.call(), size=0, token="", ended=False)).value.items == ()
    assert len((await on.plane.tokens.page(on.call(), size=0, token="", ended=True)).value.items) == 1


async def test_a_token_revoked_elsewhere_ends_within_a_second() -> None:
    """Another process believes for a second what it has seen, then looks again."""
    on = MemoryPlane()
    issued = await on.plane.tokens.create(on.call(), role=Role.VIEWER)
    other = MemoryPlane.beside(on)
    await other.plane.doorkeeper.principal(issued.value.secret)
    await on.plane.tokens.revoke(on.call(), issued.value.token.id, "lost")
    on.clock.advance(BELIEVED + 0.01)
    with pytest.raises(Unauthenticated):
        await other.plane.doorkeeper.principal(issued.value.secret)


async def test_a_watchers_token_that_is_revoked_elsewhere_ends_when_its_event_is_told() -> None:
    """It is believed for longer than a caller's, because the follower hears of its end."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "training", [])
    issued = await on.plane.tokens.create(on.call(), role=Role.AGENT, node="n1")
    other = MemoryPlane.beside(on)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other.plane.watch.run)
        async with other.plane.watch.following(other.call(), "n1", "training", 0) as changes:
            await anext(changes)
            await other.plane.doorkeeper.principal(issued.value.secret, believed=BELIEVED_WATCHING)
            on.clock.advance(BELIEVED_WATCHING / 2)
            await other.plane.doorkeeper.principal(issued.value.secret, believed=BELIEVED_WATCHING)
            await on.plane.tokens.revoke(on.call(), issued.value.token.id, "lost")
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(Unauthenticated):
                await other.plane.doorkeeper.principal(issued.value.secret, believed=BELIEVED_WATCHING)
        tasks.cancel_scope.cancel()


async def test_a_token_ends_when_its_time_is_over() -> None:
    """Also while it is believed."""
    on = MemoryPlane()
    issued = await on.plane.tokens.create(on.call(), role=Role.VIEWER, expires_in=0.5)
    await on.plane.doorkeeper.principal(issued.value.secret)
    on.clock.advance(0.5)
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(issued.value.secret)
    assert (await on.plane.tokens.page(on.call(), size=0, token="", ended=False)).value.items == ()


async def test_an_agents_token_names_its_node() -> None:
    """Without one, or with one for another role, there is no token."""
    on = MemoryPlane()
    with pytest.raises(InvalidTokenGrant):
        await on.plane.tokens.create(on.call(), role=Role.AGENT)
    with pytest.raises(InvalidTokenGrant):
        await on.plane.tokens.create(on.call(), role=Role.VIEWER, node="node-1")


async def test_there_is_one_first_admin() -> None:
    """The second control plane on the same database finds that it was done."""
    on = MemoryPlane()
    first = await on.plane.tokens.create_first(on.call(), make_secret(uuid4(), b"a" * 32))
    assert (await on.plane.doorkeeper.principal(first.value.secret)).role is Role.ADMIN
    with pytest.raises(AlreadyThere):
        await on.plane.tokens.create_first(on.call(), make_secret(uuid4(), b"b" * 32))


async def test_an_open_door_lets_everybody_in_as_admin() -> None:
    """`auth.mode: none`, for one machine."""
    assert await MemoryPlane(open_door=True).plane.doorkeeper.principal(None) == ANYONE


@pytest.mark.parametrize(("token_id", "error"), [("x", Malformed), ("00000000-0000-4000-8000-000000000000", NotFound)])
async def test_revoking_what_is_no_token_says_so(token_id: str, error: type[Exception]) -> None:
    """A typo is told apart from a token that is not there."""
    on = MemoryPlane()
    with pytest.raises(error):
        await on.plane.tokens.revoke(on.call(), token_id, "")


async def test_the_id_of_something_else_is_no_token() -> None:
    """Ids of namespaces are in every answer: shown as a secret they are nobody, and they cannot be revoked."""
    on = MemoryPlane()
    namespace = await on.plane.namespaces.create(on.call(), "training", [])
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(make_secret(UUID(namespace.value.id), b"x" * 32).text)
    with pytest.raises(NotFound):
        await on.plane.tokens.revoke(on.call(), namespace.value.id, "")
    await on.plane.namespaces.seal(on.call(), "training")


async def test_a_token_that_is_looked_up_while_it_is_revoked_is_not_believed_afterwards() -> None:
    """What was read before the revocation is not kept past it."""
    on = MemoryPlane()
    issued = await on.plane.tokens.create(on.call(), role=Role.VIEWER)
    looking, revoked = anyio.Event(), anyio.Event()
    reading = on.store.stream

    async def slowly(*args: Any, **bounds: Any) -> Any:
        events = await reading(*args, **bounds)
        if not looking.is_set():
            looking.set()
            await revoked.wait()
        return events

    on.store.stream = slowly  # type: ignore[method-assign] # what a slow connection does
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(on.plane.doorkeeper.principal, issued.value.secret)
        await looking.wait()
        await on.plane.tokens.revoke(on.call(), issued.value.token.id, "lost")
        revoked.set()
    with pytest.raises(Unauthenticated):
        await on.plane.doorkeeper.principal(issued.value.secret)
