"""Publishing files: staged beside their place, on the disk first, then there in one step.

- A create (`Absent`) is a `link`, which the kernel refuses when the name exists: atomic between all writers.
- A replace is check-then-rename under `flock` of the directory. Processes of ours wait for each other;
  others do not know the lock, hence `conditional_write=False` in the capabilities.
- Parents are made as needed and stay when their last file goes: an object store has no directories to tidy
  up.
- Metadata are extended attributes `user.warpdrive.meta.<key>`; Unsupported where the file system has none.
"""

# ruff: noqa: PTH103, PTH104, PTH108, PTH116, PTH120, PTH123
# Paths here are plain str: pathlib costs a multiple of the system call, and os says which call is meant.

import fcntl
import os
import shutil
import stat
import uuid
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import BinaryIO, TypeVar

from warpdrive.adapters.blob.local.faults import translating
from warpdrive.adapters.blob.local.keys import STAGED_PREFIX, info_of, path_of, version_of
from warpdrive.adapters.blob.local.threads import Threads
from warpdrive.application.ports.errors import ObjectNotFound, ShortBody, Unsupported, VersionChanged
from warpdrive.application.ports.object_writer import Absent, Precondition
from warpdrive.application.ports.objects import ObjectInfo, ObjectVersion

Answer = TypeVar("Answer")

_ATTRIBUTE = "user.warpdrive.meta."


class Writing:
    """Writes below `root` on the store's threads."""

    def __init__(self, root: str, threads: Threads) -> None:
        self._root = root
        self._threads = threads

    def _path(self, key: str) -> str:
        path = path_of(self._root, key)
        if path is None or not key or key.endswith("/"):
            raise Unsupported(f"{key!r} can be no file")
        return path

    async def write(
        self,
        key: str,
        body: AsyncIterable[bytes | memoryview],
        size: int | None,
        precondition: Precondition,
        metadata: dict[str, str],
    ) -> ObjectInfo:
        """Stage the body, then publish it. Whatever fails, the staged file goes."""
        path = self._path(key)
        staged = await self._unbroken(key, lambda: _stage(self._root, path))
        try:
            written = 0
            async for part in body:
                await self._unbroken(key, partial(_append, staged, part))
                written += len(part)
            if size is not None and written != size:
                raise ShortBody(f"{key!r}: the body has {written} bytes, {size} were announced", written)
            return await self._unbroken(key, lambda: _publish(staged, key, path, precondition, metadata))
        finally:
            await self._unbroken(key, lambda: _unstage(staged))

    async def copy(self, source: str, target: str, version: ObjectVersion | None) -> ObjectInfo:
        """Copy through a staged file; the source is looked at before and after."""
        origin, path = self._path(source), self._path(target)

        def copied() -> ObjectInfo:
            with open(origin, "rb", opener=_open_plain) as file:
                before = os.fstat(file.fileno())
                _require(source, before, version)
                staged = _stage(self._root, path)
                try:
                    shutil.copyfileobj(file, staged, 1024 * 1024)
                    _require(source, os.fstat(file.fileno()), version_of(before))
                    return _publish(staged, target, path, None, {})
                finally:
                    _unstage(staged)

        return await self._unbroken(source, copied)

    def delete(self, key: str, version: ObjectVersion | None) -> None:
        """Remove the file, if it still is `version`; in a thread."""
        path = self._path(key)
        with translating(self._root, key), _locked(os.path.dirname(path)):
            _require(key, os.stat(path), version)
            os.unlink(path)

    async def _unbroken(self, key: str, job: Callable[[], Answer]) -> Answer:
        """Run the step to its end even when cancelled: a half-made step could not be undone."""

        def translated() -> Answer:
            with translating(self._root, key):
                return job()

        return await self._threads.run_to_end(translated, lambda: None)


def _open_plain(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _require(key: str, status: os.stat_result, version: ObjectVersion | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ObjectNotFound(f"{key!r} is not a file")
    if version is not None and version_of(status) != version:
        raise VersionChanged(f"{key!r} is {version_of(status)}, not {version}")


def _stage(root: str, path: str) -> BinaryIO:
    os.stat(root or "/")  # parents are made, the root is not
    directory = os.path.dirname(path)
    os.makedirs(directory, exist_ok=True)
    return open(f"{directory}/{STAGED_PREFIX}{uuid.uuid4().hex}", "xb", buffering=0)


def _append(staged: BinaryIO, part: bytes | memoryview) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[staged.write(rest) :]


def _unstage(staged: BinaryIO) -> None:
    staged.close()
    with suppress(FileNotFoundError):  # a rename took it
        os.unlink(staged.name)


def _publish(staged: BinaryIO, key: str, path: str, precondition: Precondition, metadata: dict[str, str]) -> ObjectInfo:
    for name, value in metadata.items():
        os.setxattr(staged.fileno(), f"{_ATTRIBUTE}{name}", value.encode())
    os.fsync(staged.fileno())
    with _locked(os.path.dirname(path)) as directory:
        if isinstance(precondition, Absent):
            try:
                os.link(staged.name, path)
            except FileExistsError as error:
                raise VersionChanged(f"{key!r} exists already") from error
        else:
            if precondition is not None:
                _require_current(key, path, precondition)
            os.rename(staged.name, path)
        os.fsync(directory)
    info = info_of(key, os.fstat(staged.fileno()))
    assert info is not None
    return info


def _require_current(key: str, path: str, version: ObjectVersion) -> None:
    try:
        _require(key, os.stat(path), version)
    except (FileNotFoundError, ObjectNotFound) as error:
        raise VersionChanged(f"{key!r} is gone, {version} was wanted") from error


@contextmanager
def _locked(directory: str) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
