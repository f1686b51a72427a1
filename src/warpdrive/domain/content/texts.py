"""Texts that events carry for ever: what can name something, what can be said about it, what UTF-8 can hold.

Functions that judge return words that complete a sentence ("team name '' is empty"), or None when all is well.
"""

from typing import Final
from uuid import UUID

from warpdrive.domain.content.paths import HiddenReason, why_hidden

ANY: Final = "*"
"""Where a backend or storage class is named, this stands for every one."""

LONGEST_NOTE: Final = 1000
"""Characters of a note or reason: a paragraph, not a document."""


def storable(text: str) -> bool:
    """Tell whether it can be kept: UTF-8 holds no surrogate escapes (raw bytes on their way), a text column no NUL."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def escaped(text: str) -> str:
    r"""Write a text that must be kept whatever it holds: what UTF-8 or a text column refuses becomes `\udc80`, `\x00`.

    For facts that nobody may refuse to record, such as the path of a denied access.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def shown(text: str, kept: str = "") -> str:
    r"""Write a text for a terminal: what it would obey, and what nobody could see, becomes `\x1b`, `\u202e`.

    `kept`: characters that may stay all the same, such as line ends.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode("ascii") for each in text
    )


def why_no_label(text: str) -> str | None:
    """Say why a text cannot be a name that people type and lists print, or None: it must do as a file's name."""
    reason = why_hidden(text)
    if reason is not None:
        return reason.value
    # What the kernel takes and a list cannot show on one line is no name either.
    return HiddenReason.NOT_A_NAME.value if "/" in text or not text.isprintable() else None


def why_no_word(text: str, longest: int = 255) -> str | None:
    """Say why a text cannot stand for something elsewhere (a principal, a host, a backend), or None.

    Unlike a label it may hold "/"; `longest` counts characters.
    """
    if not text:
        return "is empty"
    if not text.isprintable():
        return "has characters that cannot be printed"
    return f"is longer than {longest} characters" if len(text) > longest else None


def why_no_note(text: str, longest: int = LONGEST_NOTE) -> str | None:
    """Say why a text cannot be kept as somebody's words, or None; it may be empty and have lines."""
    if not storable(text):
        return "has characters that cannot be stored"
    return f"is longer than {longest} characters" if len(text) > longest else None


def is_tenant_id(text: str) -> bool:
    """Tell whether it is an Entra tenant's id in its one spelling: a UUID, lowercase, with hyphens."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
