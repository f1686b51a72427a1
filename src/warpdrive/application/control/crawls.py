"""Crawls as operators see them: asked for, looked at, ended."""

from typing import Final

from warpdrive.application.control.calls import Call, Done, Page
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.paging import page_size, page_start, page_token
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlRegister, CrawlState
from warpdrive.application.ports.read_models import ReadModels

_STATES: Final = tuple(state.value for state in CrawlState)
_LARGEST_ID: Final = 2**63 - 1


class Crawls:
    """Use cases of crawls. Not events: each is kept as its own row, with who asked for it."""

    def __init__(self, register: CrawlRegister, models: ReadModels) -> None:
        self._register = register
        self._models = models

    async def start(self, call: Call, backend: str, *, confirm_deletions: bool) -> Done[tuple[CrawlRecord, ...]]:
        """Queue a crawl of a backend's place ("": of every one), or join the one that has not ended.

        Raises NotFound (backend), StoreUnavailable.
        """
        # Asked for first: it waits until what was decided before this call is in the read models, which are looked at.
        position = await self._models.position()
        present = await self._register.backends()
        places = sorted({each.place for each in present if backend in ("", each.name)})
        if backend and not places:
            raise NotFound("backend", backend)
        asked = [
            await self._register.request(place, by=call.principal.name, at=call.at, confirmed=confirm_deletions)
            for place in places
        ]
        return Done(tuple(asked), position)

    async def get(self, call: Call, crawl: int) -> Done[CrawlRecord]:  # noqa: ARG002 - whoever may ask may see all
        """Show one and how far it is. Raises NotFound."""
        return await self._done(await self._register.get(_checked(crawl)), crawl)

    async def page(
        self,
        call: Call,  # noqa: ARG002 - as above
        *,
        backend: str,
        state: str,
        size: int,
        token: str,
    ) -> Done[Page[CrawlRecord]]:
        """Show crawls, newest first. Raises Malformed."""
        limit = page_size(size)
        if state and state not in _STATES:
            raise Malformed("state", f"must be one of: {', '.join(_STATES)}")
        start = page_start(token, 1)
        if start is not None and not (start[0].isascii() and start[0].isdigit() and int(start[0]) <= _LARGEST_ID):
            raise Malformed("page_token", "is none that was given out")
        before = None if start is None else int(start[0])
        found = await self._register.page(backend=backend, state=state, before=before, limit=limit + 1)
        shown = tuple(found[:limit])
        more = page_token([str(shown[-1].id)]) if len(found) > limit else ""
        return Done(Page(shown, more), await self._models.position())

    async def cancel(self, call: Call, crawl: int) -> Done[CrawlRecord]:
        """End one, within seconds where it runs; one that has ended stays as it is. Raises NotFound."""
        detail = f"cancelled by {call.principal.name}"
        return await self._done(await self._register.cancel(_checked(crawl), detail=detail, at=call.at), crawl)

    async def _done(self, found: CrawlRecord | None, crawl: int) -> Done[CrawlRecord]:
        if found is None:
            raise NotFound("crawl", str(crawl))
        return Done(found, await self._models.position())


def _checked(crawl: int) -> int:
    if not 0 <= crawl <= _LARGEST_ID:
        raise NotFound("crawl", str(crawl))
    return crawl
