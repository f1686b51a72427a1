"""The tree of names: which inode a path leads to, from mounts, listings and backends, no older than R2 allows.

Freshness in one place:
- a listing answers for names during `dir_ttl`, for attributes during `attr_ttl`, for absence during `negative_ttl`;
- an inode whose attributes are outdated is shown with `attr_ttl` 0, so the kernel asks again only if somebody
  wants them (`stat`); an `open` needs none, because its first GET validates the version anyway.
"""

import os
from collections import OrderedDict
from collections.abc import Callable

from warpdrive.application.mount.attributes import ROOT_INODE, Attributes, FileKind
from warpdrive.application.mount.backends import MountedBackend, MountedBackends
from warpdrive.application.mount.errors import (
    IsADirectory,
    NameTooLong,
    NoSuchEntry,
    NotADirectory,
    StaleInode,
)
from warpdrive.application.mount.freshness import Freshness
from warpdrive.application.mount.inodes import Inode, InodeTable
from warpdrive.application.mount.listing_guesses import ListingGuesses, Spawn
from warpdrive.application.mount.listings import Listing, Listings
from warpdrive.application.mount.probing import Probes
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.errors import ObjectNotFound
from warpdrive.application.ports.objects import ObjectInfo
from warpdrive.domain.content.paths import join, split, why_hidden
from warpdrive.domain.namespace.tree import Located, MountTree

_MAX_NAME = 255
_MAX_NEGATIVE = 100_000
_BRIEFLY = 1.0
"""Seconds that the kernel may believe a name of an older listing, so that one path walk asks once."""


class Tree:
    """Names and attributes of one mount."""

    def __init__(
        self,
        mounts: MountTree,
        backends: MountedBackends,
        inodes: InodeTable,
        listings: Listings,
        freshness: Freshness,
        clock: Clock,
        spawn: Spawn,
    ) -> None:
        self._mounts = mounts
        self._backends = backends
        self._inodes = inodes
        self._listings = listings
        self._freshness = freshness
        self._clock = clock
        self._absent: OrderedDict[str, float] = OrderedDict()
        """Path -> monotonic time at which it was found absent; bounded, oldest first."""
        self._probes = Probes()
        self._guesses = ListingGuesses(listings, spawn)
        self.generation = 0
        """How often the mounts were replaced: what was found under an older one may lead elsewhere now."""
        inodes.get(ROOT_INODE).backend = self.backend_at("/")

    @property
    def mounts(self) -> MountTree:
        """Which entry answers for which path."""
        return self._mounts

    def replace_mounts(self, mounts: MountTree, changed: tuple[str, ...]) -> None:
        """Follow other mounts from now on; `changed` are the mount paths below which another backend may serve.

        Their backends are in service already. No await happens in here: nobody sees one half of the change.
        """
        self._mounts = mounts
        self.generation += 1
        tops, below = frozenset(changed), tuple("/" if path == "/" else path + "/" for path in changed)
        for path in [path for path in self._absent if path in tops or path.startswith(below)]:
            del self._absent[path]
        self._listings.drop_changed(tops, below, self.backend_at)
        known = self._inodes.by_path
        for inode in [known[path] for path in known if path in tops or path.startswith(below)]:
            serving = self.backend_at(inode.path)
            if inode.is_directory and self._is_mounted(inode.path):
                inode.backend = serving
            elif serving is not inode.backend:
                self._inodes.supersede(inode.path)
        self._inodes.get(ROOT_INODE).backend = self.backend_at("/")

    def _is_mounted(self, path: str) -> bool:
        """Whether the directory exists because of mounts."""
        return self._mounts.is_mount_root(path) or self._mounts.leads_to_mount(path)

    async def lookup(self, parent: Inode, name: bytes) -> Inode:
        """Find the inode that the name leads to. Raises NoSuchEntry, NotADirectory, NameTooLong, BackendError."""
        if not parent.is_directory:
            raise NotADirectory(parent.path)
        if len(name) > _MAX_NAME:
            raise NameTooLong(parent.path)
        return await self.find(join(parent.path, os.fsdecode(name)))

    async def find(self, path: str) -> Inode:
        """Find the inode that an absolute normal path leads to; its parent is taken to be a directory."""
        now = self._clock.monotonic()
        located = self._mounts.resolve(path)
        if self._mounts.leads_to_mount(path) or (located is not None and not located.relative):
            backend = None if located is None else self._backends.at(located.entry)
            return self._inodes.bind_directory(path, backend, now)
        parent, name = split(path)
        if located is None or why_hidden(name):
            raise NoSuchEntry(path)
        known = self._inodes.current(path)
        if known is not None and now - known.validated_at <= self._freshness.entry_ttl:
            return known
        absent_at = self._absent.get(path)
        if absent_at is not None and now - absent_at <= self._freshness.negative_ttl:
            raise NoSuchEntry(path)
        return await self._ask(path, parent, name, located, now)

    async def locate(self, path: str) -> Inode:
        """Find a path's inode from the root down, each parent checked. For callers without a kernel in front."""
        inode = self._inodes.get(1)
        for name in [each for each in path.split("/") if each]:
            try:
                raw = os.fsencode(name)
            except UnicodeEncodeError:  # a lone surrogate: no system call could carry it
                raise NoSuchEntry(path) from None
            try:
                below = await self.lookup(inode, raw)
            finally:
                self._inodes.drop_if_unused(inode)
            inode = below
        return inode

    async def file_at(self, path: str) -> tuple[MountedBackend, ObjectInfo]:
        """The version of the file that a path leads to now. Raises NoSuchEntry, IsADirectory, BackendError."""
        inode = await self.locate(path)
        try:
            await self.revalidate(inode)
            if inode.info is None or inode.backend is None:
                raise IsADirectory(path)
            return inode.backend, inode.info
        finally:
            self._inodes.drop_if_unused(inode)

    def backend_at(self, path: str) -> MountedBackend | None:
        """The backend that answers for a path, if any."""
        located = self._mounts.resolve(path)
        return None if located is None else self._backends.at(located.entry)

    def backend_of(self, path: str) -> MountedBackend:
        """The same where there must be one. Raises NoSuchEntry."""
        backend = self.backend_at(path)
        if backend is None:
            raise NoSuchEntry(path)
        return backend

    def key_of(self, path: str) -> str:
        """The path's key in its backend, "" for a mount's root and above."""
        located = self._mounts.resolve(path)
        return "" if located is None else located.relative

    async def listing(self, directory: Inode) -> Listing | None:
        """The backend's names in a directory; None where only mounts give it names. Raises BackendError."""
        if not directory.is_directory:
            raise NotADirectory(directory.path)
        path = directory.path
        while True:
            located = self._mounts.resolve(path)
            if located is None:
                if self._mounts.is_synthetic(path):
                    return None
                raise NoSuchEntry(path)
            backend = self._backends.at(located.entry)
            try:
                listing = await self._listings.get(path, backend, self._prefix_of(path))
            except ObjectNotFound:
                if not self._mounts.leads_to_mount(path) and located.relative:
                    self.supersede(path)
                    raise NoSuchEntry(path) from None
                listing = Listing(self._clock.monotonic(), backend)
            if self.backend_at(path) is backend:  # else the mounts were replaced while the backend answered
                return listing

    def peek_listing(self, path: str, backend: MountedBackend | None) -> Listing | None:
        """The listing of the backend's directory if it is at hand; no backend is asked."""
        return self._listings.peek(path, backend)

    def mounted_names(self, directory: Inode) -> tuple[str, ...]:
        """Names that exist in the directory because of mounts; they win over the backend's."""
        return self._mounts.children(directory.path)

    def bind_listed(self, path: str, info: ObjectInfo | None, listed_at: float) -> Inode:
        """The inode of a name that a listing shows."""
        located = self._mounts.resolve(path)
        assert located is not None
        backend = self._backends.at(located.entry)
        if info is None:
            return self._inodes.bind_directory(path, backend, listed_at)
        return self._inodes.bind_file(path, backend, info, listed_at)

    def bind_mounted(self, path: str) -> Inode:
        """The inode of a name that exists because of mounts."""
        located = self._mounts.resolve(path)
        backend = None if located is None else self._backends.at(located.entry)
        return self._inodes.bind_directory(path, backend, self._clock.monotonic())

    def binder(self, backend: MountedBackend) -> Callable[[str, ObjectInfo | None, float], Attributes]:
        """Return `bind_listed` and `attributes` in one, for the many names of one directory of the backend."""
        current, inodes, attributes = self._inodes.by_path, self._inodes, self.attributes

        def bind(path: str, info: ObjectInfo | None, listed_at: float) -> Attributes:
            inode = current.get(path)
            if inode is None or inode.info is not info or inode.validated_at < listed_at:
                if info is None:
                    inode = inodes.bind_directory(path, backend, listed_at)
                else:
                    inode = inodes.bind_file(path, backend, info, listed_at)
            return attributes(inode)

        return bind

    def attributes(self, inode: Inode) -> Attributes:
        """What the kernel may know of the inode, and for how long."""
        freshness, info = self._freshness, inode.info
        if info is None:
            ttl = freshness.entry_ttl
            return Attributes(inode.number, FileKind.DIRECTORY, 0, inode.mtime_ns, ttl, ttl)
        age = self._clock.monotonic() - inode.validated_at
        entry_ttl, attr_ttl = freshness.entry_ttl - age, freshness.attr_ttl - age
        return Attributes(
            inode.number,
            FileKind.FILE,
            info.size,
            inode.mtime_ns,
            entry_ttl if entry_ttl > 0 else min(_BRIEFLY, freshness.entry_ttl),
            max(attr_ttl, 0.0),
        )

    def is_fresh(self, inode: Inode) -> bool:
        """Whether the inode's version counts as current without asking (within `attr_ttl`)."""
        return self._is_young(inode.validated_at)

    def _is_young(self, answered_at: float) -> bool:
        return self._clock.monotonic() - answered_at <= self._freshness.attr_ttl

    async def revalidate(self, inode: Inode) -> None:
        """Make sure the inode's version is current. Raises StaleInode when it is not, BackendError."""
        if inode.info is None or inode.backend is None or (self.is_fresh(inode) and self._inodes.is_current(inode)):
            return
        if not self._inodes.is_current(inode):
            raise StaleInode(inode.path)
        parent, name = split(inode.path)
        backend = inode.backend
        listing = self._listings.peek(parent, backend)
        answered_at: float | None = None
        if listing is not None and name in listing.entries and self._is_young(listing.listed_at):
            # Another one's question has brought it: one listing renews all its names, not only the asker's.
            info, answered_at = listing.entries[name], listing.listed_at
        elif listing is not None and name in listing.entries and listing.burst():
            renewed = await self._listings.get(parent, backend, self._prefix_of(parent), renew=True)
            info = renewed.entries.get(name)
        else:
            info = await self._probes.stat(backend, inode.info.key)
        if info is None or info.is_directory or info.version != inode.info.version or info.size != inode.info.size:
            self.supersede(inode.path)
            raise StaleInode(inode.path)
        if answered_at is None:
            self.confirm(inode)
        else:
            inode.validated_at = answered_at

    def confirm(self, inode: Inode) -> None:
        """The backend has just answered under If-Match: the inode's version is current."""
        inode.validated_at = self._clock.monotonic()

    def supersede(self, path: str) -> None:
        """The path no longer leads where we thought: forget inode and listing entry, before ESTALE is raised (R2)."""
        self._inodes.supersede(path)
        parent, name = split(path)
        self._listings.forget_name(parent, name)

    def supersede_object(self, backend: MountedBackend, key: str, version: str) -> None:
        """The same for a version that a fetch found gone; a newer one that the path leads to already stays."""
        path = join(backend.entry.path, key)
        known = self._inodes.current(path)
        if known is not None and known.backend is backend and known.info is not None and known.info.version == version:
            self._inodes.supersede(path)
        parent, name = split(path)
        listing = self._listings.peek(parent, backend)
        listed = None if listing is None else listing.entries.get(name)
        if listed is not None and listed.version == version:
            self._listings.forget_name(parent, name)

    async def _ask(self, path: str, parent: str, name: str, located: Located, now: float) -> Inode:
        backend = self._backends.at(located.entry)
        listing = self._listings.peek(parent, backend)
        if listing is not None:
            age = now - listing.listed_at
            if name in listing.entries:
                # Shown with what is left of its lifetime: whoever wants fresher attributes asks for them.
                return self.bind_listed(path, listing.entries[name], listing.listed_at)
            if age <= self._freshness.negative_ttl:
                raise NoSuchEntry(path)
        else:
            self._guesses.asked(parent, backend, self._prefix_of(parent))
        asked_at = self._clock.monotonic()
        try:
            info = await self._probes.what_is(backend, located.relative)
        except ObjectNotFound:
            if self.backend_at(path) is not backend:
                return await self.find(path)
            self._inodes.supersede(path)
            self._absent[path] = self._clock.monotonic()
            self._absent.move_to_end(path)
            if len(self._absent) > _MAX_NEGATIVE:
                self._absent.popitem(last=False)
            raise NoSuchEntry(path) from None
        if self.backend_at(path) is not backend:  # the mounts were replaced while the backend answered
            return await self.find(path)
        self._absent.pop(path, None)
        if info.is_directory:
            return self._inodes.bind_directory(path, backend, asked_at)
        return self._inodes.bind_file(path, backend, info, asked_at)

    def _prefix_of(self, directory: str) -> str:
        key = self.key_of(directory)
        return key + "/" if key else ""
