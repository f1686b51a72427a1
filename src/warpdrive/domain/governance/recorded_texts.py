"""Texts as records keep them: whatever somebody names, bounded so that an index can hold it."""

from hashlib import blake2b
from typing import Final

from warpdrive.domain.content.texts import escaped

LONGEST_KEY: Final = 2_400
LONGEST_WORD: Final = 1_000
"""Bytes of UTF-8. An index of PostgreSQL refuses entries of 2,700 bytes and more; no object store has keys beyond
1,024, but trees of files do."""

_SURE: Final = 600
"""Characters that cannot have more bytes than any bound."""


def recorded_key(prefix: str, key: str) -> str:
    r"""Return a whole key: `prefix` and `key`, with escapes for what no text column takes.

    One that is too long is cut, and ends in "\#" and a digest of the whole, so that different keys stay different.
    """
    whole = prefix + key if prefix else key
    if not whole.isascii() or "\0" in whole:
        whole = escaped(whole)
    return whole if len(whole) <= _SURE else _cut(whole, LONGEST_KEY)


def recorded_word(text: str) -> str:
    """Return a name of a node, user, job, error or path, likewise."""
    word = escaped(text)
    return word if len(word) <= LONGEST_WORD // 4 else _cut(word, LONGEST_WORD)


def _cut(text: str, longest: int) -> str:
    data = text.encode()
    if len(data) <= longest:
        return text
    digest = blake2b(data, digest_size=16).hexdigest()
    return data[: longest - 40].decode(errors="ignore") + "\\#" + digest
