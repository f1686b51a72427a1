"""Files opened by path, one after the other: list their directory beside, on the guess that more will come.

A listing makes the coming lookups free and shows the order for prefetching; asking one by one costs two requests
each. Nobody waits for a guess, and a huge directory is left alone.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.errors import FileSystemError
from warpdrive.application.mount.listings import Listings
from warpdrive.application.ports.errors import BackendError

Spawn = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
"""Runs work in a task of the mount."""

ASKED_BEFORE_LISTING = 3
"""Lookups in an unlisted directory after which it is listed."""

_MAX_REMEMBERED = 10_000


class ListingGuesses:
    """Counts, per directory, the lookups that had to ask a backend."""

    def __init__(self, listings: Listings, spawn: Spawn) -> None:
        self._listings = listings
        self._spawn = spawn
        self._asked: OrderedDict[str, int] = OrderedDict()
        """Since the last guess; bounded, least recently asked first."""

    def asked(self, directory: str, backend: MountedBackend, prefix: str) -> None:
        """Note a lookup in an unlisted directory; enough of them start one listing."""
        count = self._asked.pop(directory, 0) + 1
        self._asked[directory] = count
        if len(self._asked) > _MAX_REMEMBERED:
            self._asked.popitem(last=False)
        if count == ASKED_BEFORE_LISTING:
            self._spawn(partial(self._list, directory, backend, prefix))

    async def _list(self, directory: str, backend: MountedBackend, prefix: str) -> None:
        try:
            await self._listings.get_if_small(directory, backend, prefix)
        except (BackendError, FileSystemError):
            pass  # it was a guess; whoever asks for a name hears of the fault
        finally:
            self._asked.pop(directory, None)
