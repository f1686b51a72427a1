"""Notices to the kernel: in order by directory, and never waited for."""

import threading

from tests.support.ports import wait_until
from warpdrive.adapters.fuse.notices import MOST_THREADS, EntryNotices


class Kernel:
    """Takes notices; those of directories in `busy` wait until it is set free."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, bytes]] = []
        self.busy: set[int] = set()
        self.free = threading.Event()

    def invalidate(self, parent: int, name: bytes) -> None:
        """Take one."""
        if parent in self.busy:
            self.free.wait(10)
        if name == b"unknown":
            raise FileNotFoundError(2, "No such file or directory")
        if name == b"refused":
            raise OSError(22, "Invalid argument")
        self.taken.append((parent, name))


def test_nothing_is_sent_before_the_mount_and_after_it() -> None:
    """The kernel knows no names then, and the session may be freed."""
    kernel = Kernel()
    notices = EntryNotices(kernel.invalidate)
    notices.forget_entry(1, b"early")
    notices.open()
    notices.forget_entry(1, b"a")
    wait_until(lambda: bool(kernel.taken), within=5)
    assert notices.close()
    notices.forget_entry(1, b"late")
    assert kernel.taken == [(1, b"a")]


def test_a_busy_directory_holds_up_no_other() -> None:
    """A lookup that hangs holds its directory's lock: the caller returns at once, other directories go on."""
    kernel = Kernel()
    kernel.busy.add(1)
    notices = EntryNotices(kernel.invalidate)
    notices.open()
    for name in (b"a", b"b"):
        notices.forget_entry(1, name)
    notices.forget_entry(2, b"c")
    wait_until(lambda: kernel.taken == [(2, b"c")], within=5)
    kernel.free.set()
    wait_until(lambda: kernel.taken == [(2, b"c"), (1, b"a"), (1, b"b")], within=5)
    assert notices.close()


def test_a_name_the_kernel_does_not_hold_or_take_is_no_fault() -> None:
    """The next one is sent all the same."""
    kernel = Kernel()
    notices = EntryNotices(kernel.invalidate)
    notices.open()
    for name in (b"unknown", b"refused", b"a"):
        notices.forget_entry(1, name)
    wait_until(lambda: kernel.taken == [(1, b"a")], within=5)
    assert notices.close()


def test_many_directories_share_few_threads_and_closing_tells_of_one_that_hangs() -> None:
    """However large the change; a notice that still waits must not find its session freed."""
    kernel = Kernel()
    kernel.busy.update(range(100))
    notices = EntryNotices(kernel.invalidate)
    notices.open()
    before = threading.active_count()
    for parent in range(100):
        notices.forget_entry(parent, b"a")
    assert threading.active_count() - before <= MOST_THREADS
    assert not notices.close()
    kernel.free.set()
