"""SFTP beyond the contract: host keys, identities, what the wire does not tell."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import asyncssh
import pytest

from tests.contract.backends.objects import listed, names, put, read
from tests.support.sshd import Sshd, sshd_running, unavailable
from warpdrive.adapters.blob.factory import Backend, Patience, build_backend
from warpdrive.adapters.blob.sftp.faults import CONNECTING, STATUSES, translated, translating
from warpdrive.adapters.blob.sftp.listing import Listing
from warpdrive.adapters.blob.sftp.pool import Pool
from warpdrive.application.ports.credentials import Credentials, Login
from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendError,
    BackendMisconfigured,
    ObjectNotFound,
    Unavailable,
    Unsupported,
)
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.domain.namespace.values import BackendDefinition

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server for the module."""
    with sshd_running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def _build(sshd: Sshd, root: Path, *, known_hosts: Path | None = None, who: Credentials | None = None) -> Backend:
    options = {
        "host": sshd.address[0],
        "port": str(sshd.address[1]),
        "root": str(root),
        "known_hosts": str(known_hosts or sshd.known_hosts(sshd.address)),
    }
    key = Login(sshd.username, private_key_file=str(sshd.private_key_file))
    return build_backend(BackendDefinition("s", "sftp", options), who or key, patience=Patience(deadline_s=5.0))


@pytest.fixture
async def backend(sshd: Sshd, tmp_path: Path) -> AsyncIterator[Backend]:
    """A backend on an empty directory."""
    backend = _build(sshd, tmp_path)
    yield backend
    await backend.aclose()


class TestIdentity:
    async def test_an_unknown_host_is_refused_with_what_to_do(self, sshd: Sshd, tmp_path: Path) -> None:
        """No key in known_hosts: misconfigured, and the message is the remedy."""
        empty = tmp_path / "known_hosts"
        empty.write_text("")
        backend = _build(sshd, tmp_path, known_hosts=empty)
        with pytest.raises(BackendMisconfigured, match=rf"ssh-keyscan -p {sshd.address[1]} 127\.0\.0\.1 >> "):
            await backend.reader.stat(ObjectKey("x"))
        await backend.aclose()

    async def test_a_changed_host_key_is_refused(self, sshd: Sshd, tmp_path: Path) -> None:
        """Another key than the known one is no server of ours."""
        other = (sshd.folder / "stranger_key.pub").read_text().split()
        path = tmp_path / "known_hosts"
        path.write_text(f"[{sshd.address[0]}]:{sshd.address[1]} {other[0]} {other[1]}\n")
        backend = _build(sshd, tmp_path, known_hosts=path)
        with pytest.raises(BackendMisconfigured, match="host key"):
            await backend.reader.stat(ObjectKey("x"))
        await backend.aclose()

    @pytest.mark.parametrize("missing", ["known_hosts", "key"])
    async def test_missing_files_are_named(self, sshd: Sshd, tmp_path: Path, missing: str) -> None:
        """A file that is not there is a fault of the configuration, in a word with its path."""
        nowhere = tmp_path / "not-there"
        if missing == "key":
            backend = _build(sshd, tmp_path, who=Login("me", private_key_file=str(nowhere)))
        else:
            backend = _build(sshd, tmp_path, known_hosts=nowhere)
        with pytest.raises(BackendMisconfigured, match="not-there"):
            await backend.reader.stat(ObjectKey("x"))
        await backend.aclose()

    async def test_a_password_that_nobody_takes_is_denied(self, sshd: Sshd, tmp_path: Path) -> None:
        """Denied, not retried until the deadline."""
        backend = _build(sshd, tmp_path, who=Login("nobody-here", password="guess"))
        with pytest.raises(AccessDenied):
            await backend.reader.stat(ObjectKey("x"))
        await backend.aclose()


class TestTree:
    async def test_links_are_followed_and_the_rest_is_hidden(self, backend: Backend, tmp_path: Path) -> None:
        """Links show what they lead to; dangling ones and FIFOs do not show, and are not opened."""
        os.mkfifo(tmp_path / "fifo")
        (tmp_path / "dangling").symlink_to("nowhere")
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "file").write_bytes(b"bytes")
        (tmp_path / "folder" / "up").symlink_to("..")
        (tmp_path / "link").symlink_to("folder/file")
        (tmp_path / "linked").symlink_to("folder")
        objects, prefixes = await listed(backend)
        assert [(info.key, info.size) for info in objects] == [("link", 5)]
        assert sorted(prefixes) == ["folder/", "linked/"]
        objects, _ = await listed(backend, recursive=True)
        assert sorted(info.key for info in objects) == ["folder/file", "link", "linked/file"]
        for name in ("fifo", "dangling"):
            with pytest.raises(ObjectNotFound):
                await backend.reader.stat(ObjectKey(name))
            with pytest.raises(ObjectNotFound):
                await read(backend, name, 0, 1)

    async def test_metadata_are_refused(self, backend: Backend) -> None:
        """There is no room for them: said before a byte is sent."""
        with pytest.raises(Unsupported, match="metadata"):
            await backend.writer.write(ObjectKey("x"), _nothing(), metadata={"wd_mode": "1"})

    async def test_a_sparse_giant_reads_far_behind(self, backend: Backend, tmp_path: Path) -> None:
        """Offsets past 4 GiB are right."""
        with (tmp_path / "giant").open("wb") as file:
            file.truncate(9 * 1024**3)
            file.seek(8 * 1024**3 + 1)
            file.write(b"needle")
        assert (await read(backend, "giant", 8 * 1024**3, 8))[0] == b"\0needle\0"

    async def test_nothing_staged_is_left(self, backend: Backend, tmp_path: Path) -> None:
        """After the backend is closed only objects lie there."""
        await put(backend, "a", b"x")

        async def broken() -> AsyncIterator[bytes]:
            yield b"half"
            raise ValueError("the source")

        with pytest.raises(ValueError, match="the source"):
            await backend.writer.write(ObjectKey("b"), broken())
        await backend.aclose()
        assert names(tmp_path) == ["a"]


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


class TestFaults:
    def test_every_status_has_a_word(self) -> None:
        """Statuses and connection errors map to our errors, unknown statuses to the plain one."""
        assert all(issubclass(fault, BackendError) for fault in STATUSES.values())
        assert all(issubclass(fault, BackendError) for _, fault in CONNECTING)
        full = translated(asyncssh.SFTPError(asyncssh.FX_NO_SPACE_ON_FILESYSTEM, "full"), "write 'a'")
        assert full is not None
        assert (type(full), full.transient) == (BackendError, False)
        lost = translated(asyncssh.ConnectionLost("gone"), "read 'a'")
        assert isinstance(lost, Unavailable)
        assert "read 'a'" in lost.detail

    def test_our_own_mistakes_are_not_dressed_up(self) -> None:
        """A TypeError stays one."""
        assert translated(TypeError("bug"), "x") is None


def test_building_loads_no_rust() -> None:
    """Until an SFTP backend connects neither asyncssh nor cryptography is loaded."""
    program = (
        "import sys\n"
        "from warpdrive.adapters.blob.factory import build_backend\n"
        "from warpdrive.application.ports.credentials import Login\n"
        "from warpdrive.domain.namespace.values import BackendDefinition\n"
        "build_backend(BackendDefinition('b', 'sftp', {'host': 'h'}), Login('me'))\n"
        "assert not {'asyncssh', 'cryptography'} & set(sys.modules), 'loaded'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


class _Forbidding:
    """A server's tree in which one directory may not be read; what else lists is what it holds."""

    def __init__(self, forbidden: str) -> None:
        self.client = self
        self._forbidden = forbidden

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Name a directory, and a file in it, at each level."""
        if path.rstrip(b"/").endswith(self._forbidden.encode()):
            raise asyncssh.SFTPPermissionDenied("no")
        directory = asyncssh.SFTPAttrs(type=asyncssh.FILEXFER_TYPE_DIRECTORY, size=0, mtime=1)
        yield asyncssh.SFTPName(b"file", attrs=asyncssh.SFTPAttrs(type=asyncssh.FILEXFER_TYPE_REGULAR, size=1, mtime=1))
        if path.rstrip(b"/").endswith(b"root"):
            yield asyncssh.SFTPName(self._forbidden.encode(), attrs=directory)

    def spoke(self) -> None:
        """Nobody listens."""

    @asynccontextmanager
    async def session(self, what: str) -> AsyncIterator["_Forbidding"]:
        """Lend itself."""
        with translating(what):
            yield self


class TestWhatMayNotBeRead:
    async def test_a_recursive_listing_names_a_directory_that_it_may_not_read(self) -> None:
        """What is left out would seem to be deleted."""
        pool = cast("Pool", _Forbidding("shut"))
        with pytest.raises(AccessDenied, match="'shut/'"):
            await Listing(pool, "/root", "").page("", None, 10, recursive=True)
        assert (await Listing(pool, "/root", "").page("", None, 10, recursive=False)).prefixes == ["shut/"]

    async def test_lost_and_found_is_nobodys_data(self) -> None:
        """The directory that only root may read, of every such file system, ends no listing."""
        pool = cast("Pool", _Forbidding("lost+found"))
        page = await Listing(pool, "/root", "").page("", None, 10, recursive=True)
        assert [info.key for info in page.objects] == ["file"]
