"""The control plane's own code living through stories, in memory or on PostgreSQL, and through its journal again.

Crawls list dictionaries, by the crawler's own listing; batches are prepared as ingest prepares them. What keeps facts
up in the background is called directly: attribution after every decision, the count of readers before answers.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID, uuid4

from tests.support.access_batches import Row, columns_of
from tests.support.governance_answers import GovernanceAnswers
from tests.support.governance_model import GovernanceModel
from tests.support.governance_questions import Asker, questions
from tests.support.governance_shelf import Shelf, ShelfReader, definition, listed
from tests.support.governance_steps import (
    Abort,
    Beat,
    Crawl,
    Disband,
    Gather,
    GiveUp,
    Leave,
    Limit,
    Mount,
    Observe,
    Put,
    Remove,
    Rename,
    Step,
    Tell,
    Wait,
)
from tests.support.governance_story import BOOK, START
from tests.support.manual_clock import ManualClock
from warpdrive.application.control.attributing import Attributing
from warpdrive.application.control.calls import Call
from warpdrive.application.control.crawling.backend_listing import BackendListing, Root, roots_of
from warpdrive.application.control.crawling.crawl_pass import CrawlPass
from warpdrive.application.control.ingest import SentBatch, received
from warpdrive.application.control.observing import QuotaObserver
from warpdrive.application.control.plane import ControlPlane
from warpdrive.application.control.rebuilding import Rebuilding
from warpdrive.application.control.retention import Retention
from warpdrive.application.ports.agents import AgentRecord, AgentRegister
from warpdrive.application.ports.batch_intake import AccessBatch, BatchIntake
from warpdrive.application.ports.crawl_register import CrawlRegister, CrawlState
from warpdrive.application.ports.event_store import (
    Append,
    CommandFacts,
    NameUse,
    NewEvent,
    RecordedEvent,
)
from warpdrive.application.ports.listing_source import ListedPage, ListingSource
from warpdrive.application.ports.reader_shares import ReaderCounting
from warpdrive.application.ports.storage_index import StorageIndex
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.price_book.values import PriceEntry
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.team.values import OwnershipRule


@dataclass
class Happened:
    """An entry of a rig's journal: when, and which of the four inputs."""

    at: float
    events: Sequence[RecordedEvent] = ()
    crawl: Crawl | Abort | None = None
    shelf: Shelf = field(default_factory=dict)
    batch: AccessBatch | None = None
    node: str = ""


@dataclass
class GovernanceRig:
    """What a story is played on. `project` brings read models up to date; `fresh_intake` forgets what names led to."""

    plane: ControlPlane
    call: Callable[[], Call]
    project: Callable[[], Awaitable[None]]
    clock: ManualClock
    store: Any
    register: CrawlRegister
    index: StorageIndex
    intake: BatchIntake
    fresh_intake: Callable[[], Awaitable[BatchIntake]]
    agents: AgentRegister
    counting: ReaderCounting
    observer: QuotaObserver
    rebuilding: Rebuilding
    shelf: Shelf = field(default_factory=dict)
    journal: list[Happened] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    position: int = 0

    async def begin(self) -> None:
        """Start the clock, and set prices."""
        self.clock.set_wall(START.timestamp())
        for backend, kind, since, *prices in BOOK:
            await self.plane.price_books.set_price(
                self.call(), "book", "EUR", PriceEntry(backend, kind, since, *prices)
            )
        await self._decided()

    async def play(self, step: Step) -> str:
        """Let a step happen; returns the id of a team that was gathered."""
        made = ""
        match step:
            case Wait():
                self.clock.advance(step.seconds)
            case Put():
                self.shelf[step.place, step.key] = listed(step, self.clock.wall())
            case Remove():
                self.shelf.pop((step.place, step.key), None)
            case Crawl() | Abort():
                self.journal.append(Happened(self.clock.wall(), crawl=step, shelf=dict(self.shelf)))
                await self._crawl(step, self.shelf)
            case Tell():
                batch = self._batch(step)
                self.journal.append(Happened(self.clock.wall(), batch=batch))
                await self.intake.take([batch])
            case Beat():
                self.journal.append(Happened(self.clock.wall(), node=step.node))
                await self._beat(step.node)
            case Observe():
                await self.observer.observe()
                await self._decided()
            case _:
                made = await self._decide(step)
                await self._decided()
        return made

    async def _decide(self, step: Step) -> str:
        call, teams = self.call(), self.plane.teams
        match step:
            case Mount():
                entries = [MountEntry(f"/{name}", definition(name)) for name in step.names]
                await self.plane.namespaces.apply(call, "main", entries, dry_run=False, expected_version=0)
            case Gather():
                rules = [OwnershipRule(*rule) for rule in step.rules]
                return (await teams.ensure(call, step.team, step.members, rules)).value.id
            case Rename():
                await teams.rename(call, step.team, step.name)
            case Disband():
                await teams.disband(call, step.team)
            case Leave():
                if step.user in (await teams.get(call, step.team)).value.members:
                    await teams.remove_member(call, step.team, step.user)
            case GiveUp():
                rule = OwnershipRule(*step.rule)
                if rule in (await teams.get(call, step.team)).value.rules:
                    await teams.remove_rule(call, step.team, rule)
            case Limit():
                limits = QuotaLimits(step.soft, step.hard, step.grace_s)
                await self.plane.quotas.set(call, step.team, step.backend, limits)
        return ""

    async def _decided(self) -> None:
        await self.project()
        events = await self.store.read(self.position, 10_000)
        if events:
            self.position = events[-1].position
            self.journal.append(Happened(self.clock.wall(), events=events))
        await self._attribute()

    async def _attribute(self) -> None:
        async with self.index.running() as writer:
            assert writer is not None, "nobody else runs"
            await Attributing(writer.owners, self.clock).catch_up()
        self.intake = await self.fresh_intake()

    async def _crawl(self, step: Crawl | Abort, shelf: Shelf) -> None:
        place = definition(step.place).place
        if place not in {each.place for each in await self.register.backends()}:
            return
        at = datetime.fromtimestamp(self.clock.wall(), UTC)
        confirmed = isinstance(step, Crawl) and step.confirmed
        asked = await self.register.request(place, by="token:tester", at=at, confirmed=confirmed)
        async with self.index.running() as writer:
            assert writer is not None, "nobody else runs"
            attributing = Attributing(writer.owners, self.clock)
            await attributing.catch_up()
            if isinstance(step, Crawl):

                @asynccontextmanager
                async def source(_: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
                    chosen = [(each.name, each.prefix) for each in roots_of(definitions)]
                    readers: list[Any] = [ShelfReader(shelf, step.place, prefix) for _, prefix in chosen]
                    yield BackendListing([Root(*each, reader) for each, reader in zip(chosen, readers, strict=True)])

                await CrawlPass(writer, attributing, source, self.clock).run(asked)
                return
            # As a pass does it whose listing fails after some pages.
            roots = [each.prefix for each in roots_of(await writer.crawls.definitions(place))]
            await writer.crawls.begin(asked.id, source="list", roots=roots, at=at)
            whole = sorted(key for where, key in shelf if where == step.place and key.startswith(tuple(roots)))
            pages = [ListedPage("", "", [shelf[step.place, key]], "", done=False) for key in whole[:: step.nth]]
            if pages:
                await writer.objects.merge(asked.id, pages, attributing.of(place), at=at)
            await writer.crawls.end(asked.id, CrawlState.FAILED, "the listing failed", at=at)

    def _batch(self, step: Tell) -> AccessBatch:
        now = round(self.clock.wall() * 1000)
        sent = now + step.skew_s * 1000
        rows = [
            Row(
                sent - use.ago_s * 1000, use.user, use.key, use.backend, use.op, use.opens, use.bytes_read, use.hits,
                use.misses, use.job, use.error,
            )
            for use in step.uses
        ]  # fmt: skip
        batch = AccessBatch(UUID(int=step.number), step.node, now, columns_of(rows), lost=step.lost)
        end = sent - step.ended_ago_s * 1000
        return received(SentBatch(batch, sent, end - step.covers_s * 1000, end), Retention())[0]

    async def _beat(self, node: str) -> None:
        at = datetime.fromtimestamp(self.clock.wall(), UTC)
        if node in self.heard:
            await self.agents.touch(node, health="ok", detail="", position=0, at=at)
        else:
            await self.agents.put(AgentRecord(node, "main", "1", "/m", "ok", "", 0, at, at))
            self.heard.add(node)

    async def count_readers(self) -> None:
        """Count who read what."""
        async with self.counting.running() as counter:
            assert counter is not None, "nobody else counts"
            await counter.count(datetime.fromtimestamp(self.clock.wall(), UTC))

    async def answers(self, teams: dict[str, str]) -> dict[str, Any]:
        """Count readers, and ask everything."""
        await self.count_readers()
        asker = Asker(self.plane, self.call)
        return {each.words: await each.ask(asker) for each in questions(teams)}

    async def replay(self, journal: Sequence[Happened], names: Sequence[NameUse], until: float, random: Random) -> None:
        """Live through another rig's journal: events as they were, batches cut and dealt anew.

        What a backend's name led to when a batch came is part of what it says, so batches stay between decisions.
        """
        waiting: list[AccessBatch] = []

        async def deal() -> None:
            pieces = [piece for batch in waiting for piece in cut(batch, random)]
            random.shuffle(pieces)
            while pieces:
                count = random.randint(1, 4)
                await self.intake.take(pieces[:count])
                pieces = pieces[count:]
            waiting.clear()

        for each in journal:
            if each.events:
                await deal()
            self.clock.set_wall(each.at)
            if each.events:
                await self._copy(each.events)
            elif each.crawl is not None:
                await self._crawl(each.crawl, each.shelf)
            elif each.batch is not None:
                waiting.append(each.batch)
                if random.random() < 0.3:
                    await deal()
            else:
                await self._beat(each.node)
        await deal()
        self.clock.set_wall(until)
        facts = CommandFacts(uuid4(), bytes(32), "token:tester")
        await self.store.append(Append(facts, UUID(int=1), 0, (), names))

    async def _copy(self, events: Sequence[RecordedEvent]) -> None:
        fresh = [NewEvent(each.stream, each.version, each.topic, each.state) for each in events]
        facts = CommandFacts(uuid4(), bytes(32), "token:tester")
        await self.store.append(Append(facts, fresh[-1].stream, fresh[-1].version, fresh))
        await self.project()
        await self._attribute()


def cut(batch: AccessBatch, random: Random) -> list[AccessBatch]:
    """Cut a batch in two at some record, or not; the part with the first records says what was covered and lost.

    A batch that came twice has the same cut, so its parts come twice as well.
    """
    at = batch.batch_id.int % (len(batch.records) + 1)
    rows = list(range(len(batch.records)))
    first = AccessBatch(
        batch.batch_id, batch.node, batch.received_ms, batch.records.only(rows[:at]), batch.covered, batch.lost,
        batch.last_day, batch.too_old,
    )  # fmt: skip
    rest = AccessBatch(
        UUID(int=batch.batch_id.int + 10**9), batch.node, batch.received_ms, batch.records.only(rows[at:])
    )
    return [first, rest, *random.choice(((), (first,), (rest,)))]


async def play(rig: GovernanceRig, model: GovernanceModel, story: Sequence[Step]) -> None:
    """Let both live through a story."""
    for step in story:
        model.play(step, await rig.play(step))


async def compare(rig: GovernanceRig, model: GovernanceModel) -> dict[str, Any]:
    """Hold every answer against the model's; returns the answers."""
    teams = {team.name: each for each, team in model.teams.items()}
    found = await rig.answers(teams)
    answers = GovernanceAnswers(model)
    for question in questions(teams):
        assert found[question.words] == question.expected(answers), question.words
    return found
