"""One invocation of `warpdrive-control` that cannot be what was meant."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from warpdrive.adapters.lake import extra
from warpdrive.entrypoints.control.run import USAGE, Invocation, check, serve

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


@pytest.mark.parametrize("run", [serve, check])
def test_an_archive_without_its_extra_is_refused_at_the_start(
    run: Callable[[Invocation, Mapping[str, str]], int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rather than in the worker, two days later; it says what to install."""
    config = tmp_path / "config.yaml"
    config.write_text("control_plane: {archive: {backend: cold}}\n")
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "pyarrow" else find_spec(name))
    assert run(Invocation(config=config), {"HOME": "/nowhere"}) == USAGE
    assert "control_plane.archive needs the lake extra: pip install 'warpdrive[lake]'" in capsys.readouterr().err
