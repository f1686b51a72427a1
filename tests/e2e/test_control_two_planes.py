"""Two control planes on one database at once: both serve, one keeps the read models, either may die."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.control_load import GONE, Load, effects
from tests.support.control_planes import ControlPlaneProcess, children, control_plane, reachable_dir
from tests.support.embedded_owner import wait_until_gone
from tests.support.ports import wait_until, wait_until_async
from tests.support.postgres import FreshDatabase, superuser
from warpdrive.adapters.store.connecting import DatabasePlace

_KEEPS = "this process keeps the read models"
_HOLDERS = """
    SELECT activity.pid, activity.application_name
    FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.granted AND activity.datname = $1
"""
"""Who holds an advisory lock of the database: projectors and others that run once, and those who migrate or rebuild."""


async def _holders(place: DatabasePlace) -> dict[int, str]:
    """Return the names of the sessions that hold a lock, by pid."""
    async with superuser(place) as connection:
        rows = await connection.fetch(_HOLDERS, place.name)
    return {row["pid"]: row["application_name"] for row in rows}


def _one_projector(holders: dict[int, str]) -> int:
    """Return the pid of the only projector among the holders; others keep other things."""
    (projector,) = [pid for pid, name in holders.items() if name == "warpdrive projector"]
    return projector


async def test_two_on_one_database_serve_as_one(fresh_database: FreshDatabase) -> None:
    """One first token, one projector; what one does the other shows, and it goes on alone when that one is killed."""
    place = await fresh_database()
    with reachable_dir() as scratch, _started_at_once(scratch, place) as (first, second):
        token = next(each.token for each in (first, second) if each.token_file.exists())
        shown = first.must("GET", "/api/v1/tokens?ended=true", token=token)["tokens"]
        assert [each["note"] for each in shown] == ["first admin"]
        assert _KEEPS not in second.printed()
        projector = _one_projector(await _holders(place))
        _each_reads_what_the_other_wrote(first, second, token)
        await _a_revoked_token_ends_everywhere(first, second, token)

        ours, others = Load(first.url, first.grpc, token), Load(second.url, second.grpc, token)
        others.mark = ours.mark  # the same streams, so that they get in each other's way
        await ours.prepare(2)
        workers = children(first.process.pid)
        async with ours.writing(2), others.writing(2):
            await ours.until("OK", 10)
            await others.until("OK", 10)
            assert _one_projector(await _holders(place)) == projector
            first.process.kill()
            await ours.until(GONE, 1)
            ours.stop()
            for worker in workers:
                wait_until_gone(worker)
            await others.until("OK", 5, after=len(others.commands))
        assert others.outcomes() == {"OK"}

        again = [*await ours.repeat(second.url, second.grpc), *await others.repeat(second.url, second.grpc)]
        assert {each.outcome for each in again} == {"OK"}
        counted = await effects(place)
        assert {counted.get(each.key, 0) for each in again} == {1}
        position = {"x-warpdrive-min-position": str(max(each.position for each in again))}
        second.must("GET", "/api/v1/namespaces", token=token, headers=position)
        assert _one_projector(await _holders(place)) != projector
        assert _KEEPS in second.printed()
        assert second.stop() == 0
    assert await _holders(place) == {}


@contextlib.contextmanager
def _started_at_once(scratch: Path, place: DatabasePlace) -> Iterator[tuple[ControlPlaneProcess, ControlPlaneProcess]]:
    """Start two at the same moment on an empty database; gives the one that keeps the read models first."""
    contexts = [control_plane(scratch / name, place=place) for name in ("one", "other")]
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as threads:
        planes = list(threads.map(stack.enter_context, contexts))
        assert sorted(each.token_file.exists() for each in planes) == [False, True]
        wait_until(lambda: any(_KEEPS in each.printed() for each in planes), what="a projector")
        planes.sort(key=lambda each: _KEEPS not in each.printed())
        yield planes[0], planes[1]


def _each_reads_what_the_other_wrote(first: ControlPlaneProcess, second: ControlPlaneProcess, token: str) -> None:
    for number, (writer, reader) in enumerate([(first, second), (second, first)] * 3):
        wrote = writer.ask("POST", "/api/v1/namespaces", {"name": f"seen-{number}"}, token=token)
        assert wrote.status_code == 200, wrote.text
        asked = {"x-warpdrive-min-position": wrote.headers["x-warpdrive-position"]}
        seen = reader.must("GET", "/api/v1/namespaces", token=token, headers=asked)
        assert f"seen-{number}" in {each["name"] for each in seen["namespaces"]}


async def _a_revoked_token_ends_everywhere(first: ControlPlaneProcess, second: ControlPlaneProcess, token: str) -> None:
    made = first.must("POST", "/api/v1/tokens", {"role": "ROLE_VIEWER"}, token=token)
    secret = made["secret"]
    assert second.ask("GET", "/api/v1/whoami", token=secret).status_code == 200
    first.must("DELETE", f"/api/v1/tokens/{made['token']['tokenId']}", token=token)
    assert first.ask("GET", "/api/v1/whoami", token=secret).status_code == 401
    await wait_until_async(
        lambda: second.ask("GET", "/api/v1/whoami", token=secret).status_code == 401,
        within=2.0,
        what="the other process looking again",
    )
