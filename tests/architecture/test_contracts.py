"""The contracts between layers hold, and they are really there to hold."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lint_imports(*options: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run import-linter as `make lint` does."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", *options]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_contracts_between_layers_hold() -> None:
    """import-linter finds no arrow that points outward."""
    outcome = lint_imports(cwd=ROOT)
    assert outcome.returncode == 0, outcome.stdout
    assert "0 broken" in outcome.stdout


def test_an_arrow_that_points_outward_is_found(tmp_path: Path) -> None:
    """The contracts can fail: a domain module that imports an adapter is refused by name."""
    package = tmp_path / "warpdrive"
    for room in ("domain/content", "adapters/blob", "domain/namespace"):
        (package / room).mkdir(parents=True)
    for folder in ("", "domain", "domain/content", "domain/namespace", "adapters", "adapters/blob"):
        (package / folder / "__init__.py").write_text("")
    (package / "domain" / "content" / "pages.py").write_text("import warpdrive.adapters.blob\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = warpdrive\n"
        "[importlinter:contract:arrows]\nname = arrows\ntype = layers\ncontainers = warpdrive\n"
        "layers =\n    adapters\n    domain\n"
    )
    outcome = lint_imports("--config", ".importlinter", cwd=tmp_path)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "warpdrive.domain.content.pages -> warpdrive.adapters.blob" in outcome.stdout
