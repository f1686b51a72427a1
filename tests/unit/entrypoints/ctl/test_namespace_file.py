"""A namespace as YAML, there and back."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.namespace.values import OPTIONS, POLICY_WORDS
from warpdrive.entrypoints.ctl.namespace_diff import changed_words, difference
from warpdrive.entrypoints.ctl.namespace_file import entry_words, read_namespace, write_namespace

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12
) | st.sampled_from(
    ["null", "~", "on", "0123", "1:30", "${HOME}", "$${HOME}", "$", " x ", "- a", "# a", "a: b", "'", '"', "2026-01-31"]
)


@st.composite
def entries(draw: st.DrawFn, path: str) -> dict[str, Any]:
    """Draw an entry that a control plane could hold."""
    kind = draw(st.sampled_from(sorted(OPTIONS)))
    return {
        "path": path,
        "backend": {
            "name": draw(TEXTS),
            "type": kind,
            "options": draw(st.dictionaries(st.sampled_from(OPTIONS[kind]), TEXTS | st.just(""))),
            "prefix": draw(st.sampled_from(["", "raw/", "a b/c/", "${X}/"])),
            "auth": draw(st.sampled_from(["", "reader", "backends/photos"])),
            "tenant": draw(st.sampled_from(["", "11111111-2222-3333-4444-555555555555"])),
            "fingerprint": "whatever",
        },
        "policy": {word: draw(st.sampled_from(choices)) for word, choices in POLICY_WORDS.items()},
    }


@given(name=TEXTS, one=entries("/"), two=entries("/a/ä b"))
def test_what_is_written_reads_back_as_the_same_entries(name: str, one: dict[str, Any], two: dict[str, Any]) -> None:
    """Whatever the texts look like to YAML or to the expansion of variables."""
    text = write_namespace({"name": name, "entries": [one, two]})
    read = read_namespace(text.encode(), {"HOME": "/root", "X": "y"})
    assert read.name == name
    for before, after in zip((one, two), read.entries, strict=True):
        assert after["path"] == before["path"]
        assert after["policy"] == before["policy"]
        assert after["backend"] == {key: value for key, value in before["backend"].items() if key != "fingerprint"}


def test_the_file_reads_as_people_write_it() -> None:
    """No quotes where none are needed, no defaults, nothing that is output only."""
    entry = {
        "path": "/photos",
        "backend": {"name": "p", "type": "s3", "options": {"bucket": "b"}, "prefix": "", "auth": "r", "tenant": ""},
        "policy": {"write": "on", "durability": "close", "conflict": "keep-both", "delete": "deny"},
    }
    assert write_namespace({"name": "training", "entries": [entry]}) == (
        "namespace: training\n"
        "backends:\n"
        "  - name: p\n"
        "    type: s3\n"
        "    mount_path: /photos\n"
        "    config:\n"
        "      bucket: b\n"
        "    auth: r\n"
        "    write: on\n"
    )


def test_variables_expand_as_in_the_agents_file() -> None:
    """So that one file serves several places."""
    raw = b"namespace: ${STAGE}\nbackends: [{name: p, type: s3, config: {bucket: 'p-${STAGE}'}}]"
    read = read_namespace(raw, {"STAGE": "test"})
    assert (read.name, read.entries[0]["backend"]["options"]) == ("test", {"bucket": "p-test"})


def test_an_entry_is_mounted_under_its_name_unless_it_says_otherwise() -> None:
    """And knows the old name of a type."""
    read = read_namespace(b"namespace: n\nbackends: [{name: p, type: googlecloudstorage, config: {bucket: b}}]", {})
    assert (read.entries[0]["path"], read.entries[0]["backend"]["type"]) == ("/p", "gcs")


@given(one=entries("/a"), two=entries("/a"))
def test_a_difference_names_every_word_that_differs(one: dict[str, Any], two: dict[str, Any]) -> None:
    """And no other."""
    named = {line.partition(": ")[0] for line in changed_words(one, two)}
    old, new = entry_words(one), entry_words(two)
    assert named == {word for word in old | new if old.get(word) != new.get(word)}


def test_no_changes_are_a_count_of_nothing() -> None:
    """For an empty namespace that is new."""
    assert list(difference([])) == ["0 to add, 0 to change, 0 to remove"]
