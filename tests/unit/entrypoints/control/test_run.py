"""One invocation of `warpdrive-control` that cannot be what was meant."""

from pathlib import Path

import pytest

from warpdrive.entrypoints.control.run import USAGE, Invocation, serve

DATABASE = "control_plane:\n  database:\n    host: db.example.com\n    user: warpdrive\n"


@pytest.mark.parametrize("role", ["api", "worker"])
def test_half_a_control_plane_needs_a_database_to_share(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An embedded one is its process's own: an api on it would wait for a worker that cannot come."""
    assert serve(Invocation(config=None, role=role), {"HOME": "/nowhere"}) == USAGE
    said = capsys.readouterr().err
    assert f"--role {role}" in said
    assert "control_plane.database" in said
    assert "--role all" in said


def test_a_worker_makes_no_tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks one for it is told, rather than left to look for the file."""
    config = tmp_path / "config.yaml"
    config.write_text(DATABASE)
    assert serve(Invocation(config=config, role="worker", new_admin_token=True), {}) == USAGE
    assert "--new-admin-token" in capsys.readouterr().err
