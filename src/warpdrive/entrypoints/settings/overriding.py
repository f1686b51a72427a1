"""What the command line says, put where the file would have said it."""

from collections.abc import Mapping as AnyMapping

from warpdrive.entrypoints.settings.document import Mapping, Node, Scalar


def overridden(document: Mapping, overrides: AnyMapping[str, str]) -> dict[str, Node]:
    """Return the document's entries with texts put in: keys are written with dots, and win over the file's.

    They are not expanded: `$${` keeps each `${` as typed.
    """
    entries = dict(document.items)
    for key, text in overrides.items():
        _put(entries, key, text)
    return entries


def _put(entries: dict[str, Node], key: str, text: str) -> None:
    first, _, rest = key.partition(".")
    if rest:
        section = entries.get(first)
        below = dict(section.items) if isinstance(section, Mapping) else {}
        _put(below, rest, text)
        entries[first] = Mapping(below)
    else:
        entries[first] = Scalar(text.replace("${", "$${"))
