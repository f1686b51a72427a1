"""`warpdrive-ctl namespace apply`: the difference first, then all of it or nothing."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.served_plane import nothing
from warpdrive.adapters.wire.status import WireFault, fault_of
from warpdrive.application.control.errors import NotFound

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator

TWO = """
namespace: training
backends:
  - {name: photos, type: s3, config: {bucket: photos, region: eu, prefix: raw}, auth: reader}
  - name: scratch
    type: local
    mount_path: /old
    config: {root: /srv}
"""

CHANGED = """
namespace: training
backends:
  - {name: photos, type: s3, config: {bucket: photos, prefix: raw/}, auth: reader, write: on}
  - {name: new, type: gcs, mount_path: /new, config: {bucket: fresh}}
"""

NEW = """namespace training (new)
+ /old     scratch (local) root=/srv
+ /photos  photos (s3) bucket=photos region=eu prefix=raw/ auth=reader
2 to add, 0 to change, 0 to remove
"""

DIFFERENCE = """namespace training
+ /new  new (gcs) bucket=fresh
- /old  scratch (local) root=/srv
~ /photos
    config.region: eu -> (default)
    write: (default) -> on
1 to add, 1 to change, 1 to remove
"""


@pytest.fixture
def training(operator: "Operator") -> "Operator":
    """An operator who has applied TWO."""
    assert operator.run("namespace", "apply", "-f", "-", "--yes", stdin=TWO).exit_code == 0
    return operator


def test_a_new_namespace_is_shown_and_created(operator: "Operator") -> None:
    """With everything in it at once."""
    said = operator.ok("namespace", "apply", "-f", "-", "--yes", stdin=TWO)
    assert said == NEW + "applied; training is at version 3\n"
    assert operator.writes() == ["ApplyNamespace", "CreateNamespace"]


def test_what_is_so_already_is_left_alone(training: "Operator") -> None:
    """Exit status 0, no question, no write."""
    before = training.json("namespace", "show", "training")
    assert training.ok("namespace", "apply", "-f", "-", stdin=TWO) == "nothing to change in namespace training\n"
    assert training.json("namespace", "show", "training") == before


def test_entries_that_the_file_does_not_name_go_away_and_are_shown(training: "Operator") -> None:
    """Added, changed word by word, removed."""
    said = training.ok("namespace", "apply", "-f", "-", "--yes", stdin=CHANGED)
    assert said == DIFFERENCE + "applied; training is at version 6\n"
    paths = [entry["path"] for entry in training.json("namespace", "show", "training")["entries"]]
    assert paths == ["/new", "/photos"]


def test_a_dry_run_shows_and_does_nothing(training: "Operator") -> None:
    """Exit status 0, also without a terminal."""
    before = training.json("namespace", "show", "training")
    assert training.ok("namespace", "apply", "-f", "-", "--dry-run", stdin=CHANGED) == DIFFERENCE
    assert training.json("namespace", "show", "training") == before


def test_where_nobody_can_be_asked_nothing_happens_and_the_status_is_2(training: "Operator") -> None:
    """The difference on standard output, what to do on the other."""
    before = training.json("namespace", "show", "training")
    result = training.run("namespace", "apply", "-f", "-", stdin=CHANGED)
    assert (result.exit_code, result.stdout) == (2, DIFFERENCE)
    assert result.stderr == "nothing was changed: nobody can be asked here; say --yes to apply this\n"
    assert training.json("namespace", "show", "training") == before


def test_json_is_the_contracts_answer_and_the_difference_goes_beside_it(training: "Operator") -> None:
    """So that a script can read the one and a person the other."""
    result = training.run("namespace", "apply", "-f", "-", "--yes", "--json", stdin=CHANGED)
    assert (result.exit_code, result.stderr) == (0, DIFFERENCE)
    assert '"kind": "KIND_REMOVE"' in result.stdout


def test_a_change_by_somebody_else_between_looking_and_doing_is_refused(training: "Operator") -> None:
    """Nothing is done that was not shown."""

    async def meanwhile(method: str, when: str) -> None:
        if method == "ControlService/ApplyNamespace" and when == "after":
            dispatcher.interpose = nothing
            await memory.plane.namespaces.remove_mount(memory.call(), "training", "/old")

    memory, dispatcher = training.served.plane, training.served.dispatcher
    dispatcher.interpose = meanwhile
    result = training.run("namespace", "apply", "-f", "-", "--yes", stdin=CHANGED)
    assert (result.exit_code, result.stdout) == (1, DIFFERENCE)
    assert "somebody changed it meanwhile" in result.stderr
    assert [entry["path"] for entry in training.json("namespace", "show", "training")["entries"]] == ["/photos"]


def test_a_namespace_that_comes_to_be_between_looking_and_doing_is_left_alone(operator: "Operator") -> None:
    """What was shown as new is not put over somebody's."""

    async def meanwhile(method: str, when: str) -> None:
        if method == "ControlService/ApplyNamespace" and when == "after":
            await memory.plane.namespaces.create(memory.call(), "training", ())

    memory = operator.served.plane
    operator.served.dispatcher.interpose = meanwhile
    result = operator.run("namespace", "apply", "-f", "-", "--yes", stdin=TWO)
    assert (result.exit_code, result.stderr) == (1, "Error: namespace 'training' exists already\n")
    assert operator.json("namespace", "show", "training")["entries"] == []


def test_a_namespace_too_young_to_be_read_is_not_taken_for_new(training: "Operator") -> None:
    """Reading follows writing at some distance; what is applied is what was shown all the same."""

    async def late(method: str, when: str) -> WireFault | None:
        del when
        return fault_of(NotFound("namespace", "training")) if method.endswith("GetNamespace") else None

    training.served.dispatcher.interpose = late
    said = training.ok("namespace", "apply", "-f", "-", "--yes", stdin=CHANGED)
    assert said == DIFFERENCE + "applied; training is at version 6\n"


def test_what_show_writes_apply_takes_back_unchanged(training: "Operator", tmp_path: Path) -> None:
    """The round trip of every word."""
    training.ok(
        *("namespace", "mount", "training", "/tenant", "--backend", "theirs", "--type", "azureblob"),
        *("--config", "account=0123", "--config", "container=on", "--tenant", "11111111-2222-3333-4444-555555555555"),
        *(
            "--write",
            "on",
            "--durability",
            "journal",
            "--conflict",
            "fail",
            "--delete",
            "allow",
            "--prefix",
            "${HOME}/x",
        ),
    )
    file = tmp_path / "namespace.yaml"
    file.write_text(training.ok("namespace", "show", "training", "--format", "yaml"))
    assert training.ok("namespace", "apply", "-f", str(file)) == "nothing to change in namespace training\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("backends: []", "namespace: is missing"),
        ("namespace: x", "backends: must be a list"),
        ("namespace: x\nbackends:\n  - {name: a, type: s4}", "<stdin>:3: backends[0].type: is no known type"),
        ("namespace: x\nbackends:\n  - {name: a, type: s3, config: {bukket: b}}", 'did you mean "bucket"?'),
        ("namespace: x\nbackends:\n  - {name: a, type: s3, auth: {method: static}}", "no secret leaves them"),
        ("namespace: x\nbackend: []", 'did you mean "backends"?'),
        ("namespace: x\nbackends: [{name: a, type: s3}, {name: a, type: s3}]", "is already that of backends[0] (/a)"),
        ("namespace: [", "is not valid YAML"),
    ],
)
def test_a_faulty_file_is_a_usage_error_with_its_lines(operator: "Operator", text: str, words: str) -> None:
    """Before anybody is asked."""
    result = operator.run("namespace", "apply", "-f", "-", stdin=text)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not operator.served.dispatcher.asked


def test_a_file_that_is_not_there(operator: "Operator") -> None:
    """Is named."""
    assert "/no/such.yaml" in operator.fails("namespace", "apply", "-f", "/no/such.yaml", status=2)


def test_what_agents_will_refuse_is_said_beforehand(operator: "Operator") -> None:
    """The control plane takes it: a newer agent may serve it."""
    text = "namespace: x\nbackends: [{name: a, type: s3, config: {bucket: b, force_path_style: maybe}}]"
    result = operator.run("namespace", "apply", "-f", "-", "--yes", stdin=text)
    assert result.exit_code == 0
    assert "warning: /a: agents of this version will not serve it: config.force_path_style" in result.stderr


@pytest.mark.parametrize(("answer", "status", "entries"), [("y\n", 0, 2), ("n\n", 1, 0)])
def test_a_terminal_is_asked(operator: "Operator", tmp_path: Path, answer: str, status: int, entries: int) -> None:
    """Yes applies, no says that nothing was changed."""
    file = tmp_path / "namespace.yaml"
    file.write_text(TWO)
    operator.ok("namespace", "create", "training")
    command = [sys.executable, "-m", "warpdrive.entrypoints.ctl.main", "namespace", "apply", "-f", str(file)]
    pipe = subprocess.PIPE
    with (
        terminal() as (controller, side),
        subprocess.Popen(
            command, stdin=side, stdout=pipe, stderr=pipe, env={**os.environ, **operator.environ()}
        ) as program,
    ):
        os.write(controller, answer.encode())
        printed, said = program.communicate(timeout=20)
    assert program.returncode == status, said
    assert b"Apply? [y/N]" in said
    assert printed.startswith(b"namespace training\n+ /old")
    assert (b"nothing was changed" in said) == (status == 1)
    assert len(operator.json("namespace", "show", "training")["entries"]) == entries


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Give both ends of a terminal."""
    controller, side = pty.openpty()
    try:
        yield controller, side
    finally:
        os.close(controller)
        os.close(side)
