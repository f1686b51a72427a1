"""Directories page by page, by name, fast for a hundred thousand entries.

A page continues the walk that the page before it left; the names are read and sorted once. When that walk
is gone (another listing needed the room, a page is asked for again), a new one begins after the cursor's
name: the cursor holds it, so paging is right either way and only slower.
"""

# ruff: noqa: PTH208
# Paths here are plain str: pathlib costs a multiple of the system call, and os says which call is meant.

import errno
import os
import stat
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from itertools import count
from threading import Lock

from warpdrive.adapters.blob.local.faults import translating
from warpdrive.adapters.blob.local.keys import STAGED_PREFIX, path_of, version_of
from warpdrive.application.ports.errors import AccessDenied, ObjectNotFound
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey

_WALKS_KEPT = 8
"""Listings under way that keep their names; 100,000 names are about 10 MB."""

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""Gone since it was named, or a link that leads nowhere."""
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})
_FSCK = "/lost+found"
"""Every file system of the ext family has one at its root, and only root may look into it: nobody's data."""

Found = tuple[str, os.stat_result]
"""A key relative to the listing's prefix, and what it is. A directory's key ends in "/"."""


class Listing:
    """Lists below one root. Called from worker threads, several at a time.

    `instance`: what no other listing's cursors begin with, or they could meet walks of ours.
    """

    def __init__(self, root: str, instance: str) -> None:
        self._root = root
        self._instance = instance
        self._walks: OrderedDict[str, Iterator[Found]] = OrderedDict()
        self._tokens = count()
        self._lock = Lock()

    def page(self, prefix: str, cursor: str | None, limit: int, *, recursive: bool) -> ListPage:
        """Return the page. Raises ObjectNotFound when no directory is there."""
        directory = path_of(self._root, prefix)
        if directory is None:
            raise ObjectNotFound(f"no directory {prefix!r}")
        with translating(self._root, prefix):
            walk = self._resume(cursor, directory, recursive=recursive)
        objects: list[ObjectInfo] = []
        prefixes: list[ObjectKey] = []
        is_file = stat.S_ISREG
        with translating(self._root, prefix):
            for taken, (name, status) in enumerate(walk, 1):
                if is_file(status.st_mode):
                    size, mtime_ns = status.st_size, status.st_mtime_ns
                    objects.append(ObjectInfo(ObjectKey(prefix + name), size, version_of(status), mtime_ns))
                else:
                    prefixes.append(ObjectKey(prefix + name))
                if taken >= limit:
                    return ListPage(objects, prefixes, self._park(walk, name))
        return ListPage(objects, prefixes, None)

    def _resume(self, cursor: str | None, directory: str, *, recursive: bool) -> Iterator[Found]:
        if cursor is None:
            return _walk(directory.rstrip("/"), [], recursive=recursive)
        token, _, after = cursor.partition("/")
        with self._lock:
            walk = self._walks.pop(token, None)
        return walk or _walk(directory.rstrip("/"), after.rstrip("/").split("/"), recursive=recursive)

    def _park(self, walk: Iterator[Found], last: str) -> str:
        token = f"{self._instance}{next(self._tokens)}"
        with self._lock:
            self._walks[token] = walk
            while len(self._walks) > _WALKS_KEPT:
                self._walks.popitem(last=False)
        return f"{token}/{last}"


def _walk(directory: str, after: list[str], *, recursive: bool) -> Iterator[Found]:
    names = _names(directory) if recursive else os.listdir(directory or "/")
    names.sort()
    start = bisect_right(names, after[0]) if after else 0
    if recursive:
        return _descend(directory, "", names, after, frozenset())
    return _flat(directory, names[start:] if start else names)


def _names(directory: str) -> list[str]:
    # `scandir` would keep an object of 300 bytes for each name.
    try:
        return os.listdir(directory or "/")
    except OSError as error:
        if error.errno not in _FORBIDDEN:
            raise
        if directory.endswith(_FSCK):
            return []
        raise AccessDenied(f"the directory {directory!r} may not be read: {error.strerror}") from error


def _flat(directory: str, names: list[str], *, strict: bool = False) -> Iterator[Found]:
    status_of = os.stat
    for name in names:
        try:
            status = status_of(f"{directory}/{name}")
        except OSError as error:
            if strict and error.errno not in _ABSENT:
                _judge(f"{directory}/{name}", error)
            continue  # gone since, or a link that leads nowhere
        if stat.S_ISREG(status.st_mode):
            if not name.startswith(STAGED_PREFIX):
                yield name, status
        elif stat.S_ISDIR(status.st_mode):
            yield f"{name}/", status


def _descend(
    directory: str, base: str, names: list[str], after: list[str], above: frozenset[tuple[int, int]]
) -> Iterator[Found]:
    """Yield files only, each directory by name; links that lead back up are left out."""
    if after:
        # Everything before after[0] is done; after[0] itself may be a directory that is half done.
        names = names[bisect_right(names, after[0]) :]
        yield from _half_done(directory, base, after, above)
    for name, status in _flat(directory, names, strict=True):
        if not name.endswith("/"):
            yield base + name, status
            continue
        yield from _below(f"{directory}/{name[:-1]}", base + name, [], status, above)


def _judge(path: str, error: OSError) -> None:
    """Let a link lead where we may not look, as one that leads nowhere; what else cannot be seen is there all the same.

    Raises AccessDenied with its name, or the error.
    """
    if error.errno not in _FORBIDDEN:
        raise error
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            return
    except OSError as second:
        if second.errno not in _FORBIDDEN:
            raise
    raise AccessDenied(f"{path!r} may not be looked at: {error.strerror}") from error


def _half_done(directory: str, base: str, after: list[str], above: frozenset[tuple[int, int]]) -> Iterator[Found]:
    name = after[0]
    if len(after) == 1:
        return
    for found, status in _flat(directory, [name], strict=True):
        if found.endswith("/"):
            yield from _below(f"{directory}/{name}", base + found, after[1:], status, above)


def _below(
    path: str, base: str, after: list[str], status: os.stat_result, above: frozenset[tuple[int, int]]
) -> Iterator[Found]:
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    try:
        names = sorted(_names(path))
    except (FileNotFoundError, NotADirectoryError):
        return  # gone since
    yield from _descend(path, base, names, after, above | {identity})
