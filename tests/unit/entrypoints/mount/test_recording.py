"""The composition of telemetry: which sink gets records, and what is checked before anything runs."""

import json
from pathlib import Path

import pytest

from tests.support.clocks import RealClock
from tests.support.ports import LOOPBACK, free_port, wait_until_async
from warpdrive.application.mount.attributes import Caller
from warpdrive.entrypoints.mount.control import TieFilesError
from warpdrive.entrypoints.mount.recording import recording
from warpdrive.entrypoints.settings import AgentSettings, load_agent_settings


def settings(work: Path, **telemetry: object) -> AgentSettings:
    """Read a file with this section, an agent's token and one backend."""
    section = {"enabled": True, "flush_interval": "50ms", **telemetry}
    to_a_plane = section.get("sink") in {"grpc", "http"}
    config = {
        "mount_point": "/mnt/w",
        "agent": {"state_dir": str(work), **({"token_file": str(work / "token")} if to_a_plane else {})},
        "backends": [{"name": "data", "type": "local", "config": {"root": "/srv"}}],
        "telemetry": section,
    }
    path = work / "config.yaml"
    path.write_text(json.dumps(config))
    return load_agent_settings(path, {})


@pytest.mark.parametrize("sink", ["grpc", "http"])
async def test_records_for_a_control_plane_that_is_not_there_stay_on_disk(tmp_path: Path, sink: str) -> None:
    """At the end of the agent, for the next one; the state says so meanwhile."""
    (tmp_path / "token").write_text("wd_x")
    (tmp_path / "token").chmod(0o600)
    address = f"{LOOPBACK}:{free_port()}"
    given = settings(tmp_path, sink=sink, control_plane_addr=f"http://{address}" if sink == "http" else address)
    async with recording(given, RealClock()) as telemetry:
        telemetry.collector.closed(telemetry.collector.opened(Caller(0, 0, 1), "data", "a", "/data/a", ""))
        await wait_until_async(lambda: telemetry.state().spooled == 1)
        state = telemetry.state()
        assert (state.sink, state.recorded, state.sent, state.lost, state.waiting) == (sink, 1, 0, 0, 1)
        assert state.spool_bytes > 0
        assert state.fault
    assert len(list((tmp_path / "telemetry-spool").glob("*.batch"))) >= 1


async def test_a_token_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    """With the key's name, before anything runs."""
    given = settings(tmp_path, sink="grpc", control_plane_addr="127.0.0.1:1")
    with pytest.raises(TieFilesError, match=r"agent\.token_file"):
        async with recording(given, RealClock()):
            pass


async def test_records_for_a_file_are_there_at_the_end(tmp_path: Path) -> None:
    """Nothing is sent, nothing is lost."""
    given = settings(tmp_path, sink="file", file_path=str(tmp_path / "access.jsonl"))
    async with recording(given, RealClock()) as telemetry:
        telemetry.collector.closed(telemetry.collector.opened(Caller(0, 0, 1), "data", "a", "/data/a", ""))
    assert json.loads((tmp_path / "access.jsonl").read_bytes())["user"] == "root"
    assert (telemetry.state().recorded, telemetry.state().lost) == (1, 0)
