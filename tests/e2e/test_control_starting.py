"""`warpdrive-control` told to end before it serves."""

from pathlib import Path

import anyio
import pytest

from tests.support.control_planes import COMMANDS, reachable_dir
from tests.support.ports import running
from tests.support.postgres import FreshDatabase, superuser
from warpdrive.adapters.store.connecting import Role

_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
_TAKE = f"SELECT pg_advisory_lock({int.from_bytes(b'warpmigr', 'big')})"


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_a_start_that_waits_can_be_ended(fresh_database: FreshDatabase, role: str) -> None:
    """Another process migrates the database and does not come to an end: Ctrl-C and SIGTERM still work."""
    place = await fresh_database()
    with reachable_dir() as scratch:
        config = scratch / "config.yaml"
        config.write_text(
            "control_plane:\n  rest_addr: 127.0.0.1:0\n  grpc_addr: 127.0.0.1:0\n"
            f"  data_dir: {scratch / 'home'}\n"
            f"  database:\n    host: {place.host}\n    port: {place.port}\n    name: {place.name}\n"
            f"    user: {place.users[Role.APP]}\n    migration_user: {place.users[Role.OWNER]}\n"
        )
        argv = [str(COMMANDS / "warpdrive-control"), "--config", str(config), "--role", role]
        async with superuser(place, inside=True) as connection:
            await connection.execute(_TAKE)

            with running(argv, log=scratch / "log") as process:
                with anyio.fail_after(20):
                    while not await connection.fetchval(_WAITING):  # noqa: ASYNC110 - a lock tells nobody who waits
                        await anyio.sleep(0.02)
                process.terminate()
                assert process.wait(10) == 0
            printed = _text(scratch / "log")
            assert "Traceback" not in printed
            assert "WarpDrive control plane" not in printed


def _text(file: Path) -> str:
    return file.read_text()
