"""The embedded server across starts, kills and stops: real processes, really killed."""

import contextlib
import os
import signal
from pathlib import Path

import anyio
import pytest

from tests.support.embedded_owner import embedded_owner, postmaster_pid, runs, wait_until_gone
from tests.support.ports import wait_until_async
from warpdrive.adapters.store.connecting import DatabasePlace, DatabaseUnavailable, Role, connect
from warpdrive.adapters.store.embedded import embedded_postgres
from warpdrive.adapters.store.embedded.errors import DataDirectoryInUse


async def _write(place: DatabasePlace, note: str) -> None:
    connection = await connect(place, Role.OWNER, application_name="tests")
    await connection.execute("CREATE TABLE IF NOT EXISTS notes (note text)")
    await connection.execute("INSERT INTO notes VALUES ($1)", note)
    await connection.close()


async def _notes(place: DatabasePlace) -> list[str]:
    connection = await connect(place, Role.OWNER, application_name="tests")
    rows = await connection.fetch("SELECT note FROM notes ORDER BY note")
    await connection.close()
    return [row["note"] for row in rows]


async def test_data_survive_a_stop_and_the_server_does_not(open_folder: Path) -> None:
    """What was written is there at the next start; between the two no process is."""
    data_dir = open_folder / "control"
    async with embedded_postgres(data_dir) as place:
        await _write(place, "first")
        pid = postmaster_pid(data_dir)
    assert not runs(pid)
    async with embedded_postgres(data_dir) as place:
        assert await _notes(place) == ["first"]


async def test_it_writes_durably_and_listens_on_no_address(open_folder: Path) -> None:
    """Acknowledged means on disk, and the socket's directory is closed to other users."""
    async with embedded_postgres(open_folder / "control") as place:
        connection = await connect(place, Role.APP, application_name="tests")
        shown = {
            key: await connection.fetchval(f"SHOW {key}")
            for key in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "max_connections")
        }
        await connection.close()
        assert shown == {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "listen_addresses": "",
            "max_connections": "100",
        }
        assert (await anyio.Path(place.host).stat()).st_mode & 0o777 == 0o700


async def test_a_server_left_behind_is_adopted_and_stops_with_its_new_owner(open_folder: Path) -> None:
    """After kill -9 of the control plane the same server process serves the next one, data and all."""
    data_dir = open_folder / "control"
    with embedded_owner(data_dir, open_folder) as owner:
        left = postmaster_pid(data_dir)
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        assert runs(left)
    async with embedded_postgres(data_dir) as place:
        assert postmaster_pid(data_dir) == left
        await _write(place, "adopted")
        assert await _notes(place) == ["adopted"]
    assert not runs(left)


async def test_it_stops_with_a_process_that_is_asked_to_end(open_folder: Path) -> None:
    """SIGTERM ends the control plane and the server with it."""
    data_dir = open_folder / "control"
    with embedded_owner(data_dir, open_folder) as owner:
        pid = postmaster_pid(data_dir)
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(20) == 0
        assert not runs(pid)


async def test_a_killed_server_is_started_again_beneath_us(open_folder: Path) -> None:
    """After kill -9 of the server what was acknowledged is there, at the same place, without our doing."""
    data_dir = open_folder / "control"
    async with embedded_postgres(data_dir) as place:
        await _write(place, "acknowledged")
        first = postmaster_pid(data_dir)
        os.kill(first, signal.SIGKILL)
        await _until_it_answers(place)
        assert await _notes(place) == ["acknowledged"]
        second = postmaster_pid(data_dir)
        assert second != first
    assert not runs(second)


async def test_a_server_that_cannot_start_again_does_when_it_can(open_folder: Path) -> None:
    """Whatever keeps it from starting, it is tried until that is gone: here its files, moved away for a while."""
    cluster = open_folder / "control" / "postgres" / "data"
    log = open_folder / "control" / "postgres.log"
    async with embedded_postgres(open_folder / "control") as place:
        await _write(place, "acknowledged")
        pid = postmaster_pid(open_folder / "control")
        cluster.rename(cluster.with_name("away"))
        os.kill(pid, signal.SIGKILL)
        await wait_until_async(lambda: "could not access directory" in log.read_text(), what="a failed start")
        cluster.with_name("away").rename(cluster)
        await _until_it_answers(place)
        assert await _notes(place) == ["acknowledged"]


async def _until_it_answers(place: DatabasePlace) -> None:
    with anyio.fail_after(20):
        while True:
            try:
                connection = await connect(place, Role.APP, application_name="tests")
            except DatabaseUnavailable:
                await anyio.sleep(0.05)
            else:
                await connection.close()
                return


async def test_both_killed_at_once_lose_nothing(open_folder: Path) -> None:
    """After kill -9 of both, control plane and server, the next start recovers what was acknowledged.

    A child of the dead server that is still at work holds the start up; it is tried again until that is gone.
    """
    data_dir = open_folder / "control"
    with embedded_owner(data_dir, open_folder) as owner:
        place = DatabasePlace(str(data_dir / "postgres/socket"), 5432, "warpdrive", {Role.OWNER: "warpdrive_owner"})
        await _write(place, "acknowledged")
        at_work = await connect(place, Role.OWNER, application_name="tests")
        child = await at_work.fetchval("SELECT pg_backend_pid()")
        left = postmaster_pid(data_dir)
        os.kill(child, signal.SIGSTOP)
        try:
            for pid in (owner.pid, left):
                os.kill(pid, signal.SIGKILL)
                wait_until_gone(pid)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_let_go_when_in_the_way, child, data_dir / "postgres.log")
                async with embedded_postgres(data_dir) as again:
                    assert await _notes(again) == ["acknowledged"]
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended, as it should
                os.kill(child, signal.SIGCONT)
            at_work.terminate()


async def _let_go_when_in_the_way(child: int, log: Path) -> None:
    words = "pre-existing shared memory block"
    await wait_until_async(lambda: words in log.read_text(), what="a start that meets the child")
    os.kill(child, signal.SIGCONT)


async def test_it_stops_when_its_task_is_cancelled(open_folder: Path) -> None:
    """Cancellation does not leave a server behind."""
    data_dir = open_folder / "control"
    with anyio.CancelScope() as scope:
        async with embedded_postgres(data_dir):
            pid = postmaster_pid(data_dir)
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert not runs(pid)


async def test_cancelling_a_start_leaves_nothing_behind(open_folder: Path) -> None:
    """A start that is given up half way has stopped what it began, and another one works."""
    data_dir = open_folder / "control"
    with anyio.move_on_after(0.4):
        async with embedded_postgres(data_dir):
            await anyio.sleep_forever()
    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists()
    async with embedded_postgres(data_dir) as place:
        await _until_it_answers(place)


async def test_a_second_control_plane_on_the_directory_is_told_who_has_it(open_folder: Path) -> None:
    """The data directory has one owner, and the message names its process."""
    data_dir = open_folder / "control"
    async with embedded_postgres(data_dir) as place:
        with pytest.raises(DataDirectoryInUse, match=f"in use by process {os.getpid()}; stop that control plane"):
            async with embedded_postgres(data_dir):
                raise AssertionError("two owners")
        await _until_it_answers(place)
