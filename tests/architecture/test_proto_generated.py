"""What is made of proto/ is what lies in the tree."""

import subprocess
import sys
from pathlib import Path

from hack.proto.generate import DESCRIPTORS, GENERATED, MODULE, ROOT, compile_descriptors


def test_the_generated_files_are_fresh(tmp_path: Path) -> None:
    """`make proto` would change nothing, and would write nothing beside these files: above all no `google` package."""
    subprocess.run([sys.executable, "-m", "hack.proto", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in tmp_path.rglob("*")}
    assert set(made) == {DESCRIPTORS, MODULE}
    stale = [name for name, content in made.items() if (GENERATED / name).read_bytes() != content]
    assert stale == [], "run `make proto`"
    assert not (ROOT / "src" / "google").exists()


def test_a_changed_contract_is_seen(tmp_path: Path) -> None:
    """The comparison can fail: a comment more in the sources is another descriptor set."""
    for path in (ROOT / "proto").glob("*.proto"):
        (tmp_path / path.name).write_text(path.read_text().replace("message Alive {}", "// Hm.\nmessage Alive {}"))
    changed = compile_descriptors(tmp_path).SerializeToString(deterministic=True)
    assert b"Hm." in changed
    assert changed != (GENERATED / DESCRIPTORS).read_bytes()
