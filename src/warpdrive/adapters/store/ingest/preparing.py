"""From batches to rows: texts become numbers, records become bytes and sums."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import anyio
import anyio.to_thread

from warpdrive.adapters.store.ingest.backends import KnownBackend, KnownBackends
from warpdrive.adapters.store.ingest.dictionary import Dictionary, ObjectFinder
from warpdrive.adapters.store.ingest.group import Arrays, BatchNumbers, Prepared, arrays
from warpdrive.adapters.store.ingest.numbers import Numbers
from warpdrive.adapters.store.ingest.packing import packed
from warpdrive.adapters.store.ingest.staging import staged
from warpdrive.adapters.store.ingest.summing import Sums, accesses
from warpdrive.application.ports.batch_intake import AccessBatch
from warpdrive.domain.governance.batch_times import DAY_MS
from warpdrive.domain.governance.recorded_texts import recorded_word

_TOUCHES_KEPT: Final = 300_000

_DAY_ROOM: Final = "SELECT public.warpdrive_telemetry_day(date '1970-01-01' + $1::int)"


@dataclass(frozen=True, slots=True)
class _Seen:
    """The texts of a batch, by index: what it names."""

    words: Mapping[int, str]
    backends: Mapping[int, str]
    mounts: Mapping[int, str]
    """By value of the column `path`."""


class Preparing:
    """Prepares groups, one at a time, and remembers what it learned on the way."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._backends = KnownBackends()
        self._touched: Numbers[int, int] = Numbers(_TOUCHES_KEPT)
        """Object -> the last day that is known to be written as its last access."""
        self._rooms: set[int] = set()
        """Days whose partitions were there a while ago."""

    async def prepare(self, connection: Any, batches: Sequence[AccessBatch]) -> Prepared:
        """Number everything and make the rows. `connection` is outside any transaction; raises the driver's errors."""
        seen = [_seen(batch) for batch in batches]
        words = {batch.node for batch in batches}
        for each in seen:
            words.update(each.words.values(), each.mounts.values())
        numbers = await self._dictionary.words(connection, words)
        backends = await self._backends.find(connection, {name for each in seen for name in each.backends.values()})
        known = [self._known(batch, each, backends) for batch, each in zip(batches, seen, strict=True)]
        missing: dict[KnownBackend, set[str]] = {}
        for objects in known:
            objects.note_missing(missing)
        found = await self._dictionary.find(connection, missing)
        ready = [
            (batch, _Numbering(texts, numbers, objects, found))
            for batch, texts, objects in zip(batches, seen, known, strict=True)
        ]
        # In a thread: the COPY of the group before is fed by this loop, 200 KB at a time, as the kernel takes them.
        built = await anyio.to_thread.run_sync(_build, ready)
        for day in sorted(built.days - self._rooms):
            await connection.execute(_DAY_ROOM, day)
            self._rooms.add(day)
        return Prepared(
            batches=batches,
            ids=[batch.batch_id for batch in batches],
            counts=[len(batch.records) for batch in batches],
            rows=built.rows,
            staged=built.staged,
            coverage=built.coverage,
            touched=self._untouched(built.touches),
        )

    def _known(self, batch: AccessBatch, seen: _Seen, backends: Mapping[str, KnownBackend]) -> "_Objects":
        found = _Objects(batch, {index: backends[name] for index, name in seen.backends.items()})
        found.look_up(self._dictionary)
        return found

    def written(self, group: Prepared) -> None:
        """Remember what a group's transaction made true, now that it has committed."""
        for item, day in zip(*group.touched, strict=True):
            self._touched.put(item, day)

    def forget_rooms(self) -> None:
        """Believe in no partition any more: one was dropped, or a day is kept no longer."""
        self._rooms.clear()

    def _untouched(self, touches: Iterable[tuple[int, int]]) -> list[list[int]]:
        last: dict[int, int] = {}
        known = self._touched.get
        for item, day in touches:
            before = known(item)
            if before is None or before < day:
                last[item] = day
        items = sorted(last)
        return [items, [last[item] for item in items]]


def _seen(batch: AccessBatch) -> _Seen:
    records = batch.records
    strings = records.strings
    named = {*records.user, *records.job, *records.error}
    count = len(strings)
    mounts = {index: strings[index - count] for index in set(records.path) if index >= count}
    return _Seen(
        words={index: recorded_word(strings[index]) for index in named},
        backends={index: recorded_word(strings[index]) for index in set(records.backend)},
        # What is too long for a word is a part of a path that nobody will ask for by itself.
        mounts={index: recorded_word(text) for index, text in mounts.items()},
    )


class _Objects:
    """The objects of a batch's records, found bit by bit."""

    def __init__(self, batch: AccessBatch, backends: Mapping[int, KnownBackend]) -> None:
        self.backends = backends
        self._records = batch.records
        self._found: dict[int, dict[int, int]] = {}
        """Numbers by index of backend, then of key."""
        self._missing: dict[int, list[int]] = {}

    def look_up(self, dictionary: Dictionary) -> None:
        """Take what is remembered."""
        records = self._records
        for at, backend in self.backends.items():
            keys = (
                set(records.key)
                if len(self.backends) == 1
                else {key for other, key in zip(records.backend, records.key, strict=True) if other == at}
            )
            self._found[at], self._missing[at] = dictionary.known_objects(backend, records.strings, keys)

    def note_missing(self, missing: dict[KnownBackend, set[str]]) -> None:
        """Add what is not remembered."""
        strings = self._records.strings
        for at, indexes in self._missing.items():
            if indexes:
                missing.setdefault(self.backends[at], set()).update([strings[index] for index in indexes])

    def complete(self, found: ObjectFinder) -> list[int]:
        """Return every record's object, with what was looked up meanwhile."""
        records = self._records
        for at, missing in self._missing.items():
            if missing:
                numbers = found[self.backends[at]]
                self._found[at].update({index: numbers[records.strings[index]] for index in missing})
        if len(self._found) == 1:
            by_key = next(iter(self._found.values()))
            return [by_key[key] for key in records.key]
        return [self._found[at][key] for at, key in zip(records.backend, records.key, strict=True)]


@dataclass(frozen=True, slots=True)
class _Numbering:
    """What makes numbers of a batch's texts."""

    seen: _Seen
    words: Mapping[str, int]
    objects: "_Objects"
    found: ObjectFinder


@dataclass(frozen=True, slots=True)
class _Built:
    """What a group comes to, as `Prepared` has it, its days, and every (object, day) that was accessed."""

    rows: list[bytes]
    days: set[int]
    staged: list[memoryview]
    coverage: Arrays
    touches: list[tuple[int, int]]


def _build(ready: Sequence[tuple[AccessBatch, _Numbering]]) -> _Built:
    """Make everything that needs no question. Touches nothing that others see."""
    sums = Sums()
    rows: list[bytes] = []
    staging: list[memoryview] = []
    days: set[int] = set()
    for batch, numbering in ready:
        objects = numbering.objects.complete(numbering.found)
        numbered = _numbered(batch, numbering.seen, numbering.words, numbering.objects, objects)
        used = accesses(batch, numbered)
        rows.append(packed(batch, numbered))
        staging.append(staged(batch, numbered, used))
        sums.add(batch, numbered, used)
        days.update(numbered.days)
    return _Built(rows, days, staging, arrays(sums.coverage()), list(sums.touches()))


def _numbered(
    batch: AccessBatch, seen: _Seen, numbers: Mapping[str, int], found: "_Objects", objects: list[int]
) -> BatchNumbers:
    records = batch.records
    places = {index: backend.id for index, backend in found.backends.items()}
    words = {index: numbers[word] for index, word in seen.words.items()}
    return BatchNumbers(
        node=numbers[batch.node],
        objects=objects,
        days=_days(records.ts_ms),
        users=[words[index] for index in records.user],
        jobs=[words[index] for index in records.job],
        backends=[places[index] for index in records.backend],
        errors=[words[index] for index in records.error],
        mounts={index: numbers[word] for index, word in seen.mounts.items()},
    )


def _days(times: Sequence[int]) -> list[int]:
    if not times:
        return []
    first, last = min(times) // DAY_MS, max(times) // DAY_MS
    return [first] * len(times) if first == last else [time // DAY_MS for time in times]
