"""What is made of proto/ is what lies in the tree."""

import subprocess
import sys
from pathlib import Path

from hack.proto.generate import GENERATED, ROOT, generate


def test_the_generated_files_are_fresh() -> None:
    """`make proto` would change nothing: whoever edits a proto runs it."""
    stale = [name for name, content in generate().items() if (GENERATED / name).read_bytes() != content]
    assert stale == [], "run `make proto`"


def test_the_generator_writes_what_it_makes(tmp_path: Path) -> None:
    """The program behind `make proto` writes each file, and nothing beside them: above all no `google` package."""
    subprocess.run([sys.executable, "-m", "hack.proto", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*")} == generate()
    assert not (ROOT / "src" / "google").exists()


def test_a_changed_contract_is_seen(tmp_path: Path) -> None:
    """The comparison can fail: a comment more in the sources is another descriptor set."""
    sources = tmp_path / "proto"
    sources.mkdir()
    for path in (ROOT / "proto").glob("*.proto"):
        (sources / path.name).write_text(path.read_text().replace("message Alive {}", "// Hm.\nmessage Alive {}"))
    assert (GENERATED / "descriptors.binpb").read_bytes() == generate()["descriptors.binpb"]
    changed = generate(sources)
    assert changed["descriptors.binpb"] != (GENERATED / "descriptors.binpb").read_bytes()
    assert b"Hm." in changed["messages.py"]
