"""One run of `move`: opens both ends and the journal, moves, and says how it went."""

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import click

from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.application.ports.errors import BackendError
from warpdrive.application.transfer.checking import Verify
from warpdrive.application.transfer.faults import SourceMissing
from warpdrive.application.transfer.journal import MemoryJournal, MoveJournal
from warpdrive.application.transfer.mover import Mover
from warpdrive.application.transfer.moving import Rules, Side
from warpdrive.application.transfer.naming import Route, inside_one_another, is_prefix, route_of
from warpdrive.application.transfer.tally import Tally
from warpdrive.entrypoints.ctl.move_journal import JournalFault, journal_name, open_journal, state_directory
from warpdrive.entrypoints.ctl.move_places import Known, Spot, whole_place
from warpdrive.entrypoints.ctl.move_progress import as_json, report, shown
from warpdrive.entrypoints.ctl.session import FAILED, print_json, printable
from warpdrive.entrypoints.process.faults import only_one
from warpdrive.entrypoints.settings.units import format_size

_GO_ON = "nothing is lost; run the same command again to go on"


@dataclass(frozen=True, slots=True)
class MoveChoices:
    """What was typed beside the two ends. `journal` None: in the state directory, by the names of both ends."""

    overwrite: bool
    verify: str
    parallel: int
    journal: Path | None
    dry_run: bool
    as_json: bool


class MoveRun:
    """Moves once. Every fault leaves as a click exception with the words that it needs, or as exit status 1."""

    def __init__(self, known: Known, source: Spot, target: Spot, choices: MoveChoices) -> None:
        self._known = known
        self._source, self._target = source, target
        self._choices = choices
        self._tally = Tally()
        self._taken = 0
        self._began = time.monotonic()

    def run(self) -> None:
        """Move, and report."""
        self._refuse_itself()
        try:
            try:
                anyio.run(self._move)
            except BaseExceptionGroup as group:
                raise only_one(group) from group
        except KeyboardInterrupt:
            words = f"stopped; {self._tally.moved} objects were moved, {_GO_ON}"
            click.echo("stopped" if self._choices.dry_run else words, err=True)
            sys.exit(FAILED)
        except BackendError as error:
            raise click.ClickException(printable(error.detail)) from None
        except (SourceMissing, JournalFault) as error:
            raise click.ClickException(printable(str(error))) from None
        except OSError as error:
            raise click.ClickException(printable(f"the journal cannot be kept: {error}; {_GO_ON}")) from None
        self._report()

    def _refuse_itself(self) -> None:
        here = whole_place(self._known.definition(self._source, "SRC"))
        there = whole_place(self._known.definition(self._target, "DST"))
        one, other = here.prefix + self._source.key, there.prefix + self._target.key
        if here.place == there.place and inside_one_another(one, other):
            words = f"{self._source} and {self._target} lie inside one another; move through a place beside both"
            raise click.UsageError(printable(words))

    async def _move(self) -> None:
        async with self._opened(self._source) as here:
            if self._source.backend == self._target.backend:
                await self._between(here, here)
                return
            async with self._opened(self._target) as there:
                await self._between(here, there)

    @asynccontextmanager
    async def _opened(self, spot: Spot) -> AsyncIterator[Backend]:
        definition = self._known.definitions[spot.backend]
        backend = build_backend(definition, self._known.credentials(definition))
        try:
            yield backend
        finally:
            with anyio.CancelScope(shield=True):
                await backend.aclose()

    async def _between(self, here: Backend, there: Backend) -> None:
        if self._choices.dry_run:
            route = self._route(prefix=await is_prefix(here.reader, self._source.key))
            self._taken = await self._mover(here, there, MemoryJournal()).rehearse(route)
            return
        names = (
            f"{here.definition.fingerprint}|{self._source.key}",
            f"{there.definition.fingerprint}|{self._target.key}",
        )
        with open_journal(self._choices.journal or self._journal_path(*names), *names) as journal:
            try:
                if journal.prefix is None:
                    journal.settle(prefix=await is_prefix(here.reader, self._source.key))
                async with self._shown():
                    await self._mover(here, there, journal).run(self._route(prefix=journal.prefix is True))
            except SourceMissing:
                if not journal.resumed:
                    journal.discard()
                    raise
                self._tally.listed = True  # an earlier run was broken off when all was moved
            if self._tally.complete:
                journal.discard()

    def _route(self, *, prefix: bool) -> Route:
        return route_of(self._source.key, self._target.key, prefix=prefix)

    def _mover(self, here: Backend, there: Backend, journal: MoveJournal) -> Mover:
        rules = Rules(self._choices.overwrite, Verify(self._choices.verify), within=here is there)
        source, target = Side(here.reader, here.writer), Side(there.reader, there.writer)
        return Mover(source, target, journal, rules, tally=self._tally, workers=self._choices.parallel)

    @asynccontextmanager
    async def _shown(self) -> AsyncIterator[None]:
        watched = sys.stderr.isatty() and not self._choices.as_json
        async with shown(self._tally, f"{self._source} to {self._target}", watched=watched):
            yield

    def _journal_path(self, source: str, target: str) -> Path:
        home = Path(os.environ.get("HOME") or "/")
        return state_directory(self._known.settings.agent.state_dir, home) / journal_name(source, target)

    def _report(self) -> None:
        tally, seconds = self._tally, time.monotonic() - self._began
        if self._choices.dry_run:
            self._rehearsed()
            return
        if self._choices.as_json:
            print_json(as_json(tally, seconds))
        else:
            report(tally, seconds)
        if not tally.complete:
            click.echo(_GO_ON, err=True)
            sys.exit(FAILED)

    def _rehearsed(self) -> None:
        tally, taken = self._tally, self._taken
        if self._choices.as_json:
            print_json({"foundObjects": tally.found, "foundBytes": tally.found_bytes, "takenKeys": taken})
            return
        words = f"would move {tally.found} objects, {format_size(tally.found_bytes)}"
        if taken:
            fate = "would be replaced" if self._choices.overwrite else "exist at the destination and would be kept back"
            words += f"; {taken} of them {fate}"
        print(f"{words}; nothing was changed")
