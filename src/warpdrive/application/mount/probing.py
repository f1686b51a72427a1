"""Asking a backend what one key is, each question once however many ask it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import anyio

from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.single_flight import SingleFlight
from warpdrive.application.ports.errors import BackendError, ObjectNotFound
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion


class Probes:
    """Questions about single keys. Each holds the backend while it is under way."""

    def __init__(self) -> None:
        self._flights: SingleFlight[tuple[MountedBackend, str, bool], ObjectInfo] = SingleFlight()
        """By backend, key, and whether only the object of exactly that key counts."""

    async def what_is(self, backend: MountedBackend, key: str) -> ObjectInfo:
        """Describe the object or the directory of this name. Raises ObjectNotFound and other BackendErrors."""
        return await self._flights.run((backend, key, False), partial(_what_is, backend, key))

    async def stat(self, backend: MountedBackend, key: ObjectKey) -> ObjectInfo | None:
        """Describe the object now; None when there is none. Raises BackendError."""

        async def ask() -> ObjectInfo:
            with backend.held() as reader:
                return await reader.stat(key)

        try:
            return await self._flights.run((backend, key, True), ask)
        except ObjectNotFound:
            return None


async def _what_is(backend: MountedBackend, key: str) -> ObjectInfo:
    with backend.held() as reader:
        if reader.capabilities.directories:
            return await reader.stat(ObjectKey(key))
        return await _object_or_prefix(reader, key)


async def _object_or_prefix(reader: ObjectReader, key: str) -> ObjectInfo:
    """Where directories are mere prefixes, both questions go out at once."""
    found: list[ObjectInfo] = []
    below: list[ListPage] = []
    failed: list[BackendError] = []

    async def as_object() -> None:
        with _collecting(failed):
            found.append(await reader.stat(ObjectKey(key)))

    async def as_directory() -> None:
        with _collecting(failed):
            below.append(await reader.list_page(ObjectKey(key + "/"), limit=1))

    async with anyio.create_task_group() as both:
        both.start_soon(as_object)
        both.start_soon(as_directory)
    # One answer is not enough when the other question failed: a directory would hide behind its object.
    if failed:
        raise failed[0]
    if below and (below[0].objects or below[0].prefixes):
        return ObjectInfo(ObjectKey(key), 0, ObjectVersion(""), 0, is_directory=True)
    if found:
        return found[0]
    raise ObjectNotFound(key)


@contextmanager
def _collecting(failed: list[BackendError]) -> Iterator[None]:
    """Absence is an answer; any other fault is kept for the caller to judge beside the other question's answer."""
    try:
        yield
    except ObjectNotFound:
        pass
    except BackendError as error:
        failed.append(error)
