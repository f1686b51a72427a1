"""`warpdrive-ctl move` between directories: what is typed, what is said, what the journal keeps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest
import yaml

from warpdrive.application.ports.objects import ObjectKey, ObjectVersion
from warpdrive.application.transfer.faults import SourceMissing
from warpdrive.application.transfer.journal import Entry
from warpdrive.application.transfer.tally import Tally
from warpdrive.entrypoints.ctl.move_journal import JournalFault, journal_name, open_journal, state_directory
from warpdrive.entrypoints.ctl.move_progress import describe, shown

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator

ONE = ObjectKey("a/one")
TWO = ObjectKey("a/\udc80")
BEGUN = Entry(ObjectVersion("v1"), ObjectKey("b/one"))
VERIFIED = Entry(ObjectVersion("v1"), ObjectKey("b/one"), ObjectVersion("v2"), ObjectVersion("v0"))


@pytest.fixture
def folder(operator: "Operator", tmp_path: Path) -> Path:
    """Two directories `here` and `there`, a link to the first, and a file that says so."""
    (tmp_path / "here" / "a").mkdir(parents=True)
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "here")
    for name in ("one", "two"):
        (tmp_path / "here" / "a" / name).write_text(name)
    roots = {"here": "here", "there": "there", "link": "link", "below": "here/a"}
    backends: list[Mapping[str, Any]] = [
        {"name": name, "type": "local", "config": {"root": root}} for name, root in roots.items()
    ]
    config = {"backends": backends, "agent": {"state_dir": "state"}}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    assert operator.home.parent == tmp_path
    return tmp_path


def options(folder: Path, *more: str) -> tuple[str, ...]:
    """Return what every move here is told."""
    return ("--config", str(folder / "c.yaml"), *more)


def test_a_rehearsal_then_the_move(operator: "Operator", folder: Path) -> None:
    """The journal goes when all is done."""
    said = operator.ok("move", "here:a", "there:b", *options(folder, "--dry-run"))
    assert said == "would move 2 objects, 6 B; nothing was changed\n"
    assert operator.ok("move", "here:a", "there:b", *options(folder)).startswith("2 of 2 objects moved, 6 B in ")
    assert [path.read_text() for path in sorted((folder / "there" / "b").iterdir())] == ["one", "two"]
    assert not list((folder / "here" / "a").iterdir())
    assert not list((folder / "state" / "moves").iterdir())
    assert "there is no object 'a/'" in operator.fails("move", "here:a", "there:b", *options(folder))


def test_one_object_as_json(operator: "Operator", folder: Path) -> None:
    """Into a directory under its own name."""
    found = operator.json("move", "here:a/one", "there:", *options(folder))
    assert (found["complete"], found["objects"], found["copiedBytes"]) == (True, 1, 3)
    assert (folder / "there" / "one").read_text() == "one"


def test_what_is_there_is_kept_back(operator: "Operator", folder: Path) -> None:
    """By name, with exit status 1; the rest is moved, and --overwrite goes on."""
    (folder / "there" / "one").write_text("another's")
    dry = operator.ok("move", "here:a", "there:", *options(folder, "--dry-run"))
    assert "1 of them exist at the destination and would be kept back" in dry
    result = operator.run("move", "here:a", "there:", *options(folder))
    assert (result.exit_code, result.stdout[:22]) == (1, "1 of 2 objects moved, ")
    assert "kept: a/one: 'one' exists at the destination; --overwrite replaces it" in result.stderr
    assert "run the same command again to go on" in result.stderr
    result = operator.run("move", "here:a", "there:", *options(folder, "--json"))
    assert json.loads(result.stdout)["failures"][0]["key"] == "a/one"
    operator.ok("move", "here:a", "there:", *options(folder, "--overwrite", "--verify", "full"))
    assert (folder / "there" / "one").read_text() == "one"


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("here", "there:", "is not like photos:raw/2026/"),
        ("here:/a", "there:", "keys are relative"),
        ("her:a", "there:", 'did you mean "here"?'),
        ("here:a", "here:a/b", "lie inside one another"),
        ("here:a", "link:a", "lie inside one another"),
        ("here:", "below:", "lie inside one another"),
    ],
)
def test_ends_that_cannot_be_meant(operator: "Operator", folder: Path, source: str, target: str, words: str) -> None:
    """Exit status 2, and nothing is touched: a link to the same directory is the same place."""
    assert words in operator.fails("move", source, target, *options(folder), status=2)
    assert (folder / "here" / "a" / "one").read_text() == "one"


def test_a_run_that_ended_with_all_done_has_nothing_left(operator: "Operator", folder: Path) -> None:
    """A key that meant one object still does: what lies below its name is not moved in its stead."""
    journal = folder / "journal"
    one = folder / "here" / "a" / "one"
    (folder / "there" / "blocked").write_text("x")
    operator.run("move", "here:a/one", "there:blocked", *options(folder, "--journal", str(journal)))
    one.unlink()  # as a run does last
    one.mkdir()
    (one / "other").write_text("stays")
    said = operator.ok("move", "here:a/one", "there:blocked", *options(folder, "--journal", str(journal)))
    assert said == "nothing was left to move: an earlier run had moved it all\n"
    assert (one / "other").read_text() == "stays"
    assert not journal.exists()


def test_backends_of_a_namespace_with_credentials_of_a_file(operator: "Operator", folder: Path) -> None:
    """Without a file where none is needed; a tenant's rules cannot be checked here."""
    for name in ("here", "there"):
        root = f"root={folder / name}"
        operator.ok("namespace", "create", "n") if name == "here" else None
        operator.ok("namespace", "mount", "n", f"/{name}", "--backend", name, "--type", "local", "--config", root)
    journal = ("--journal", str(folder / "journal"))
    assert "2 of 2" in operator.ok("move", "here:a", "there:b", "--namespace", "n", *journal)
    assert "namespace n has no backend 'x'" in operator.fails("move", "x:", "there:", "--namespace", "n", status=2)
    assert "there is no namespace 'm'" in operator.fails("move", "x:", "there:", "--namespace", "m")


def test_a_file_with_faults(operator: "Operator", folder: Path) -> None:
    """Every fault at once, exit status 2."""
    (folder / "c.yaml").write_text("backends:\n  - {name: a, type: s4}\n  - {name: b, type: local}\n")
    said = operator.fails("move", "a:", "b:", *options(folder), status=2)
    assert "s4" not in said.splitlines()[0]
    assert "backends[0].type" in said
    assert "backends[1].config.root" in said


async def noted(path: Path, *notes: tuple[ObjectKey, Entry | None]) -> None:
    """Write a journal."""
    with open_journal(path, "s", "t") as journal:
        for key, entry in notes:
            await journal.note(key, entry)


class TestJournal:
    def test_it_keeps_what_the_last_run_knew(self, tmp_path: Path) -> None:
        """Any name, and what was moved no longer."""
        path = tmp_path / "j"
        anyio.run(noted, path, (ONE, BEGUN), (TWO, BEGUN), (ONE, VERIFIED), (TWO, None), (TWO, VERIFIED))
        with open_journal(path, "s", "t") as journal:
            assert journal.resumed
            assert (journal.entry(ONE), journal.entry(TWO), journal.prefix) == (VERIFIED, VERIFIED, None)
            journal.settle(prefix=False)
        with open_journal(path, "s", "t") as journal:
            assert journal.prefix is False
            journal.discard()
        with open_journal(path, "s", "t") as journal:
            assert not journal.resumed

    def test_cut_off_anywhere_it_is_read_up_to_there_and_goes_on(self, tmp_path: Path) -> None:
        """At every third byte."""
        path = tmp_path / "j"
        anyio.run(noted, path, (ONE, BEGUN), (ONE, VERIFIED))
        whole = path.read_bytes()
        seen = []
        for length in range(0, len(whole), 3):
            path.write_bytes(whole[:length])
            anyio.run(noted, path, (TWO, BEGUN))
            with open_journal(path, "s", "t") as journal:
                assert journal.entry(TWO) == BEGUN
                seen.append(journal.entry(ONE))
        assert seen == sorted(seen, key=lambda entry: 0 if entry is None else 1 if entry == BEGUN else 2)
        assert {None, BEGUN} == set(seen)

    def test_a_line_that_cannot_be_read_is_passed_over(self, tmp_path: Path) -> None:
        """It costs a refusal at most."""
        path = tmp_path / "j"
        anyio.run(noted, path, (ONE, BEGUN))
        with path.open("ab") as file:
            file.write(b'{"key": "a/o{"key": 7}\n[]\n')
        with open_journal(path, "s", "t") as journal:
            assert journal.entry(ONE) == BEGUN

    def test_nobody_shares_it_and_nobody_mistakes_it(self, tmp_path: Path) -> None:
        """Two runs of one move would be in each other's way."""
        path = tmp_path / "j"
        with (
            open_journal(path, "s", "t"),
            pytest.raises(JournalFault, match="another process"),
            open_journal(path, "s", "t"),
        ):
            pass
        with pytest.raises(JournalFault, match="no journal of this move"), open_journal(path, "s", "u"):
            pass
        path.write_text("something else\n")
        with pytest.raises(JournalFault, match="--journal"), open_journal(path, "s", "t"):
            pass
        assert path.read_text() == "something else\n"
        path.write_text("a note without an end")
        with pytest.raises(JournalFault, match="--journal"), open_journal(path, "s", "t"):
            pass
        assert path.read_text() == "a note without an end"

    def test_a_first_line_that_was_cut_off_is_written_anew(self, tmp_path: Path) -> None:
        """Nothing had begun."""
        path = tmp_path / "j"
        anyio.run(noted, path, (ONE, BEGUN))
        path.write_bytes(path.read_bytes()[:9])
        with open_journal(path, "s", "t") as journal:
            assert not journal.resumed

    def test_where_it_is(self, tmp_path: Path) -> None:
        """In the agent's state directory, or at home where that cannot be; named by both ends."""
        assert state_directory(tmp_path / "state", tmp_path) == tmp_path / "state" / "moves"
        (tmp_path / "file").touch()
        assert state_directory(tmp_path / "file", tmp_path) == tmp_path / ".local/state/warpdrive/moves"
        names = {journal_name(*ends) for ends in (("a", "b"), ("b", "a"), ("a\udc80", "b"))}
        assert len(names) == 3


def test_progress_in_words() -> None:
    """What has gone, how fast, and how long it takes once all is known."""
    tally = Tally(found=4, found_bytes=4096, moved=1, moved_bytes=1024, copied_bytes=2048, failed=1)
    assert describe(tally, 2.0) == "1/4+ objects, 2 KiB of 4 KiB+, 1 KiB/s, 1 failed"
    tally.listed = True
    assert describe(tally, 2.0) == "1/4 objects, 2 KiB of 4 KiB, 1 KiB/s, 2s left, 1 failed"
    assert describe(Tally(), 0.0) == "0/0+ objects, 0 B of 0 B+, 0 B/s"


@pytest.mark.parametrize("watched", [True, False])
async def test_what_happens_below_the_bar_is_what_happened(*, watched: bool) -> None:
    """A fault leaves as itself, whether somebody watches or not."""
    with pytest.raises(SourceMissing):
        async with shown(Tally(), "a:b to c:d", watched=watched):
            raise SourceMissing("b")
    async with shown(Tally(found=1, listed=True), "a:b to c:d", watched=watched):
        await anyio.lowlevel.checkpoint()
