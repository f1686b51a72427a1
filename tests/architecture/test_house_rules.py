"""Rules about the shape of the house that no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "warpdrive"
LONGEST_FILE = 350
GENERATED = SOURCE / "adapters" / "wire" / "generated"
"""`make proto` writes these modules; nobody reads them from top to bottom."""
GRAB_BAGS = {"utils", "util", "common", "helpers", "helper_functions", "misc"}


def tracked_files() -> list[Path]:
    """Return what git would carry into a clone, or, in an exported tree, everything outside dot folders."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.parts)]
    return [path for path in paths if path.is_file()]


def python_sources() -> Iterator[Path]:
    """Yield every module of the package."""
    return SOURCE.rglob("*.py")


def test_no_source_file_is_longer_than_350_lines() -> None:
    """A file holds one noun; one longer than 350 lines holds two."""
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in python_sources()
        if not path.is_relative_to(GENERATED) and (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert too_long == {}


def test_no_module_is_a_grab_bag() -> None:
    """Nothing is called utils, common, helpers or misc: such a room has no noun."""
    names = [
        path.relative_to(ROOT)
        for path in tracked_files()
        if path.suffix == ".py" and GRAB_BAGS & {path.stem, *path.relative_to(ROOT).parts[:-1]}
    ]
    assert names == []


def test_every_package_says_why_it_exists() -> None:
    """Each folder with modules is a package and its docstring is at least a full sentence."""
    folders = {path.parent for path in python_sources()}
    silent = []
    for folder in sorted(folders):
        init = folder / "__init__.py"
        words = ast.get_docstring(ast.parse(init.read_text())) if init.exists() else None
        if words is None or len(words.split()) < 5:
            silent.append(str(folder.relative_to(ROOT)))
    assert silent == []


def test_every_make_target_has_a_sentence() -> None:
    """`make help` would otherwise hide a target; the demanded ones are all there."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))
    explained = set(re.findall(r"^([a-z][a-z-]*):.*?## \S+ \S+", makefile, re.MULTILINE))
    assert targets - explained == set()
    demanded = "setup run-local run-control test test-integration lint types proto fmt docker helm-package bench"
    assert set(demanded.split()) <= explained


@pytest.mark.parametrize("target", ["docker", "helm-package"])
def test_a_target_without_a_subject_says_so_and_fails(target: str) -> None:
    """No stub pretends: what does not exist yet is said on stderr and make fails."""
    outcome = subprocess.run(["make", "-s", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode != 0
    assert f"{target}: there " in outcome.stderr


def test_make_test_runs_every_tree() -> None:
    """A tree that no line of the Makefile names would never run."""
    makefile = (ROOT / "Makefile").read_text()
    named = [words.split() for words in re.findall(r"^TREES := (.*)$", makefile, re.MULTILINE)]
    trees = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert sorted(tree for words in named for tree in words) == sorted(trees)


def test_make_alone_prints_the_targets() -> None:
    """`make` without a target is `make help`."""
    outcome = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "run-local" in outcome.stdout
    assert "test-integration" in outcome.stdout


def test_no_tracked_file_names_a_machine() -> None:
    """Paths of one machine and private registries stay out of the repository."""
    # Written in pieces, so that this file does not name them itself.
    forbidden = re.compile(
        "|".join(["/" + "work/", "/" + "root/", "/home/" + "(?!me/)[a-z]+/", "/tmp/" + "t/", "/opt/" + "wheels"])
    )
    offenders = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # binary golden files name nothing
        offenders += [f"{path.relative_to(ROOT)}: {found[0]}" for found in forbidden.finditer(text)]
    assert offenders == []


def test_test_folders_are_namespace_packages() -> None:
    """Import mode importlib needs no __init__.py in tests, and one would shadow tests.support."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []
