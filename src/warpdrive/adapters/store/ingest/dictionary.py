"""Words and keys by number: remembered, looked up, numbered anew.

New ones are written in transactions of their own before the records that need them. So a number is remembered only
when it is there for good, nobody holds locks on words for the time of a COPY, and a batch that comes to nothing leaves
at worst a word that nobody uses.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from warpdrive.adapters.store.ingest.backends import KnownBackend
from warpdrive.adapters.store.ingest.numbers import Numbers
from warpdrive.domain.governance.recorded_texts import recorded_key

_WORDS: Final = "SELECT word, id FROM telemetry.words WHERE word = ANY($1::text[])"
_NEW_WORDS: Final = """
    INSERT INTO telemetry.words (word) SELECT word FROM unnest($1::text[]) AS word ORDER BY word COLLATE "C"
    ON CONFLICT (word) DO NOTHING RETURNING word, id
"""
_KEYS: Final = """
    SELECT known.key, known.id FROM unnest($2::text[]) AS wanted (key)
    JOIN storage.keys AS known ON known.place_id = $1 AND known.key = wanted.key
"""
_NEW_KEYS: Final = """
    INSERT INTO storage.keys (place_id, key) SELECT $1::int, key FROM unnest($2::text[]) AS wanted (key)
    ORDER BY key COLLATE "C" ON CONFLICT (place_id, key) DO NOTHING RETURNING key, id
"""
_WORDS_KEPT: Final = 50_000
_KEYS_KEPT: Final = 250_000
"""Of each generation: up to half a million keys, some 100 MB."""


class Dictionary:
    """The numbers of one ingest process. `connection` is outside any transaction; its errors pass through."""

    def __init__(self, *, words_kept: int = _WORDS_KEPT, keys_kept: int = _KEYS_KEPT) -> None:
        self._words: Numbers[str, int] = Numbers(words_kept)
        self._objects = ObjectNumbers(keys_kept)

    async def words(self, connection: Any, wanted: Iterable[str]) -> Mapping[str, int]:
        """Return the words' numbers; "" is 0."""
        found: dict[str, int] = {"": 0}
        missing: set[str] = set()
        for word in wanted:
            number = self._words.get(word)
            if number is not None:
                found[word] = number
            elif word:
                missing.add(word)
        # Twice: who loses the race for a new word finds it when it looks again.
        while missing:
            for statement in (_WORDS, _NEW_WORDS):
                for word, number in await connection.fetch(statement, sorted(missing)):
                    self._words.put(word, number)
                    found[word] = number
                    missing.discard(word)
                if not missing:
                    break
        return found

    def known_objects(
        self, backend: KnownBackend, strings: Sequence[str], indexes: Iterable[int]
    ) -> tuple[dict[int, int], list[int]]:
        """Return the numbers that are remembered of a backend's keys, by index, and the indexes of all others."""
        return self._objects.known(backend, strings, indexes)

    async def find(self, connection: Any, wanted: "Mapping[KnownBackend, Iterable[str]]") -> "ObjectFinder":
        """Look up, or number, keys that are not remembered, each below its backend's prefix."""
        found: ObjectFinder = {}
        for backend, keys in wanted.items():
            wholes = {key: recorded_key(backend.prefix, key) for key in keys}
            if wholes:
                numbers = await self._numbered(connection, backend.place_id, set(wholes.values()))
                found[backend] = {key: numbers[whole] for key, whole in wholes.items()}
                self._objects.put(backend, found[backend])
        return found

    async def _numbered(self, connection: Any, place: int, missing: set[str]) -> Mapping[str, int]:
        found: dict[str, int] = {}
        while missing:
            for statement in (_KEYS, _NEW_KEYS):
                found.update(await connection.fetch(statement, place, sorted(missing)))
                missing -= found.keys()
                if not missing:
                    break
        return found


ObjectFinder = dict[KnownBackend, dict[str, int]]
"""Numbers of objects by backend and key below its prefix."""


class ObjectNumbers:
    """Numbers of objects by backend and key, in two generations like `Numbers`, looked up a batch at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._young: dict[KnownBackend, dict[str, int]] = {}
        self._old: dict[KnownBackend, dict[str, int]] = {}

    def known(
        self, backend: KnownBackend, strings: Sequence[str], indexes: Iterable[int]
    ) -> tuple[dict[int, int], list[int]]:
        """Return what is remembered, by index, and the indexes of what is not."""
        young = self._young.get(backend, {}).get
        old = self._old.get(backend, {}).get
        found: dict[int, int] = {}
        missing: list[int] = []
        for index in indexes:
            key = strings[index]
            number = young(key)
            if number is None:
                number = old(key)
                if number is None:
                    missing.append(index)
                    continue
                self.put(backend, {key: number})
                young = self._young[backend].get
                old = self._old.get(backend, {}).get
            found[index] = number
        return found, missing

    def put(self, backend: KnownBackend, numbers: Mapping[str, int]) -> None:
        """Remember."""
        if self._count >= self._most:
            self._old, self._young, self._count = self._young, {}, 0
        self._young.setdefault(backend, {}).update(numbers)
        self._count += len(numbers)
