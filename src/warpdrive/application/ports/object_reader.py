"""The reading half of a backend: four verbs that every store can answer."""

from typing import Protocol

from warpdrive.application.ports.objects import Capabilities, ListPage, ObjectInfo, ObjectKey, ObjectVersion


class BodySink(Protocol):
    """Told about a body while it arrives, so that readers wait for the bytes they need and no longer.

    Both calls are made on the event loop, are cheap and never raise.
    """

    def started(self, info: ObjectInfo) -> None:
        """The response's headers are in: the object exists in this version. Called once per attempt."""

    def advanced(self, filled: int) -> None:
        """The first `filled` bytes of the caller's buffer are valid. Never goes back, not even on a retry."""


class ObjectReader(Protocol):
    """Reads objects of one backend. Every verb may raise any `BackendError`; the notes name the usual ones."""

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do. Constant for the reader's life."""

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now. Raises ObjectNotFound, AccessDenied.

        With `Capabilities.directories` a directory answers too (`is_directory`).
        """

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List what starts with `prefix` ("" or ending in "/"), at most about `limit` names, in the backend's order.

        Not recursive: names with a further "/" are folded into `ListPage.prefixes` (each once over all pages).
        A prefix under which nothing is: an empty page, or ObjectNotFound where directories exist by themselves.
        A cursor that another instance gave out is either good here as well or refused with CursorUnknown. Recursive
        raises AccessDenied where it may not look, with the directory's name: what is left out would seem to be gone.
        """

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Fill `into` with the bytes [offset, offset + len(into)) of the object, streamed, without collecting them.

        `into` is a writable, contiguous view of bytes ("B"), never longer than what the object holds from
        `offset` on, and not empty. With `version` the request is conditional: VersionChanged when the object is
        another now (ObjectNotFound when it is gone). Raises ShortBody (with what did arrive) when the body ends
        early, RangeNotSatisfiable past the end. On any error the bytes announced through `sink.advanced` stay valid.
        """

    async def aclose(self) -> None:
        """Give back connections. Safe to call twice."""
