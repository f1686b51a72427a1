"""The writing half of a backend: publish whole objects, all or nothing and conditional."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Protocol

from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion


@dataclass(frozen=True, slots=True)
class Absent:
    """The precondition "no object has this key" (If-None-Match: *)."""


Precondition = ObjectVersion | Absent | None
"""The version that must be current, `Absent()`, or None for an unconditional write."""


class ObjectWriter(Protocol):
    """Writes objects of one backend. A reader of the key sees the old object or the new one, never a mix.

    Metadata keys are lower case [a-z0-9_]; values are ASCII. Every verb may raise any `BackendError`.
    """

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Publish `body` as the object, streaming; in parts (multipart, blocks) when it is large or `size` is None.

        Raises VersionChanged when the precondition does not hold (nothing is published then), ShortBody when
        the body's length is not `size`. On any failure parts already sent are aborted.
        """

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy within the backend, on the server where it can. Raises ObjectNotFound, VersionChanged."""

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object; with `version` only if it is still that one. An absent key raises ObjectNotFound.

        A backend without conditional delete checks first and says so in its documentation.
        """
