"""Local directories: what a tree of files has that an object store has not."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.contract.backends.objects import Arrival, Body, listed, names, parts, put, read
from tests.support.nobody import as_nobody
from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.adapters.blob.local.faults import FAULTS
from warpdrive.adapters.blob.local.keys import STAGED_PREFIX
from warpdrive.adapters.blob.local.listing import _WALKS_KEPT, Listing
from warpdrive.adapters.blob.local.reading import Reading
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendError,
    BackendMisconfigured,
    ObjectNotFound,
    Unsupported,
    VersionChanged,
)
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey
from warpdrive.domain.namespace.values import BackendDefinition

MIB = 1024**2
GIB = 1024**3


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    """A backend on an empty directory."""
    backend = build_backend(BackendDefinition("disk", "local", {"root": str(tmp_path)}), Anonymous())
    yield backend
    await backend.aclose()


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A directory that every user can reach, unlike a test's usual one."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


class TestWhatIsShown:
    async def test_links_are_followed(self, backend: Backend, tmp_path: Path) -> None:
        """A link to a file is that file, one to a directory that directory, wherever it leads."""
        outside = tmp_path.parent / f"{tmp_path.name}-outside"
        outside.mkdir()
        (outside / "shard").write_bytes(b"bytes")
        (tmp_path / "linked").symlink_to(outside)
        (tmp_path / "file").symlink_to(outside / "shard")
        objects, prefixes = await listed(backend)
        assert ([info.key for info in objects], prefixes) == (["file"], ["linked/"])
        assert objects[0].size == 5
        assert (await read(backend, "linked/shard", 1, 3))[0] == b"yte"

    async def test_what_is_no_file_is_hidden(self, backend: Backend, tmp_path: Path) -> None:
        """Dangling links, FIFOs, sockets and staged files are not listed, described or opened."""
        os.mkfifo(tmp_path / "fifo")
        (tmp_path / "dangling").symlink_to("nowhere")
        (tmp_path / "itself").symlink_to("itself")
        (tmp_path / f"{STAGED_PREFIX}1").write_bytes(b"half")
        (tmp_path / "real").write_bytes(b"x")
        with socket.socket(socket.AF_UNIX) as listener:
            here = os.open(tmp_path, os.O_RDONLY)  # a socket's path may have 107 bytes only
            try:
                listener.bind(f"/proc/self/fd/{here}/socket")
            finally:
                os.close(here)
            for recursive in (False, True):
                objects, prefixes = await listed(backend, recursive=recursive)
                assert ([info.key for info in objects], prefixes) == (["real"], [])
            for name in ("fifo", "dangling", "itself", "socket", f"{STAGED_PREFIX}1"):
                with pytest.raises(ObjectNotFound):
                    await backend.reader.stat(ObjectKey(name))
                with pytest.raises(ObjectNotFound):
                    await asyncio.wait_for(read(backend, name, 0, 1), 5.0)

    def test_a_recursive_listing_leaves_nothing_out_that_it_may_not_see(self, public_path: Path) -> None:
        """What is left out would seem to be deleted: the directory is named. Level by level shows what it can."""
        tmp_path = public_path
        for folder in ("open", "open/shut", "open/deaf"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "file").write_bytes(b"x")
        (tmp_path / "open" / "elsewhere").symlink_to(tmp_path / "open" / "shut" / "file")
        (tmp_path / "lost+found").mkdir()
        (tmp_path / "lost+found").chmod(0o000)
        listing = Listing(str(tmp_path), "")

        def page(prefix: str, *, recursive: bool) -> ListPage:
            return as_nobody(lambda: listing.page(prefix, None, 100, recursive=recursive))

        assert len(page("", recursive=True).objects) == 4
        (tmp_path / "open" / "shut").chmod(0o000)
        with pytest.raises(AccessDenied, match=r"open/shut'"):
            page("", recursive=True)
        with pytest.raises(AccessDenied, match=r"open/shut'"):
            page("open/shut/", recursive=True)
        assert sorted(page("open/", recursive=False).prefixes) == ["open/deaf/", "open/shut/"]
        (tmp_path / "open" / "shut").chmod(0o755)
        (tmp_path / "open" / "shut" / "file").unlink()
        (tmp_path / "open" / "deaf").chmod(0o444)  # names, but not what they are
        with pytest.raises(AccessDenied, match=r"open/deaf/file'"):
            page("", recursive=True)
        (tmp_path / "open" / "deaf").chmod(0o755)
        assert [info.key for info in page("", recursive=True).objects] == ["open/deaf/file", "open/file"]

    async def test_empty_directories_exist(self, backend: Backend, tmp_path: Path) -> None:
        """A directory without anything is listed, described, and lists as empty."""
        (tmp_path / "empty").mkdir()
        assert await listed(backend) == ([], ["empty/"])
        assert await listed(backend, "empty/") == ([], [])
        for key in ("empty", "empty/", ""):
            info = await backend.reader.stat(ObjectKey(key))
            assert (info.is_directory, info.size, info.version) == (True, 0, "")

    async def test_a_recursive_listing_of_a_loop_ends(self, backend: Backend, tmp_path: Path) -> None:
        """A link back up is entered once at most."""
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "file").write_bytes(b"x")
        (tmp_path / "a" / "up").symlink_to("..")
        objects, _ = await listed(backend, recursive=True)
        assert "a/file" in [info.key for info in objects]
        assert len(objects) <= 2

    async def test_paging_goes_on_when_its_walk_was_dropped(self, backend: Backend, tmp_path: Path) -> None:
        """Many listings at once: each still gives every name once."""
        for name in ("a", "b/c", "b/d", "b/e/f", "g"):
            (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / name).write_bytes(b"x")

        async def page_by_page() -> list[str]:
            names: list[str] = []
            cursor = None
            while True:
                page = await backend.reader.list_page(ObjectKey(""), cursor=cursor, limit=1, recursive=True)
                names += [info.key for info in page.objects]
                cursor = page.cursor
                if cursor is None:
                    return names

        answers = await asyncio.gather(*(page_by_page() for _ in range(3 * _WALKS_KEPT)))
        assert answers == [["a", "b/c", "b/d", "b/e/f", "g"]] * (3 * _WALKS_KEPT)


class TestReading:
    async def test_a_sparse_giant_reads_at_any_offset(self, backend: Backend, tmp_path: Path) -> None:
        """50 GiB: size and bytes far behind the 4 GiB line are right."""
        path = tmp_path / "giant"
        with path.open("wb") as file:
            file.truncate(50 * GIB)
            file.seek(49 * GIB + 17)
            file.write(b"needle")
        info = await backend.reader.stat(ObjectKey("giant"))
        assert info.size == 50 * GIB
        assert (await read(backend, "giant", 49 * GIB + 16, 8, version=info.version))[0] == b"\0needle\0"

    async def test_a_rewrite_in_mid_read_is_noticed(self, tmp_path: Path) -> None:
        """The file is rewritten between two pieces: VersionChanged, and only the old one's bytes were announced."""
        path = tmp_path / "file"
        path.write_bytes(b"o" * (8 * MIB))
        fills: list[int] = []

        class Meddler:
            def started(self, info: ObjectInfo) -> None:
                assert info.size == 8 * MIB
                path.write_bytes(b"n" * (8 * MIB))
                os.utime(path, ns=(1, 1))

            def advanced(self, filled: int) -> None:
                fills.append(filled)

        class AtOnce:
            def call_soon_threadsafe(self, call: Callable[..., None], *arguments: object) -> None:
                call(*arguments)

        buffer = bytearray(8 * MIB)
        reading = Reading(str(tmp_path), "file", 0, memoryview(buffer), version=None, sink=Meddler())
        reading._loop = AtOnce()  # type: ignore[assignment]  # between two pieces, not some time after
        with pytest.raises(VersionChanged):
            reading.run()
        assert fills == [MIB]
        assert bytes(buffer[:MIB]) == b"o" * MIB

    async def test_a_cancelled_read_writes_into_the_buffer_no_more(self, backend: Backend, tmp_path: Path) -> None:
        """Once the reader is gone its buffer belongs to somebody else."""
        (tmp_path / "file").write_bytes(b"o" * (64 * MIB))
        buffer = bytearray(64 * MIB)
        arrival = Arrival(buffer, b"o" * (64 * MIB))
        task = asyncio.create_task(backend.reader.read_range(ObjectKey("file"), 0, memoryview(buffer), sink=arrival))
        arrival.on_progress = task.cancel
        with pytest.raises(asyncio.CancelledError):
            await task
        filled = bytes(buffer).rstrip(b"\0")
        assert len(filled) < 64 * MIB
        await put(backend, "other", b"x")
        assert bytes(buffer).rstrip(b"\0") == filled

    async def test_a_version_is_mtime_size_and_inode(self, backend: Backend, tmp_path: Path) -> None:
        """A file replaced by rename is another version even with the same size and time."""
        path = tmp_path / "file"
        path.write_bytes(b"one")
        first = await backend.reader.stat(ObjectKey("file"))
        (tmp_path / "new").write_bytes(b"two")
        os.utime(tmp_path / "new", ns=(first.mtime_ns, first.mtime_ns))
        (tmp_path / "new").rename(path)
        second = await backend.reader.stat(ObjectKey("file"))
        assert (second.mtime_ns, second.size) == (first.mtime_ns, first.size)
        assert second.version != first.version


class TestWriting:
    async def test_nothing_staged_is_left(self, backend: Backend, tmp_path: Path) -> None:
        """After writes, lost creates and broken bodies only objects lie there."""
        await put(backend, "a/b", b"x")

        async def broken() -> AsyncIterator[bytes]:
            yield b"half"
            raise ValueError("the source")

        with pytest.raises(ValueError, match="the source"):
            await backend.writer.write(ObjectKey("a/c"), broken())
        assert (names(tmp_path), names(tmp_path / "a")) == (["a"], ["b"])

    async def test_metadata_become_extended_attributes(self, backend: Backend, tmp_path: Path) -> None:
        """They are on the file, or the write is refused."""
        try:
            await backend.writer.write(ObjectKey("f"), parts(b"x"), metadata={"wd_mode": "100600"})
        except Unsupported:
            pytest.skip("this file system has no user attributes")
        assert os.getxattr(tmp_path / "f", "user.warpdrive.meta.wd_mode") == b"100600"

    async def test_a_missing_root_is_not_made(self, tmp_path: Path) -> None:
        """An unmounted NFS root must not fill the disk below it."""
        root = tmp_path / "unmounted"
        backend = build_backend(BackendDefinition("b", "local", {"root": str(root)}), Anonymous())
        with pytest.raises(BackendMisconfigured):
            await backend.writer.write(ObjectKey("a/b"), Body(b"x"))
        assert not root.exists()
        await backend.aclose()

    @pytest.mark.parametrize("key", ["", "a/", "../a", "a//b"])
    async def test_keys_that_no_file_can_have_are_refused(self, backend: Backend, key: str) -> None:
        """Unsupported, rather than a file somewhere else."""
        with pytest.raises(Unsupported):
            await backend.writer.write(ObjectKey(key), Body(b"x"))


def test_every_fault_in_the_table_is_one_of_ours() -> None:
    """Errno to error: permission is denied, absence is absence."""
    assert all(issubclass(fault, BackendError) for fault in FAULTS.values())
    assert FAULTS[13] is AccessDenied
    assert FAULTS[2] is ObjectNotFound
