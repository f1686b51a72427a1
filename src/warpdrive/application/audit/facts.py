"""Facts: what is so, as paths to plain values, so that states of any kind are shown, compared and explained alike.

`("entries", "/train", "backend", "prefix")` -> "2012/". A member of a set is a path that ends in it, with True.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Path = tuple[str, ...]
Plain = str | int | bool | None
Tree = Mapping[str, "Tree | Sequence[str] | Plain"]
"""What portraits are made of, and JSON shows."""


@dataclass(frozen=True, slots=True)
class FactChange:
    """One fact that is not as it was. `before` None with `was` False: there was none; `after` alike with `remains`."""

    path: Path
    before: Plain
    after: Plain
    was: bool
    remains: bool

    @property
    def words(self) -> str:
        """Say it on one line: "entries /train backend prefix: "" -> "2012/""."""
        where = path_words(self.path)
        if not self.was:
            return f"+ {where}" if self.after is True else f"+ {where}: {value_words(self.after)}"
        if not self.remains:
            return f"- {where}" if self.before is True else f"- {where}: {value_words(self.before)}"
        return f"~ {where}: {value_words(self.before)} -> {value_words(self.after)}"


def facts_of(tree: Tree) -> dict[Path, Plain]:
    """Write a tree as paths."""
    return dict(_walk((), tree))


def _walk(path: Path, node: Tree | Sequence[str] | Plain) -> Iterator[tuple[Path, Plain]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _walk((*path, key), value)
    elif isinstance(node, str | int | bool) or node is None:
        yield path, node
    else:
        for member in node:
            yield (*path, member), True


def changes_between(before: Mapping[Path, Plain], after: Mapping[Path, Plain]) -> list[FactChange]:
    """Say what is not as it was, in the order of the facts' paths."""
    return [
        FactChange(path, before.get(path), after.get(path), path in before, path in after)
        for path in sorted(before.keys() | after.keys())
        if path not in before or path not in after or before[path] != after[path]
    ]


def about(path: Path, fact: str) -> bool:
    """Tell whether a fact lies at or below what an auditor named: any step of its path, or a whole path with dots."""
    return fact in path or any(".".join(path[: count + 1]) == fact for count in range(len(path)))


def path_words(path: Path) -> str:
    """Write a path for people, on one line."""
    return " ".join(step if step.isprintable() and step else repr(step) for step in path)


def value_words(value: Plain) -> str:
    """Write a value for people: texts quoted, since they are somebody's words."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, str) else str(value)
