"""The core loads no Rust extension: only the SDKs of azure, gcs and sftp need one, and they are imported lazily."""

import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAZY = ("azure", "gcloud", "asyncssh", "cryptography", "jwt", "pyarrow", "duckdb")

_PROBE = textwrap.dedent(
    """
    import importlib, pathlib, sys
    for name in sys.argv[1:]:
        importlib.import_module(name)
    lines = pathlib.Path("/proc/self/maps").read_text().splitlines()
    objects = {line.split(maxsplit=5)[5] for line in lines if line.count("/") and ".so" in line}
    # Rust's standard library leaves its panic messages' source paths in every extension built with it.
    marks = (b"library/core/src/", b"library/std/src/", b"/rustc/")
    for path in sorted(objects):
        try:
            content = pathlib.Path(path).read_bytes()
        except FileNotFoundError:
            continue
        if any(mark in content for mark in marks):
            print("rust", path)
    for name in sorted({module.partition(".")[0] for module in sys.modules}):
        print("module", name)
    """
)


def _loaded_after(*modules: str) -> tuple[set[str], set[str]]:
    """Import the modules in a fresh interpreter; return Rust extensions and top-level modules loaded then."""
    outcome = subprocess.run(
        [sys.executable, "-c", _PROBE, *modules], capture_output=True, text=True, check=False, timeout=60
    )
    assert outcome.returncode == 0, outcome.stderr
    rows = [line.split(" ", 1) for line in outcome.stdout.splitlines()]
    return {value for kind, value in rows if kind == "rust"}, {value for kind, value in rows if kind == "module"}


def _entry_modules() -> list[str]:
    """Modules of the console scripts that exist, by pyproject.toml."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    modules = sorted({target.partition(":")[0] for target in scripts.values()})
    return [name for name in modules if (ROOT / "src" / Path(*name.split("."))).with_suffix(".py").exists()]


@pytest.mark.parametrize("module", ["warpdrive.adapters.blob.factory", *_entry_modules()])
def test_core_loads_no_rust_and_no_lazy_sdk(module: str) -> None:
    """Neither the backends' door nor any process loads a Rust extension or a lazy SDK before one is configured."""
    rust, modules = _loaded_after(module)
    assert rust == set()
    assert modules.isdisjoint(LAZY)


@pytest.mark.parametrize("package", ["azure", "gcs", "sftp"])
def test_adapter_package_itself_is_light(package: str) -> None:
    """Importing the package of a lazy backend, as the factory does first, does not load its SDK yet."""
    if not (ROOT / "src/warpdrive/adapters/blob" / package / "__init__.py").exists():
        pytest.skip(f"there is no {package} backend yet")
    rust, modules = _loaded_after(f"warpdrive.adapters.blob.{package}")
    assert rust == set()
    assert modules.isdisjoint(LAZY)


def test_probe_sees_a_rust_extension() -> None:
    """The probe is no blind eye: with cryptography loaded it finds its Rust extension."""
    rust, modules = _loaded_after("cryptography.hazmat.bindings._rust")
    assert any("_rust" in path for path in rust)
    assert "cryptography" in modules
