"""Walks a schema over a document: structs, lists, maps and single values, collecting every fault on the way.

msgspec's own decoder stops at the first fault and knows neither lines nor aliases, so the walk is ours;
msgspec owns the schema (names, defaults, constraints), reads plain kinds and builds the frozen structs.
"""

import types
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from functools import cache
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from warpdrive.entrypoints.settings.document import Mapping, Node, Scalar, Sequence
from warpdrive.entrypoints.settings.expansion import expand, mentions_variable
from warpdrive.entrypoints.settings.faults import Faults, did_you_mean, key_path
from warpdrive.entrypoints.settings.kinds import PARSERS, PathReader

REQUIRED: Final = "is missing"


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One section of the file. Field names are key names; defaults are the documented ones."""

    aliases: ClassVar[AnyMapping[str, str]] = {}
    """Old name of a key -> its name now."""
    refused: ClassVar[AnyMapping[str, str]] = {}
    """Key that is known, but cannot be used yet -> the words that say so."""
    not_yet: ClassVar[AnyMapping[tuple[str, str], str]] = {}
    """(key, word) that is known, but cannot be used yet -> the words that say so; silences the section's rest."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield (key, message) for values that are right alone and wrong together."""
        return iter(())


S = TypeVar("S", bound=Section)


class _Failed:
    """Stands for a value that has a fault, already noted."""


FAILED: Final = _Failed()


@cache
def _kinds(section: type[Section]) -> dict[str, Any]:
    return get_type_hints(section, include_extras=True)


class Decoder:
    """Decodes nodes by schema.

    With `environ` None, texts that mention variables are another process's business and pass unseen; what
    holds them decodes to None or FAILED without a fault.
    """

    def __init__(self, environ: AnyMapping[str, str] | None, paths: PathReader, faults: Faults) -> None:
        self._environ = environ
        self._paths = paths
        self.faults = faults

    def quiet(self) -> "Decoder":
        """Return a decoder whose faults nobody reads: to look at something that is decoded properly elsewhere."""
        return Decoder(self._environ, self._paths, Faults())

    def section(self, kind: type[S], node: Node | None, at: str) -> S | None:
        """Decode a struct; None when anything in it is wrong. A missing or null node is all defaults."""
        known = len(self.faults)
        entries = self.keys_of(node, at)
        if entries is None:
            return None
        line = None if node is None else node.line
        for (key, word), message in kind.not_yet.items():
            child = entries.get(key)
            if isinstance(child, Scalar) and child.text.strip().lower() == word:
                self.faults.add(key_path(at, key), message, child.line)
                return None
        named = self._named(kind, entries, at)
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(kind):
            written, child = named.get(field.name, (field.name, None))
            if child is not None and not _is_null(child):
                values[field.name] = self.value(_kinds(kind)[field.name], child, key_path(at, written))
            elif field.required:
                self.faults.add(key_path(at, field.name), REQUIRED, line)
        if len(self.faults) > known or any(value is FAILED for value in values.values()):
            return None
        built = kind(**values)
        for key, message in built.contradictions():
            written, child = named.get(key, (key, None))
            self.faults.add(key_path(at, written), message, child.line if child is not None else line)
        return built if len(self.faults) == known else None

    def keys_of(self, node: Node | None, at: str) -> dict[str, Node] | None:
        """Return keys and values of a mapping; null is an empty one; anything else is a fault and None."""
        if node is None or _is_null(node):
            return {}
        if isinstance(node, Mapping):
            return node.items
        self.faults.add(at, "must hold keys with values", node.line)
        return None

    def _named(self, kind: type[Section], entries: dict[str, Node], at: str) -> dict[str, tuple[str, Node]]:
        fields = {field.name for field in msgspec.structs.fields(kind)}
        named: dict[str, tuple[str, Node]] = {}
        for key, child in entries.items():
            name = kind.aliases.get(key, key)
            path = key_path(at, key)
            if name in kind.refused:
                if not _is_null(child):
                    self.faults.add(path, kind.refused[name], child.line)
            elif name not in fields:
                self.faults.add(path, f"is not a known key{did_you_mean(key, fields)}", child.line)
            elif name in named:
                old = next(old for old, new in kind.aliases.items() if new == name)
                message = f'means the same as "{name if key == old else old}"; give one of them'
                self.faults.add(path, message, child.line)
            else:
                named[name] = (key, child)
        return named

    def value(self, kind: Any, node: Node, at: str) -> Any:
        """Decode any node by the kind of its field; FAILED when it has a fault."""
        kind = _without_none(kind)
        if _is_section(kind):
            section = self.section(kind, node, at)
            return FAILED if section is None else section
        origin = get_origin(kind)
        if origin is tuple:
            if not isinstance(node, Sequence):
                self.faults.add(at, "must be a list", node.line)
                return FAILED
            return tuple(self.value(get_args(kind)[0], item, key_path(at, i)) for i, item in enumerate(node.items))
        if origin is dict:
            entries = self.keys_of(node, at) or {}
            return {key: self.value(get_args(kind)[1], item, key_path(at, key)) for key, item in entries.items()}
        return self.scalar(kind, node, at)

    def scalar(self, kind: Any, node: Node, at: str) -> Any:
        """Decode one text; FAILED when it has a fault."""
        if not isinstance(node, Scalar) or node.null:
            self.faults.add(at, "must be a single value", node.line)
            return FAILED
        try:
            if self._environ is None:
                if mentions_variable(node.text):
                    return FAILED
                text = node.text
            else:
                text = expand(node.text, self._environ)
            _refuse_raw_bytes(text)
            return self._read(kind, text)
        except ValueError as error:
            self.faults.add(at, str(error), node.line)
            return FAILED

    def _read(self, kind: Any, text: str) -> Any:
        if kind is Path:
            return self._paths(text)
        if get_origin(kind) is Literal:
            return _choose(get_args(kind), text)
        if kind in PARSERS:
            return PARSERS[kind](text)
        try:
            return msgspec.convert(text.strip(), kind, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(_plain_words(str(error), kind)) from None


def _refuse_raw_bytes(text: str) -> None:
    """Values reach events and servers as UTF-8; a variable may hold other bytes, a YAML escape half a character."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None


def _choose(words: tuple[str, ...], text: str) -> str:
    wanted = text.strip().lower()
    if wanted in words:
        return wanted
    raise ValueError(f"must be one of {', '.join(words)}{did_you_mean(wanted, words)}")


def _plain_words(message: str, kind: Any) -> str:
    """Say what msgspec means in words for people: its messages hold type names, never the value."""
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    noun = {int: "a whole number", float: "a number"}.get(plain, "a valid value")
    bound = next((sign for sign in (">=", "<=", ">", "<") if f"` {sign} " in message), None)
    return f"must be {noun} {bound} {message.rpartition(' ')[2]}" if bound else f"must be {noun}"


def _without_none(kind: Any) -> Any:
    """Take `| None` off: a null never gets this far."""
    if get_origin(kind) in {Union, types.UnionType} and type(None) in get_args(kind):
        return next(each for each in get_args(kind) if each is not type(None))
    return kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.null
