"""`warpdrive-ctl` as its operator types it, against a real `warpdrive-control`: programs, files, exit statuses."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import pytest
from click.testing import CliRunner, Result

from tests.support.control_planes import COMMANDS, ControlPlaneProcess, control_plane, reachable_dir
from tests.support.fault_proxy import FaultProxy
from tests.support.ports import LOOPBACK, wait_until
from warpdrive.entrypoints.ctl.main import main

TENANT = "11111111-2222-3333-4444-555555555555"

TRAINING = """
namespace: training
backends:
  - name: photos
    type: s3
    mount_path: /photos
    config: {bucket: photos, region: eu-central-1, prefix: raw/}
    auth: photos-reader
  - {name: scratch, type: local, mount_path: /scratch, config: {root: /srv/scratch}}
"""


class Operator:
    """Types commands: here (`ok`, `fails`), or as a program of its own (`program`)."""

    def __init__(self, url: str, token_file: Path, home: Path) -> None:
        self.environ = {"HOME": str(home), "WARPDRIVE_SERVER": url, "WARPDRIVE_TOKEN_FILE": str(token_file)}

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> Result:
        """Run a command to its end; nobody is at the terminal."""
        return CliRunner().invoke(main, arguments, input=stdin, env={**self.environ, **environ})

    def ok(self, *arguments: str, stdin: str = "") -> str:
        """Run one that must succeed; return what it printed."""
        done = self.run(*arguments, stdin=stdin)
        assert done.exit_code == 0, (arguments, done.output)
        return done.stdout

    def fails(self, *arguments: str, status: int = 1, **environ: str) -> str:
        """Run one that must fail; return what it said."""
        done = self.run(*arguments, **environ)
        assert done.exit_code == status, (arguments, done.output)
        assert "Traceback" not in done.output
        return done.stderr

    def shows(self, words: str, *arguments: str) -> None:
        """Wait until a command shows the words: what is read follows what was written at some distance."""
        wait_until(lambda: words in self.ok(*arguments), within=10.0, what=f"{words!r} in {arguments}")

    def program(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run the installed program."""
        command = [str(COMMANDS / "warpdrive-ctl"), *arguments]
        known = {**os.environ, **self.environ, **environ}
        return subprocess.run(command, env=known, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlaneProcess]:
    """One control plane with an embedded database for all tests here."""
    with reachable_dir() as scratch, control_plane(scratch / "plane") as running:
        yield running


@pytest.fixture
def operator(plane: ControlPlaneProcess, tmp_path: Path) -> Operator:
    """Its first admin."""
    return Operator(plane.url, plane.token_file, tmp_path)


def test_a_namespace_from_its_file_and_back(operator: Operator, tmp_path: Path) -> None:
    """Shown, applied, written out, taken back unchanged, changed, sealed, retired."""
    shown = operator.run("namespace", "apply", "-f", "-", stdin=TRAINING)
    assert (shown.exit_code, "+ /photos" in shown.stdout, "nothing was changed" in shown.stderr) == (2, True, True)
    assert "applied" in operator.ok("namespace", "apply", "-f", "-", "--yes", stdin=TRAINING)
    operator.shows("/scratch", "namespace", "show", "training")
    file = tmp_path / "training.yaml"
    file.write_text(operator.ok("namespace", "show", "training", "--format", "yaml"))
    assert operator.ok("namespace", "apply", "-f", str(file)) == "nothing to change in namespace training\n"
    file.write_text(file.read_text().partition("  - name: scratch")[0])
    assert "- /scratch" in operator.ok("namespace", "apply", "-f", str(file), "--yes")
    operator.ok("namespace", "seal", "training")
    assert "namespace unseal" in operator.fails("namespace", "unmount", "training", "/photos")
    operator.ok("namespace", "unseal", "training")
    operator.shows('"version": "6"', "namespace", "show", "training", "--json")
    assert "1 mount entries" in operator.fails("namespace", "retire", "training", status=2)
    operator.ok("namespace", "retire", "training", "--yes")


def test_a_mount_entry_by_hand(operator: Operator) -> None:
    """Then another on its path, then by --reconfigure."""
    operator.ok("namespace", "create", "by-hand")
    entry = ("namespace", "mount", "by-hand", "/data", "--backend", "lake", "--type", "gcs", "--config", "bucket=lake")
    operator.ok(*entry)
    operator.shows("bucket=lake", "namespace", "show", "by-hand")
    assert operator.ok(*entry) == "nothing to change\n"
    assert "--reconfigure" in operator.fails(*entry, "--write", "on")
    operator.ok(*entry, "--write", "on", "--reconfigure")
    operator.shows("write=on", "namespace", "show", "by-hand")


def test_who_may_keep_how_much_and_what_it_costs(operator: Operator) -> None:
    """Teams, quotas, prices and grants, in every format."""
    operator.ok("team", "add", "vision", "--member", "ada", "--owns", "photos:vision/")
    operator.ok("quota", "set", "--team", "vision", "--backend", "s3", "--soft", "500TB", "--hard", "600TB")
    operator.shows("500 TiB", "quota", "list")
    operator.ok("team", "rename", "vision", "sight")
    operator.shows('"team": "sight"', "quota", "list", "--json")
    operator.ok("price", "set", "aws", "--backend", "s3", "--from", "2026-01-31", "--per-gib-month", "0.023")
    operator.shows("aws,USD,s3,*,2026-01-31,0.023,0,0", "price", "list", "--format", "csv")
    operator.ok("tenant", "grant", TENANT, "--backend", "theirs", "--expires", "90d")
    operator.shows(TENANT, "tenant", "list")
    asked = operator.run("tenant", "check", TENANT, "--subject", "ada", "--backend", "ours")
    assert (asked.exit_code, asked.stdout.startswith("denied")) == (1, True)
    operator.ok("tenant", "revoke", TENANT, "--reason", "audit", "--yes")
    operator.ok("quota", "delete", "--team", "sight", "--backend", "s3")
    operator.ok("team", "remove", "sight", "--disband", "--yes")
    operator.shows("no teams yet", "team", "list")


def test_an_agents_token_is_for_its_node_alone(operator: Operator, tmp_path: Path) -> None:
    """Written for its owner only, works at once, may not list namespaces, ends at once."""
    file = tmp_path / "agent.token"
    create = ("token", "create", "--role", "agent", "--node", "n1", "--namespace", "training", "--expires", "90d")
    made = operator.program(*create, "--output", str(file))
    assert (made.returncode, "Traceback" in made.stderr) == (0, False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    me = json.loads(operator.run("whoami", "--json", WARPDRIVE_TOKEN_FILE=str(file)).stdout)
    assert (me["node"], me["role"]) == ("n1", "ROLE_AGENT")
    assert "needs the role" in operator.fails("namespace", "list", WARPDRIVE_TOKEN_FILE=str(file))
    operator.ok("token", "revoke", me["name"].removeprefix("token:"), "--yes")
    assert str(file) in operator.fails("whoami", WARPDRIVE_TOKEN_FILE=str(file))


def test_status_and_agents(operator: Operator, plane: ControlPlaneProcess) -> None:
    """A node that registers is counted, by the program that shows the agent here as well."""
    plane.must("POST", "/api/v1/namespaces", {"name": "fleet"})
    plane.must("POST", "/api/v1/agents", {"node": "n7", "namespace": "fleet", "version": "1", "mountPoint": "/mnt"})
    plane.must("POST", "/api/v1/agents/n7/heartbeat", {"health": "degraded", "detail": "cache: disk full"})
    assert "degraded: cache: disk full" in operator.ok("agents")
    shown = operator.program("status", WARPDRIVE_SOCKET="/no/agent.sock")
    assert (shown.returncode, "start warpdrive-mount" in shown.stderr) == (1, True)
    shown = operator.program("status", "--json")
    found = json.loads(shown.stdout)["server"]
    assert (found["url"], found["agents"]["degraded"]) == (plane.url, 1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_asks_the_control_plane(operator: Operator, plane: ControlPlaneProcess, shell: str) -> None:
    """As each shell does."""
    name = f"completed-by-{shell}"
    plane.must("POST", "/api/v1/namespaces", {"name": name})
    operator.shows(name, "namespace", "list")
    asked = {"bash": {"COMP_CWORD": "3"}, "zsh": {"COMP_CWORD": "3"}, "fish": {"COMP_CWORD": name[:-1]}}[shell]
    words = {"COMP_WORDS": f"warpdrive-ctl namespace show {name[:-1]}", **asked}
    done = operator.program(**{"_WARPDRIVE_CTL_COMPLETE": f"{shell}_complete", **words})
    assert name in done.stdout, done.stderr


async def test_a_command_whose_answer_was_lost_happens_once(operator: Operator, plane: ControlPlaneProcess) -> None:
    """The connection is reset behind the write; the same command goes out again under the same key."""
    host, _, port = plane.url.removeprefix("http://").partition(":")
    async with FaultProxy((host, int(port))) as proxy:
        proxy.reset_after(0, times=2)
        url = f"http://{LOOPBACK}:{proxy.address[1]}"
        done = await anyio.to_thread.run_sync(
            lambda: operator.program("--server", url, "namespace", "create", "once", "--json")
        )
        assert proxy.faults_met == 2
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert (made["name"], made["version"]) == ("once", "1")


def test_serve_runs_the_control_plane_in_its_own_place(operator: Operator, tmp_path: Path) -> None:
    """The same options; here only as far as saying what would be started."""
    done = operator.program("serve", "--data-dir", str(tmp_path / "data"), "--check-config")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "data") in done.stdout
