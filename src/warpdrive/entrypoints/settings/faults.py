"""What is wrong with a configuration: every fault at once, each with the path of its key and its line."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing to mend. `path` is like `backends[1].mount_path`, "" for the file itself; `line` counts from 1."""

    path: str
    message: str
    line: int | None = None


class SettingsError(Exception):
    """Raised when a configuration cannot be used. No message repeats a value that may be a secret."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(render_faults("configuration", faults).replace("\n", "; "))
        self.faults = list(faults)


class Faults:
    """Collects faults while a document is read, so that a user mends all of them in one go."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def add(self, path: str, message: str, line: int | None = None) -> None:
        """Note one fault; the same words about the same key are noted once."""
        fault = Fault(path, message, line)
        if fault not in self._found:
            self._found.append(fault)

    def __len__(self) -> int:
        """Count what has been found so far."""
        return len(self._found)

    def __iter__(self) -> Iterator[Fault]:
        """Yield them in the order they were found."""
        return iter(self._found)

    def raise_if_any(self) -> None:
        """Raise SettingsError with everything found, in the order of the file."""
        if self._found:
            raise SettingsError(sorted(self._found, key=lambda fault: fault.line or 0))


def key_path(parent: str, key: str | int) -> str:
    """Write the path of a key or a list index below `parent`."""
    if isinstance(key, int):
        return f"{parent}[{key}]"
    return f"{parent}.{key}" if parent else key


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Write '; did you mean "x"?' when `word` is close to one of the known ones, else nothing."""
    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.7)
    return f'; did you mean "{close[0]}"?' if close else ""


def render_faults(path: str, faults: Iterable[Fault]) -> str:
    """Write a line for each fault, like `config.yaml:12: backends[1].mount_path: ...`, no newline at the end."""
    lines = []
    for fault in faults:
        place = path if fault.line is None else f"{path}:{fault.line}"
        line = f"{place}: {fault.path}: {fault.message}" if fault.path else f"{place}: {fault.message}"
        lines.append("".join(map(_printable, line)))
    return "\n".join(lines)


def _printable(character: str) -> str:
    """Keep one fault on one line, whatever a key is called."""
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
