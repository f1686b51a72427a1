"""The difference between two states of a namespace, as people read it: + added, ~ changed, - removed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from warpdrive.entrypoints.ctl.namespace_file import Entry, entry_words

Change = Mapping[str, Any]
"""A MountEntryChange of the contract, as ProtoJSON."""

ADD: Final = "KIND_ADD"
RECONFIGURE: Final = "KIND_RECONFIGURE"
REMOVE: Final = "KIND_REMOVE"


def difference(changes: Sequence[Change]) -> Iterator[str]:
    """Yield lines: one for each path, more for what changes in it; then a count of them all."""
    width = max((len(change["path"]) for change in changes if change["kind"] != RECONFIGURE), default=0)
    for change in changes:
        path = change["path"].ljust(width)
        if change["kind"] == ADD:
            yield f"+ {path}  {_one_line(change['after'])}"
        elif change["kind"] == REMOVE:
            yield f"- {path}  {_one_line(change['before'])}"
        else:
            yield f"~ {change['path']}"
            yield from (f"    {line}" for line in changed_words(change["before"], change["after"]))
    kinds = [change["kind"] for change in changes]
    yield f"{kinds.count(ADD)} to add, {kinds.count(RECONFIGURE)} to change, {kinds.count(REMOVE)} to remove"


def changed_words(before: Entry, after: Entry) -> Iterator[str]:
    """Yield "word: old -> new" for each word of the file that differs; what is not there is its default."""
    old, new = entry_words(before), entry_words(after)
    for word in sorted(old.keys() | new.keys()):
        if old.get(word) != new.get(word):
            yield f"{word}: {old.get(word, '(default)')} -> {new.get(word, '(default)')}"


def _one_line(entry: Entry) -> str:
    words = entry_words(entry)
    rest = (f"{word.removeprefix('config.')}={words[word]}" for word in words if word not in {"name", "type"})
    return " ".join((words["name"], f"({words['type']})", *rest))
