"""`warpdrive-ctl token`, `whoami` and `agents`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from warpdrive.adapters.wire.status import WireFault, fault_of
from warpdrive.application.control.errors import Malformed
from warpdrive.application.ports.event_store import OutcomeUnknown

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator


def test_the_secret_alone_is_on_standard_output(operator: "Operator") -> None:
    """So that it can be piped; what people want to know is beside it. It works."""
    result = operator.run("token", "create", "--role", "viewer", "--namespace", "a", "--team", "t", "--note", "for ada")
    assert result.exit_code == 0
    assert "viewer, namespace a, team t, never ends" in result.stderr
    secret = result.stdout.strip()
    assert secret.startswith("wd_")
    assert secret not in result.stderr
    operator.token_file.write_text(secret)
    shown = operator.ok("whoami")
    assert "viewer" in shown
    assert "namespace a, team t" in shown
    assert operator.json("whoami")["role"] == "ROLE_VIEWER"


def test_names_that_nobody_has_are_warned_of(operator: "Operator") -> None:
    """A token may come before its namespace, so it is made; a slip of the pen is seen."""
    operator.ok("namespace", "create", "training")
    operator.ok("team", "add", "vision")
    scope = ("--namespace", "training", "--team", "vision")
    assert "warning" not in operator.run("token", "create", "--role", "viewer", *scope).stderr
    result = operator.run("token", "create", "--role", "viewer", *scope, "--namespace", "trainin", "--team", "visio")
    assert result.exit_code == 0
    assert result.stdout.startswith("wd_")
    assert "warning: there is no namespace 'trainin'; the token waits" in result.stderr
    assert "warning: there is no team 'visio'; the token waits" in result.stderr


def test_output_writes_a_file_that_only_its_owner_reads(operator: "Operator", tmp_path: Path) -> None:
    """Whatever the umask; the secret is printed nowhere."""
    file = tmp_path / "agent.token"
    operator.ok("namespace", "create", "training")
    before = os.umask(0)
    try:
        said = operator.ok(
            *("token", "create", "--role", "agent", "--node", "n1", "--namespace", "training"),
            *("--expires", "90d", "--output", str(file)),
        )
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o7777 == 0o600
    secret = file.read_text()
    assert secret.startswith("wd_")
    assert secret.endswith("\n")
    assert secret.strip() not in said
    assert str(file) in said
    operator.token_file.write_text(secret)
    assert operator.json("whoami")["node"] == "n1"


def test_output_goes_over_nothing(operator: "Operator", tmp_path: Path) -> None:
    """Neither a file nor a link; and no token is made that nobody could have."""
    for name in ("file", "link"):
        there = tmp_path / name
        if name == "link":
            there.symlink_to(tmp_path / "elsewhere")
        else:
            there.write_text("precious")
        said = operator.fails("token", "create", "--role", "viewer", "--output", str(there), status=2)
        assert "exists already" in said
    assert (tmp_path / "file").read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()
    assert operator.writes() == []


def test_a_refused_token_leaves_no_file(operator: "Operator", tmp_path: Path) -> None:
    """Empty ones would be taken for tokens."""

    async def refuse(method: str, when: str) -> WireFault | None:
        del when
        return fault_of(Malformed("note", "is too long")) if method.endswith("CreateToken") else None

    operator.served.dispatcher.interpose = refuse
    said = operator.fails("token", "create", "--role", "viewer", "--output", str(tmp_path / "t"))
    assert "note: is too long" in said
    assert not (tmp_path / "t").exists()


def test_a_lost_answer_is_asked_for_again_under_the_same_key(operator: "Operator", tmp_path: Path) -> None:
    """One token is made; its secret was in the answer that got lost, and that is said, with what to do."""
    lost: list[str] = []

    async def lose(method: str, when: str) -> WireFault | None:
        if method.endswith("CreateToken") and when == "after" and not lost:
            lost.append(method)
            fault = fault_of(OutcomeUnknown("the connection ended"))
            fault.retry_after = None  # the word when to try again: tests do not wait
            return fault
        return None

    operator.served.dispatcher.interpose = lose
    said = operator.fails("token", "create", "--role", "viewer", "--output", str(tmp_path / "t"))
    keys = [key for method, key in operator.served.dispatcher.asked if method.endswith("CreateToken")]
    assert len(keys) == 2
    assert keys[0] == keys[1] != ""
    made = next(found for found in operator.json("token", "list") if found["role"] == "ROLE_VIEWER")
    assert f"warpdrive-ctl token revoke {made['tokenId']}" in said
    assert not (tmp_path / "t").exists()


def test_tokens_are_listed_without_secrets_and_revoked(operator: "Operator") -> None:
    """Revoking asks; ended ones show on demand; the token ends."""
    secret = operator.run("token", "create", "--role", "auditor", "--note", "yearly").stdout.strip()
    listed = operator.ok("token", "list")
    assert "yearly" in listed
    assert secret not in listed
    made = next(found for found in operator.json("token", "list") if found["note"] == "yearly")
    identity = made["tokenId"]
    assert "say --yes" in operator.fails("token", "revoke", identity, status=2)
    assert operator.ok("token", "revoke", identity, "--yes") == f"token {identity} (auditor) revoked\n"
    assert [found["role"] for found in operator.json("token", "list")] == ["ROLE_ADMIN"]
    assert "revoked" in operator.ok("token", "list", "--ended")
    operator.token_file.write_text(secret)
    assert "does not know who calls" in operator.fails("whoami")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--role", "king"], "'king' is not one of"),
        (["--role", "agent"], "needs --node"),
        (["--role", "viewer", "--expires", "soon"], "is not a duration"),
        ([], "Missing option '--role'"),
    ],
)
def test_tokens_that_cannot_be_meant(operator: "Operator", options: list[str], words: str) -> None:
    """Exit status 2, before anybody is asked."""
    assert words in operator.fails("token", "create", *options, status=2)
    assert not operator.served.dispatcher.asked


def test_agents(operator: "Operator") -> None:
    """How each is, with what is wrong; none at first."""
    assert "no agents yet" in operator.ok("agents")
    plane = operator.served.plane

    async def register() -> None:
        await plane.plane.namespaces.create(plane.call(), "training", ())
        for node, health, detail in (("n1", "ok", ""), ("n2", "degraded", "cache: disk full")):
            await plane.plane.agents.register(
                plane.call(), node, namespace="training", version="1", mount_point="/mnt/data"
            )
            await plane.plane.agents.heartbeat(plane.call(), node, health=health, detail=detail, position=7)

    operator.served.portal.call(register)
    lines = operator.ok("agents").splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["n1", "training"], ["n2", "training"]]
    assert "degraded: cache: disk full" in lines[2]
    assert [found["health"] for found in operator.json("agents")] == ["ok", "degraded"]
    assert (
        operator.ok("agents", "--format", "csv").splitlines()[0].startswith("node,namespace,version,mountPoint,health")
    )
