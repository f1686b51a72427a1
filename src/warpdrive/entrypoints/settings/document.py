"""A YAML file as a tree of texts with line numbers.

YAML's own guesses (022 is 18, `on` is true, 1:30 is 90, an unquoted date is a date) are never asked for: a
scalar keeps the text as written, and the schema says what it is. So `umask: 022` and `bucket: 0123` mean what
they say.
Anchors and aliases work; merge keys, other tags and repeated keys are refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from warpdrive.entrypoints.settings.faults import Fault, Faults, SettingsError, key_path

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_NODES: Final = 100_000
"""A tree of aliases can grow without end from a few lines; no configuration needs more values than this."""

_PLAIN_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "seq", "map")
)
_NULL_TAG: Final = "tag:yaml.org,2002:null"
_MERGE_KEY: Final = "<<"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written, before expansion. `null` when nothing, `~` or `null` stands there, unquoted."""

    text: str
    line: int | None = None
    null: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values; never a key twice."""

    items: dict[str, "Node"]
    line: int | None = None


Node = Scalar | Sequence | Mapping


def read_document(path: Path) -> tuple[Mapping, Faults]:
    """Read the file. Raises SettingsError when it cannot be read or is no YAML mapping at all.

    The faults that come back (repeated keys and the like) did not stop the reading.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError([Fault("", f"cannot be read: {error.strerror or error}")]) from error
    except ValueError as error:  # a NUL in the path
        raise SettingsError([Fault("", f"cannot be read: {error}")]) from error
    return parse_document(raw)


def parse_document(raw: bytes) -> tuple[Mapping, Faults]:
    """Parse YAML text. Raises SettingsError like `read_document`; an empty file is an empty mapping."""
    if len(raw) > MAX_BYTES:
        raise SettingsError([Fault("", "is larger than 4 MiB; this is no configuration")])
    try:
        root = yaml.compose(raw.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise SettingsError([Fault("", f"is not UTF-8 (byte {error.start})")]) from error
    except yaml.MarkedYAMLError as error:
        # Never the snippet that the library offers: the line may hold a secret.
        mark = error.problem_mark or error.context_mark
        message = f"is not valid YAML: {error.problem or error.context}"
        raise SettingsError([Fault("", message, mark.line + 1 if mark else None)]) from None
    except yaml.reader.ReaderError as error:
        message = f"is not valid YAML: character #x{int(error.character):04x} is not allowed"
        raise SettingsError([Fault("", message)]) from None
    except RecursionError:
        raise SettingsError([Fault("", "is nested too deeply")]) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # The scanner builds code points from escapes such as "\UFFFFFFFF" unchecked.
        raise SettingsError([Fault("", "is not valid YAML")]) from None
    if root is None or (isinstance(root, yaml.ScalarNode) and _is_null(root)):
        return Mapping({}), Faults()
    builder = _Builder()
    tree = builder.build(root, "", ())
    if not isinstance(tree, Mapping):
        raise SettingsError([Fault("", 'must be keys with values, like "mount_point: /mnt/data"')])
    return tree, builder.faults


class _Builder:
    """Turns composed YAML nodes into ours, and notes what is wrong with them."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._nodes = 0

    def build(self, node: yaml.Node, at: str, above: tuple[int, ...]) -> Node:
        line = node.start_mark.line + 1
        self._nodes += 1
        if self._nodes > MAX_NODES or len(above) > 50:  # noqa: PLR2004 - no schema is a tenth as deep
            raise SettingsError([Fault(at, "is nested too deeply or has too many values", line)])
        if id(node) in above:
            raise SettingsError([Fault(at, "contains itself (a YAML alias inside its own anchor)", line)])
        above = (*above, id(node))
        if node.tag not in _PLAIN_TAGS:
            self.faults.add(at, "has a YAML tag; only plain values are allowed", line)
        if isinstance(node, yaml.ScalarNode):
            return Scalar(node.value, line, null=_is_null(node))
        if isinstance(node, yaml.SequenceNode):
            children = (self.build(child, key_path(at, index), above) for index, child in enumerate(node.value))
            return Sequence(tuple(children), line)
        return Mapping(dict(self._pairs(node, at, above)), line)

    def _pairs(self, node: yaml.Node, at: str, above: tuple[int, ...]) -> Iterator[tuple[str, Node]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.add(at, "has a key that is not a word", line)
                continue
            key = key_node.value
            path = key_path(at, key)
            if key == _MERGE_KEY:
                self.faults.add(path, "YAML merge keys are not supported; repeat the keys", line)
            elif key in seen:
                self.faults.add(path, f"is given twice, first on line {seen[key]}", line)
            else:
                seen[key] = line
                yield key, self.build(value_node, path, above)


def _is_null(node: yaml.ScalarNode) -> bool:
    return bool(node.tag == _NULL_TAG)
