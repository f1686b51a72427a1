"""Every promise of the transport on a real kernel mount, over the in-memory twin."""

import contextlib
import errno
import mmap
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.memory_filesystem import MTIME_NS
from tests.support.mounts import MountProcess, memory_mount

BIG = bytes(range(256)) * 16384  # 4 MiB
RAW = b"raw-\xff\xfe name"
TREE = {
    b"a/b/hello.txt": b"hello, world\n",
    b"a/empty": b"",
    b"big": BIG,
    b"names/" + RAW: b"raw bytes",
    "names/snow ☃ man".encode(): b"utf-8",
    b"names/" + b"n" * 255: b"long",
    **{b"many/f%06d" % number: b"" for number in range(100_000)},
}


@pytest.fixture(scope="module")
def mount(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountProcess]:
    """A read-only mount for all tests here."""
    with memory_mount(TREE, tmp_path_factory.mktemp("transport")) as running:
        yield running


@pytest.fixture(scope="module")
def writable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountProcess]:
    """A mount that the kernel believes writable, so that every verb reaches the transport."""
    tree = {b"big": b"x", b"a/b": b""}
    with memory_mount(tree, tmp_path_factory.mktemp("writable"), "--rw") as running:
        yield running


def run(*argv: str | bytes | Path) -> str:
    """Run a command that must succeed."""
    return subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout.decode("utf-8", "surrogateescape")


class TestTools:
    def test_ls(self, mount: MountProcess) -> None:
        """`ls -la` shows names, sizes, times, "." and ".."."""
        listed = run("ls", "-la", "--time-style=+%s", mount.point / "a" / "b")
        assert [line.split()[-1] for line in listed.splitlines()[1:]] == [".", "..", "hello.txt"]
        line = listed.splitlines()[-1].split()
        assert (line[0], line[4], line[5]) == ("-r--r--r--", "13", str(MTIME_NS // 10**9))

    def test_stat(self, mount: MountProcess) -> None:
        """A file's attributes are whole: size, blocks of 512 bytes, nanoseconds, one link, no write bit."""
        found = (mount.point / "big").stat()
        assert (found.st_size, found.st_blocks, found.st_mtime_ns) == (len(BIG), len(BIG) // 512, MTIME_NS)
        assert (found.st_nlink, stat.filemode(found.st_mode)) == (1, "-r--r--r--")
        assert stat.filemode((mount.point / "a").stat().st_mode) == "dr-xr-xr-x"

    def test_cat(self, mount: MountProcess) -> None:
        """`cat` gives the bytes, and nothing for an empty file."""
        assert run("cat", mount.point / "a/b/hello.txt") == "hello, world\n"
        assert run("cat", mount.point / "a/empty") == ""

    def test_find_and_du(self, mount: MountProcess) -> None:
        """`find` walks the tree, `du` adds up sizes."""
        assert sorted(run("find", mount.point / "a", "-type", "f").split()) == [
            str(mount.point / "a/b/hello.txt"),
            str(mount.point / "a/empty"),
        ]
        assert run("du", "-b", "--apparent-size", mount.point / "big").split()[0] == str(len(BIG))

    def test_df(self, mount: MountProcess) -> None:
        """`df` shows the declared space, and statfs says read-only (R6)."""
        assert run("df", "--output=source,fstype", mount.point).split()[-2:] == ["warpdrive", "fuse.warpdrive"]
        space = os.statvfs(mount.point)
        assert space.f_blocks * space.f_frsize == 1 << 50
        assert space.f_flag & os.ST_RDONLY
        assert space.f_namemax == 255

    def test_cp_a(self, mount: MountProcess, tmp_path: Path) -> None:
        """`cp -a` copies bytes and times without a complaint."""
        done = subprocess.run(["cp", "-a", mount.point / "a", tmp_path / "copy"], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        copied = tmp_path / "copy/b/hello.txt"
        assert copied.read_bytes() == TREE[b"a/b/hello.txt"]
        assert copied.stat().st_mtime_ns == MTIME_NS
        run("chmod", "-R", "u+w", tmp_path / "copy")


class TestReading:
    def test_mmap(self, mount: MountProcess) -> None:
        """A private and a shared map show the file's bytes."""
        with (mount.point / "big").open("rb") as file:
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED) as shared:
                # Touching a map holds the interpreter's lock, but not the mount's: that is another process.
                assert shared[1 << 20 : (1 << 20) + 256] == BIG[:256]
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE) as private:
                assert private[-256:] == BIG[-256:]

    def test_sendfile(self, mount: MountProcess, tmp_path: Path) -> None:
        """sendfile(2) copies out of the mount."""
        with (mount.point / "big").open("rb") as source, (tmp_path / "out").open("wb") as target:
            sent = 0
            while sent < len(BIG):
                sent += os.sendfile(target.fileno(), source.fileno(), sent, len(BIG) - sent)
        assert (tmp_path / "out").read_bytes() == BIG

    def test_o_direct(self, mount: MountProcess) -> None:
        """O_DIRECT reads bypass the page cache and give the same bytes, short at the end."""
        fd = os.open(mount.point / "big", os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, 8192) as page:
                assert os.preadv(fd, [page], 4096) == 8192
                assert page[:] == BIG[4096 : 4096 + 8192]
                assert os.preadv(fd, [page], len(BIG) - 4096) == 4096
        finally:
            os.close(fd)

    def test_past_the_end(self, mount: MountProcess) -> None:
        """Reading at and past the end gives nothing."""
        with (mount.point / "big").open("rb", buffering=0) as file:
            file.seek(len(BIG))
            assert file.read(10) == b""

    def test_requests_are_large(self, mount: MountProcess) -> None:
        """The read-ahead is widened: a sequential read of 4 MiB arrives in at most a dozen requests."""
        mount.tell({"forget": True})
        with (mount.point / "big").open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while file.read(1 << 20):
                pass
        assert 1 <= mount.tell({"forget": True})["read"] <= 12


class TestNames:
    def test_raw_bytes(self, mount: MountProcess) -> None:
        """Names are bytes: not UTF-8, UTF-8 and 255 bytes long are listed and opened alike (R4)."""
        directory = mount.point / "names"
        names = {os.fsencode(path.name) for path in directory.iterdir()}
        assert names == {RAW, "snow ☃ man".encode(), b"n" * 255}
        assert (directory / os.fsdecode(RAW)).read_bytes() == b"raw bytes"

    def test_absent(self, mount: MountProcess) -> None:
        """An absent name is ENOENT, and the kernel remembers that: it asks once."""
        mount.tell({"forget": True})
        for _ in range(5):
            with pytest.raises(FileNotFoundError):
                (mount.point / "a" / "nowhere").stat()
        assert mount.tell({"forget": True}).get("lookup") == 1

    def test_too_long(self, mount: MountProcess) -> None:
        """A name over 255 bytes is ENAMETOOLONG."""
        with pytest.raises(OSError, match="too long") as caught:
            (mount.point / ("n" * 256)).stat()
        assert caught.value.errno == errno.ENAMETOOLONG

    def test_many(self, mount: MountProcess) -> None:
        """A directory of 100,000 entries lists whole, each name once, and brings the attributes along."""
        names = [path.name for path in (mount.point / "many").iterdir()]
        assert len(names) == len(set(names)) == 100_000
        mount.tell({"forget": True})
        assert sum(entry.stat().st_size for entry in os.scandir(mount.point / "many")) == 0
        assert mount.tell({"forget": True}).get("lookup", 0) < 10

    def test_ls_l_asks_little(self, mount: MountProcess) -> None:
        """`ls -l` of 100,000 files asks for attributes of files that do not exist here only a few times (R5)."""
        mount.tell({"forget": True})
        assert len(run("ls", "-l", mount.point / "many").splitlines()) == 100_001
        assert mount.tell({"forget": True}).get("getxattr", 0) < 10


class TestExtendedAttributes:
    def test_by_name(self, mount: MountProcess) -> None:
        """An attribute of R5 is answered when asked by name; `getfattr` agrees."""
        assert os.getxattr(mount.point / "big", "user.warpdrive.backend") == b"memory"
        assert run("getfattr", "--only-values", "-n", "user.warpdrive.backend", mount.point / "big") == "memory"

    def test_not_listed(self, mount: MountProcess) -> None:
        """No attribute is listed, so that `cp -a` carries none along."""
        assert os.listxattr(mount.point / "big") == []
        assert run("getfattr", "-d", mount.point / "big") == ""

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("user.warpdrive.other", errno.ENODATA),
            ("user.other", errno.ENODATA),
            ("security.selinux", errno.ENOTSUP),
        ],
    )
    def test_others(self, mount: MountProcess, name: str, code: int) -> None:
        """Any other name is refused: absent in `user.`, unsupported in namespaces that do not exist here."""
        with pytest.raises(OSError, match=os.strerror(code)) as caught:
            os.getxattr(mount.point / "big", name)
        assert caught.value.errno == code


WRITES: dict[str, Callable[[Path], object]] = {
    "create": lambda top: (top / "new").touch(),
    "open for writing": lambda top: os.open(top / "big", os.O_RDWR),
    "truncate on open": lambda top: os.open(top / "big", os.O_WRONLY | os.O_TRUNC),
    "append": lambda top: os.open(top / "big", os.O_WRONLY | os.O_APPEND),
    "mkdir": lambda top: (top / "new").mkdir(),
    "mknod": lambda top: os.mkfifo(top / "new"),
    "unlink": lambda top: (top / "big").unlink(),
    "rmdir": lambda top: (top / "a").rmdir(),
    "rename": lambda top: (top / "big").rename(top / "other"),
    "symlink": lambda top: (top / "new").symlink_to("big"),
    "hard link": lambda top: os.link(top / "big", top / "new"),
    "chmod": lambda top: (top / "big").chmod(0o777),
    "chown": lambda top: shutil.chown(top / "big", 1, 1),
    "utimes": lambda top: os.utime(top / "big"),
    "truncate": lambda top: os.truncate(top / "big", 0),
    "setxattr": lambda top: os.setxattr(top / "big", "user.x", b"1"),
    "create xattr": lambda top: os.setxattr(top / "big", "user.x", b"1", os.XATTR_CREATE),
    "removexattr": lambda top: os.removexattr(top / "big", "user.x"),
}


class TestReadOnly:
    @pytest.mark.parametrize("verb", WRITES)
    def test_kernel_refuses(self, mount: MountProcess, verb: str) -> None:
        """A tree mounted `ro` answers EROFS to every verb that writes (R6)."""
        with pytest.raises(OSError, match="Read-only file system") as caught:
            WRITES[verb](mount.point)
        assert caught.value.errno == errno.EROFS

    @pytest.mark.parametrize("verb", WRITES)
    def test_transport_refuses(self, writable: MountProcess, verb: str) -> None:
        """A read-only entry of a tree that is otherwise writable answers EROFS just the same (R6)."""
        with pytest.raises(OSError, match="Read-only file system") as caught:
            WRITES[verb](writable.point)
        assert caught.value.errno == errno.EROFS


class TestIsolation:
    def test_hanging_reads(self, tmp_path: Path) -> None:
        """A hundred reads whose backend never answers hold up neither reading nor listing beside them (R3)."""
        count = 100
        with memory_mount({b"hang": bytes(count << 20), b"other": BIG}, tmp_path) as mount:
            with ThreadPoolExecutor(count) as readers:
                opened = os.open(mount.point / "hang", os.O_RDONLY)
                os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_RANDOM)
                hanging = [readers.submit(os.pread, opened, 4096, number << 20) for number in range(count)]
                deadline = time.monotonic() + 20
                while mount.tell({"progress": True}).get("hanging", 0) < count:
                    assert time.monotonic() < deadline
                assert (mount.point / "other").read_bytes() == BIG
                assert {path.name for path in mount.point.iterdir()} == {"hang", "other"}
                assert not any(read.done() for read in hanging)
                assert mount.stop() == 0
            assert all(isinstance(read.exception(), OSError) for read in hanging)
            with contextlib.suppress(OSError):  # close(2) reports the lost connection too, and closes
                os.close(opened)


class TestStale:
    def test_hand_over(self, tmp_path: Path) -> None:
        """Opening a stale inode repeats the lookup: the old handle keeps old bytes, the new one reads new (R1)."""
        with memory_mount({b"f": b"old"}, tmp_path) as mount:
            path = mount.point / "f"
            with path.open("rb", buffering=0) as former:
                mount.tell({"put": "f", "content": "newer"})
                assert path.read_bytes() == b"newer"
                assert former.read() == b"old"
                assert os.fstat(former.fileno()).st_size == 3
            assert path.stat().st_size == 5
