"""Recommendations: what could be done, and what people do not want to hear any more, for a reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from warpdrive.application.control.answer_names import AnswerNames
from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.commands import Commands, Decision
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.tariffs import Tariff, Tariffs
from warpdrive.application.ports.duplicate_facts import DuplicateFacts, SurplusRow
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.ports.usage_facts import UsageFacts
from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.governance.pricing import amount_text
from warpdrive.domain.governance.recommendation import (
    IDLE_DAYS,
    STALE_DAYS,
    Advice,
    Kind,
    OwnedObjects,
    archive_stale,
    cheaper_class,
    held,
    ordered,
    remove_duplicates,
    without,
    worth_telling,
)
from warpdrive.domain.governance.staleness import used_before

_KINDS: Final = tuple(kind.value for kind in Kind)
_NO_BOOK: Final = "There is no price book, so nothing is known of what it would save."
_SEVERAL_BOOKS: Final = "There are several price books and none was named, so it is not said what it would save."


@dataclass(frozen=True, slots=True)
class DismissalView:
    """What was decided about a recommendation last, by whom and when. `reason` "" while it is not dismissed."""

    recommendation: str
    dismissed: bool
    reason: str
    by: str
    at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class RecommendationView:
    """One recommendation. Savings are a month's, decimal texts in `currency`; all three "" without a price."""

    id: str
    kind: str
    team: str
    backend: str
    summary: str
    evidence: tuple[str, ...]
    assumptions: tuple[str, ...]
    objects: int
    bytes: int
    saving_low: str
    saving_high: str
    currency: str
    dismissal: DismissalView | None


@dataclass(frozen=True, slots=True)
class RecommendationsView:
    """What saves most first. Where coverage is incomplete, nothing is said that rests on nobody having used it."""

    recommendations: tuple[RecommendationView, ...]
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class _Found:
    """What can be advised about, over all teams and backends. `stale`, `idle` None: nobody can know."""

    as_of: AsOf
    stale: tuple[OwnedObjects, ...] | None
    idle: tuple[OwnedObjects, ...] | None
    surplus: tuple[SurplusRow, ...]
    stored: Mapping[str, int]
    """Bytes by backend."""


class Recommendations:
    """Use cases of recommendations. Raises Malformed, NotFound, what a Dismissal refuses, and the store's errors."""

    def __init__(
        self,
        commands: Commands,
        names: AnswerNames,
        moments: Moments,
        models: ReadModels,
        tariffs: Tariffs,
        sums: UsageFacts,
        facts: DuplicateFacts,
    ) -> None:
        self._commands = commands
        self._names = names
        self._moments = moments
        self._models = models
        self._tariffs = tariffs
        self._sums = sums
        self._facts = facts

    async def get(
        self,
        call: Call,
        *,
        kind: str = "",
        team: str = "",
        backend: str = "",
        dismissed: bool = False,
        book: str = "",
    ) -> Done[RecommendationsView]:
        """Recommend; `dismissed`: also what somebody dismissed.

        Without a book's name the only book is used; with none or several, savings are unknown. PriceBookRetired is
        raised for a retired one.
        """
        if kind not in {"", *_KINDS}:
            raise Malformed("kind", f"must be one of {', '.join(_KINDS)}")
        team_id = await self._names.team_id(team)
        await self._names.check_backend(backend)
        tariff, note = await self._tariff(call, book)
        found = await self._find(call, [backend] if backend else None)
        advice = [
            each
            for each in _advice(found, tariff)
            if kind in {"", each.kind} and team_id in {"", each.team_id} and backend in {"", each.backend}
        ]
        told = ordered(worth_telling(advice, found.stored))
        decided = await self._decided([str(each.id) for each in told])
        names = await self._names.teams({each.team_id for each in told})
        shown = (_shown(each, names.get(each.team_id, ""), tariff, note, decided.get(str(each.id))) for each in told)
        kept = tuple(view for view in shown if dismissed or view.dismissal is None or not view.dismissal.dismissed)
        return Done(RecommendationsView(kept, found.as_of), found.as_of.position)

    async def dismiss(self, call: Call, recommendation: str, reason: str) -> Done[DismissalView]:
        """Recommend it no longer. Only what is recommended now, or was dismissed before, can be dismissed."""
        stream = _id(recommendation)
        about: list[Advice] = []

        async def locate() -> UUID:
            if await self._models.row("dismissals", {"id": str(stream)}) is None:
                about[:] = [each for each in await self._recommended(call) if each.id == stream]
            return stream

        def decide(dismissal: Dismissal | None) -> Decision[Dismissal]:
            if dismissal is not None:
                dismissal.dismiss(reason, at=call.at)
                return Decision(dismissal)
            if not about:
                raise NotFound("recommendation", recommendation)
            kind, team_id, backend = about[0].kind.value, about[0].team_id, about[0].backend
            return Decision(
                Dismissal.dismiss_first(stream, reason, kind=kind, team_id=team_id, backend=backend, at=call.at)
            )

        return await self._commands.change(Dismissal, call, locate, decide, lambda found: _dismissal_view(found, call))

    async def restore(self, call: Call, recommendation: str) -> Done[DismissalView]:
        """Recommend it again."""
        stream = _id(recommendation)

        async def locate() -> UUID:
            return stream

        def decide(dismissal: Dismissal | None) -> Decision[Dismissal]:
            if dismissal is None:
                raise NotFound("dismissal of recommendation", recommendation)
            dismissal.restore(at=call.at)
            return Decision(dismissal)

        return await self._commands.change(Dismissal, call, locate, decide, lambda found: _dismissal_view(found, call))

    async def _tariff(self, call: Call, book: str) -> tuple[Tariff | None, str]:
        """Choose a book; without one, say why."""
        if book:
            return await self._tariffs.choose(call, book), ""
        books = await self._tariffs.every(call)
        if len(books) == 1:
            return books[0], ""
        return None, _SEVERAL_BOOKS if books else _NO_BOOK

    async def _find(self, call: Call, backends: list[str] | None) -> _Found:
        today = call.at.astimezone(UTC).date()
        stale_since, idle_since = used_before(today, STALE_DAYS), used_before(today, IDLE_DAYS)
        as_of = await self._moments.now(call.at, backends=backends, window=(stale_since, today))
        assert as_of.coverage is not None, "a window was asked for"
        rows = await self._facts.idle([stale_since, idle_since])
        stale, idle = (tuple(row for row in rows if row.question == question) for question in (0, 1))
        stored: dict[str, int] = {}
        for row in await self._sums.capacity():
            stored[row.backend] = stored.get(row.backend, 0) + row.bytes
        known = as_of.coverage.complete
        return _Found(
            as_of=as_of,
            stale=stale if known else None,
            # What is stale is to be archived, not moved; unless nobody can know that it is stale.
            idle=(tuple(without(idle, stale)) if known else idle)
            if all(gap.day < idle_since for gap in as_of.coverage.gaps)
            else None,
            surplus=tuple(await self._facts.surplus()),
            stored=stored,
        )

    async def _recommended(self, call: Call) -> list[Advice]:
        """Give all that is recommended now by any book, small things included."""
        found = await self._find(call, None)
        books: list[Tariff | None] = [None, *await self._tariffs.every(call)]
        return [each for tariff in books for each in _advice(found, tariff)]

    async def _decided(self, ids: list[str]) -> Mapping[str, Mapping[str, Any]]:
        if not ids:
            return {}
        rows = await self._models.rows("dismissals", where={"id": ids}, order=("id",))
        return {row["id"]: row for row in rows}


def _advice(found: _Found, tariff: Tariff | None) -> Iterator[Advice]:
    today = found.as_of.computed_at.astimezone(UTC).date()
    prices = None if tariff is None else tariff.on(today)
    if found.stale is not None:
        yield from archive_stale(held(found.stale), prices, used_before(today, STALE_DAYS))
    sure, likely = (held(row for row in found.surplus if row.kind == checksum) for checksum in ("md5", "crc32c"))
    yield from remove_duplicates(sure, likely, prices)
    if found.idle is not None and prices is not None:
        yield from cheaper_class(held(found.idle), prices, used_before(today, IDLE_DAYS))


def _shown(
    each: Advice, team: str, tariff: Tariff | None, note: str, decided: Mapping[str, Any] | None
) -> RecommendationView:
    low, high, currency = "", "", ""
    if tariff is not None and each.saving is not None:
        low, high = amount_text(each.saving.low), amount_text(each.saving.high)
        currency = tariff.book.currency
    return RecommendationView(
        id=str(each.id),
        kind=each.kind.value,
        team=team,
        backend=each.backend,
        summary=each.summary(team),
        evidence=each.evidence,
        assumptions=(*each.assumptions, note) if note else each.assumptions,
        objects=each.objects,
        bytes=each.bytes,
        saving_low=low,
        saving_high=high,
        currency=currency,
        dismissal=None if decided is None else _row_view(decided),
    )


def _row_view(row: Mapping[str, Any]) -> DismissalView:
    return DismissalView(
        row["id"], row["dismissed"], row["reason"], row["decided_by"], row["updated_at"], row["version"]
    )


def _dismissal_view(dismissal: Dismissal, call: Call) -> DismissalView:
    return DismissalView(
        recommendation=str(dismissal.id),
        dismissed=dismissal.dismissed,
        reason=dismissal.reason,
        by=call.principal.name,
        at=dismissal.modified_on,
        version=dismissal.version,
    )


def _id(text: str) -> UUID:
    """Read a recommendation's id. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("recommendation", text) from None
