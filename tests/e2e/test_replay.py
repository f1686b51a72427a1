"""`warpdrive-replay` as an auditor runs it: on a stopped plane, on a running one, on a record tampered with.

What starts or copies programs runs the installed script; the other questions are asked in this process, which is ten
times as fast.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result

from tests.golden.lives import TENANT
from tests.support.audit_story import Story, play
from tests.support.embedded_owner import embedded_owner, postmaster_pid, runs
from tests.support.mounts import COMMANDS
from tests.support.postgres import superuser
from tests.support.postgres_plane import postgres_plane
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.embedded import embedded_postgres
from warpdrive.adapters.store.embedded.roles import DATABASE, USERS
from warpdrive.adapters.store.migrating import migrate
from warpdrive.entrypoints.replay.main import command


@dataclass(frozen=True)
class Plane:
    """A control plane's data directory, the story in it, and a scratch folder."""

    data_dir: Path
    scratch: Path
    story: Story

    def run(self, *words: object) -> "subprocess.CompletedProcess[str]":
        """Run the installed script on the data directory."""
        return replay("--data-dir", self.data_dir, *words)

    def ask(self, *words: object) -> Result:
        """Ask in this process."""
        return CliRunner().invoke(command, ["--data-dir", str(self.data_dir), *map(str, words)])

    def said(self, *words: object) -> str:
        """Ask what has an answer, and return it."""
        done = self.ask(*words)
        assert done.exit_code == 0, done.stderr
        return done.stdout


def replay(*words: object) -> "subprocess.CompletedProcess[str]":
    """Run the tool."""
    argv = [str(COMMANDS / "warpdrive-replay"), *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def plane() -> Iterator[Plane]:
    """Leave a plane behind that has a history and is stopped."""
    # Not below pytest's own folders: those are closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="warpdrive-replay-"))
    folder.chmod(0o711)

    async def write() -> Story:
        async with embedded_postgres(folder / "control", durable=False) as place:
            await migrate(place)
            async with postgres_plane(place) as on:
                story = await play(on.plane, on.call, on.clock.advance)
                await on.project()
                return story

    try:
        yield Plane(folder / "control", folder, anyio.run(write))
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def running_plane(plane: Plane) -> Iterator[Plane]:
    """The same plane, run by a process of its own for the rest of the module."""
    with embedded_owner(plane.data_dir, plane.scratch):
        yield plane


def test_a_stopped_plane_is_audited_by_a_server_for_the_visit(plane: Plane) -> None:
    """The server is started for the command and gone after it; nothing is left for the plane to stumble over."""
    done = plane.run("verify")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sound: ")
    assert not (plane.data_dir / "postgres" / "data" / "postmaster.pid").exists()


def test_a_directory_without_a_plane_is_not_made_one(tmp_path: Path) -> None:
    """A misspelt directory is refused and stays as it was."""
    done = replay("--data-dir", tmp_path / "misspelt", "verify")
    assert done.returncode == 1
    assert "no control plane has kept anything there" in done.stderr
    assert not (tmp_path / "misspelt").exists()


def test_a_running_plane_is_visited_and_left_alone(running_plane: Plane) -> None:
    """Its own server answers, and is the same one afterwards."""
    before = postmaster_pid(running_plane.data_dir)
    report = json.loads(running_plane.said("verify", "--json"))
    assert (report["sound"], report["findings"]) == (True, [])
    assert postmaster_pid(running_plane.data_dir) == before
    assert runs(before)


def test_state_is_shown_as_of_a_position_and_as_of_now(running_plane: Plane) -> None:
    """For people and for programs; a name that was somebody else's before is mentioned on stderr."""
    story = running_plane.story
    then = json.loads(running_plane.said("show", "namespace/training", "--as-of", story.mounted, "--json"))
    assert then["id"] == str(story.training)
    assert list(then["state"]["entries"]) == ["/train"]
    done = running_plane.ask("show", "namespace/training")
    assert f"namespace {story.training_again}" in done.stdout
    assert "bucket: 'imagenet'" in done.stdout
    assert f"was before: {story.training}" in done.stderr
    quota = running_plane.said("show", "quota/sight/s3", "--as-of", "now")
    assert "standing: 'unknown'" in quota


def test_the_log_is_read_by_people_and_programs(running_plane: Plane) -> None:
    """The same entries in both forms, filtered alike."""
    lines = running_plane.said("log", "--actor", "token:admin", "--topic", "quota").splitlines()
    entries = [json.loads(line) for line in running_plane.said("log", "--topic", "quota", "--json").splitlines()]
    assert len(lines) == len(entries) == 2
    for line, entry in zip(lines, entries, strict=True):
        assert line.endswith(f"position {entry['position']}  token:admin (correlation test) {entry['sentence']}")
    nothing = running_plane.ask("log", "--until", "2020-01-01")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "note: no event fits\n")
    assert len(running_plane.said("log", "--since", "1d ago").splitlines()) > 20


def test_facts_and_decisions_are_explained(running_plane: Plane) -> None:
    """With the events that made them, named by position."""
    path = running_plane.said("explain", "namespace/training", "/train", "--as-of", running_plane.story.mounted)
    assert f"[position {running_plane.story.mounted}]" in path
    assert "mounted backend imagenet" in path
    words = ["explain", f"tenant/{TENANT}", "--subject", "alice", "--backend", "partner"]
    denied = running_plane.said(*words, "--as-of", running_plane.story.revoked)
    assert "DENIED" in denied
    assert "the contract ended" in denied
    allowed = json.loads(running_plane.said(*words, "--json"))
    assert (allowed["allowed"], allowed["allowed_by"]) == (True, ["grant"])
    assert [entry["kind"] for entry in allowed["made_by"]] == ["tenant_access"]


def test_two_places_are_compared(running_plane: Plane) -> None:
    """Aggregate by aggregate, field by field."""
    story = running_plane.story
    text = running_plane.said("diff", story.first_limits, story.second_limits)
    assert "~ name: 'vision' -> 'sight'" in text
    lines = running_plane.said("diff", story.first_limits, story.second_limits, "--json").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["team", "quota"]


def checked(directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run what ships with an export, isolated: no packages, no environment, from elsewhere."""
    argv = [sys.executable, "-I", "-S", str(directory / "check.py")]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", env={}, timeout=60)


def test_an_export_is_checked_by_what_ships_with_it(running_plane: Plane, tmp_path: Path) -> None:
    """In a clean directory, without our packages; one changed byte is found, and where."""
    running_plane.said("export", tmp_path / "made", "--per-file", 10)
    away = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "made", away)
    sound = checked(away)
    assert (sound.returncode, sound.stderr) == (0, ""), sound.stdout
    head = json.loads(running_plane.said("verify", "--json"))["head"]
    assert f"head: {head}" in sound.stdout

    second = away / "events-000002.jsonl"
    content = bytearray(second.read_bytes())
    place = content.index(b'"actor":"token:admin"') + len(b'"actor":"')
    content[place] ^= 1
    second.write_bytes(content)
    found = checked(away)
    assert found.returncode == 1
    assert "events-000002.jsonl line 1: position 11: its fields do not give its hash" in found.stdout
    assert "events-000002.jsonl: is not the file of the manifest" in found.stdout

    (away / "manifest.json").unlink()
    assert checked(away).returncode == 2
    assert running_plane.ask("export", tmp_path / "made").exit_code == 2


def test_a_server_of_ones_own_is_audited_by_its_configuration(running_plane: Plane, tmp_path: Path) -> None:
    """The user for audits is taken from the file; the passwords of the others need not be known."""
    place = server(running_plane)
    config = tmp_path / "audit.yaml"
    config.write_text(
        f"control_plane:\n  database: {{host: {place.host}, port: {place.port}, name: {DATABASE}, "
        "user: warpdrive_app, password_env: NOBODY_TOLD_ME, audit_user: warpdrive_audit}\n"
    )
    done = replay("--config", config, "show", "team/sight")
    assert done.returncode == 0, done.stderr
    assert "members: 'alice', 'bob'" in done.stdout
    both = CliRunner().invoke(command, ["--config", str(config), "--data-dir", str(running_plane.data_dir), "verify"])
    assert both.exit_code == 2


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["show", "training"], 2),
        (["show", "namespace/nothing"], 1),
        (["show", "namespace/training", "--as-of", "999999"], 1),
        (["log", "--since", "yesterday"], 2),
        (["diff", "9", "8"], 1),
        (["explain", "team/sight", "--subject", "alice"], 2),
        (["verify", "--expect-head", "abc"], 2),
    ],
)
def test_questions_without_an_answer_say_why(running_plane: Plane, words: list[str], status: int) -> None:
    """One line, no trace; 1 where there is no answer, 2 where there is no question."""
    done = running_plane.ask(*words)
    assert (done.exit_code, done.stdout) == (status, "")
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_tampered_byte_is_located(running_plane: Plane) -> None:
    """Exit status 1, and the position; with the head noted before, also what hashes cannot show. The last test."""
    head = json.loads(running_plane.said("verify", "--json"))["head"]
    assert running_plane.said("verify", "--expect-head", head)
    position = running_plane.story.mounted

    async def tamper() -> None:
        async with superuser(server(running_plane), inside=True) as connection:
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(
                "UPDATE public.warpdrive_events SET state = set_byte(state, 20, get_byte(state, 20) # 1) "
                "WHERE notification_id = $1",
                position,
            )

    anyio.run(tamper)
    done = running_plane.run("verify")
    assert done.returncode == 1
    assert f"FOUND hash chain at position {position}: its fields do not give its hash" in done.stdout
    assert "NOT sound" in done.stdout
    late = running_plane.ask("verify", "--from", position + 1, "--expect-head", "0" * 64 + head[64:])
    assert "FOUND head at position" in late.stdout


def server(plane: Plane) -> DatabasePlace:
    """Name the running server as its owner reaches it."""
    note = (plane.data_dir / "postgres" / "data" / "postmaster.pid").read_text().splitlines()
    return DatabasePlace(note[4].strip(), int(note[3]), DATABASE, USERS)
