"""`warpdrive-ctl namespace`: life of namespaces, and their mount entries one by one."""

import csv
import io
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator

PHOTOS = (
    "--backend",
    "photos",
    "--type",
    "s3",
    "--config",
    "bucket=photos",
    "--config",
    "region=eu",
    "--auth",
    "reader",
)


@pytest.fixture
def training(operator: "Operator") -> "Operator":
    """An operator whose control plane has the namespace "training" with one entry."""
    operator.ok("namespace", "create", "training")
    operator.ok("namespace", "mount", "training", "/photos", *PHOTOS, "--prefix", "raw")
    return operator


def test_a_first_look_says_how_to_begin(operator: "Operator") -> None:
    """Not an empty table."""
    assert "warpdrive-ctl namespace create" in operator.ok("namespace", "list")
    assert operator.json("namespace", "list") == []


def test_a_mounted_backend_is_shown_with_its_place_and_policy(training: "Operator") -> None:
    """In words of the agent's file; sizes of tables are nobody's business when piped."""
    shown = training.ok("namespace", "show", "training")
    row = next(line for line in shown.splitlines() if "/photos" in line)
    assert row.split() == ["/photos", "photos", "s3", "bucket=photos", "region=eu", "prefix=raw/", "reader", "-", "-"]


@pytest.mark.parametrize(
    ("words", "why"),
    [(["s3"], "config.bucket is missing"), (["local", "--config", "root=srv"], "config.root is not an absolute path")],
)
def test_an_entry_that_no_agent_will_serve_is_warned_of(training: "Operator", words: list[str], why: str) -> None:
    """The control plane takes it; whoever mounts it hears at once what nodes would say later."""
    result = training.run("namespace", "mount", "training", "/odd", "--backend", "odd", "--type", *words)
    assert result.exit_code == 0, result.output
    assert f"warning: /odd: agents of this version will not serve it: {why}" in result.stderr


def test_the_json_of_a_namespace_is_the_contracts(training: "Operator") -> None:
    """ProtoJSON: int64 as text, defaults written out."""
    found = training.json("namespace", "show", "training")
    assert (found["name"], found["version"], found["sealed"]) == ("training", "2", False)
    assert found["entries"][0]["backend"]["options"] == {"bucket": "photos", "region": "eu"}
    assert found["entries"][0]["policy"] == {
        "write": "off",
        "durability": "close",
        "conflict": "keep-both",
        "delete": "deny",
    }
    assert training.json("namespace", "list") == [found]


def test_the_csv_has_every_field_of_the_contract_and_a_header(training: "Operator") -> None:
    """Lists inside a row are JSON in its cell."""
    rows = list(csv.DictReader(io.StringIO(training.ok("namespace", "list", "--format", "csv"))))
    assert list(rows[0]) == ["id", "name", "entries", "sealed", "retired", "version", "createdAt", "updatedAt"]
    assert (rows[0]["name"], rows[0]["retired"]) == ("training", "false")
    assert '"bucket": "photos"' in rows[0]["entries"]


def test_the_same_mount_again_changes_nothing(training: "Operator") -> None:
    """And succeeds, so that a script may be run twice."""
    before = training.json("namespace", "show", "training")
    assert (
        training.ok("namespace", "mount", "training", "/photos/", *PHOTOS, "--prefix", "/raw/") == "nothing to change\n"
    )
    assert training.json("namespace", "show", "training") == before


def test_other_values_on_a_mounted_path_are_refused_and_shown(training: "Operator") -> None:
    """What differs, and the option that would do it."""
    said = training.fails("namespace", "mount", "training", "/photos", *PHOTOS, "--prefix", "cooked")
    assert "config.prefix: raw/ -> cooked/" in said
    assert "say --reconfigure" in said


def test_reconfigure_keeps_what_is_not_named(training: "Operator") -> None:
    """Only the write policy, and one option taken away."""
    arguments = ("--reconfigure", "--write", "on", "--config", "region=")
    assert "reconfigured" in training.ok("namespace", "mount", "training", "/photos", *arguments)
    assert training.ok("namespace", "mount", "training", "/photos", *arguments) == "nothing to change\n"
    entry = training.json("namespace", "show", "training")["entries"][0]
    assert entry["backend"]["options"] == {"bucket": "photos"}
    assert (entry["backend"]["prefix"], entry["backend"]["auth"], entry["policy"]["write"]) == ("raw/", "reader", "on")


def test_reconfigure_of_nothing_says_so(training: "Operator") -> None:
    """No entry comes to be by a slip of the pen."""
    assert "leave --reconfigure out" in training.fails(
        "namespace", "mount", "training", "/fotos", "--reconfigure", "--write", "on"
    )


def test_a_backend_keeps_meaning_one_place(training: "Operator") -> None:
    """The refusal is the control plane's, the advice ours."""
    said = training.fails("namespace", "mount", "training", "/more", *PHOTOS[:-4], "--config", "bucket=other")
    assert "already names another place" in said
    assert "another name" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/p", "--backend", "b"], "needs --backend NAME and --type TYPE"),
        (["/p", "--backend", "b", "--type", "s4"], "'s4' is not one of"),
        (["/p", "--backend", "b", "--type", "s3", "--config", "bucket"], "is not like bucket=photos"),
        (["/../p", "--backend", "b", "--type", "s3"], "/../p"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(operator: "Operator", arguments: list[str], words: str) -> None:
    """Exit status 2, before anybody is asked."""
    asked = len(operator.served.dispatcher.asked)
    assert words in operator.fails("namespace", "mount", "training", *arguments, status=2)
    assert len(operator.served.dispatcher.asked) == asked


@pytest.mark.parametrize(
    ("option", "words"),
    [("bukket=x", 'did you mean "bucket"?'), ("prefix=x", "that is --prefix"), ("host=x", "none of s3's")],
)
def test_an_unknown_option_of_a_backend_is_a_usage_error(training: "Operator", option: str, words: str) -> None:
    """With what it may have meant."""
    arguments = ("--backend", "b", "--type", "s3", "--config", option)
    assert words in training.fails("namespace", "mount", "training", "/p", *arguments, status=2)


def test_unmount(training: "Operator") -> None:
    """Gone; a second time names what there is, and what was meant."""
    assert 'did you mean "/photos"?' in training.fails("namespace", "unmount", "training", "/photo")
    assert training.ok("namespace", "unmount", "training", "/photos") == "/photos of training unmounted\n"
    assert training.json("namespace", "show", "training")["entries"] == []
    assert "it has none" in training.fails("namespace", "unmount", "training", "/photos")


def test_a_sealed_namespace_refuses_changes_and_says_how_to_open_it(training: "Operator") -> None:
    """Then it opens again."""
    assert training.ok("namespace", "seal", "training") == "namespace training sealed\n"
    assert "sealed" in training.ok("namespace", "list")
    assert "warpdrive-ctl namespace unseal" in training.fails("namespace", "unmount", "training", "/photos")
    assert training.ok("namespace", "unseal", "training") == "namespace training unsealed\n"
    training.ok("namespace", "unmount", "training", "/photos")


def test_retire_asks_and_where_nobody_can_answer_wants_yes(training: "Operator") -> None:
    """Exit status 2 and nothing happened; --yes does it; the name is free, the history is kept."""
    assert "say --yes" in training.fails("namespace", "retire", "training", status=2)
    assert "retired" in training.ok("namespace", "retire", "training", "--yes")
    assert training.json("namespace", "list") == []
    assert [found["retired"] for found in training.json("namespace", "list", "--retired")] == [True]
    training.ok("namespace", "create", "training")


def test_a_name_that_is_taken(training: "Operator") -> None:
    """One line."""
    assert training.fails("namespace", "create", "training").startswith("Error: namespace 'training' exists already")


def test_a_name_nearly_right(training: "Operator") -> None:
    """Names the one that was meant."""
    said = training.fails("namespace", "show", "trainin")
    assert said == "Error: there is no namespace 'trainin'; did you mean \"training\"?\n"


def test_names_that_are_no_plain_words_stay_whole(operator: "Operator") -> None:
    """A slash, a space, a percent sign, letters of other scripts, dots: one segment of the path."""
    for name in ("team a", "50%25", "δοκιμή", "a+b&c=d?e#f"):
        operator.ok("namespace", "create", name)
        assert operator.json("namespace", "show", name)["name"] == name
