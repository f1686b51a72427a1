"""Names that the kernel shall ask for again. Implements `application.mount.notices.KernelNotices`.

The call into the kernel waits for the directory's lock, which a lookup or a listing under way holds until its backend
answers: from the event loop it would wait for itself. So each directory's notices run in a thread of their own, and a
directory that hangs holds up no other.
"""

import threading
from collections import deque
from collections.abc import Callable

import pyfuse3
import structlog

_log = structlog.get_logger(__name__)

MOST_THREADS = 16
"""Directories worked on at once."""

_CLOSE_SECONDS = 2.0


class EntryNotices:
    """Sends notices while a session is open; before it the kernel knows no names, and after it none any more."""

    def __init__(self, invalidate: Callable[[int, bytes], None] = pyfuse3.invalidate_entry) -> None:
        self._invalidate = invalidate
        self._lock = threading.Lock()
        self._open = False
        self._waiting: dict[int, deque[bytes]] = {}
        """Names by directory, those of directories being worked on as well. Guarded by the lock, as all below."""
        self._idle: deque[int] = deque()
        """Directories that wait for a thread."""
        self._threads: set[threading.Thread] = set()

    def open(self) -> None:
        """The session is mounted: notices reach the kernel from now on."""
        self._open = True

    def forget_entry(self, parent: int, name: bytes) -> None:
        """Make the kernel ask again for the name. Returns at once."""
        with self._lock:
            if not self._open:
                return
            names = self._waiting.get(parent)
            if names is not None:
                names.append(name)
                return
            self._waiting[parent] = deque([name])
            self._idle.append(parent)
            if len(self._threads) < MOST_THREADS:
                thread = threading.Thread(target=self._work, name="fuse-notices", daemon=True)
                self._threads.add(thread)
                thread.start()

    def close(self) -> bool:
        """Send nothing more; False when a notice is still waiting for the kernel after a bounded time."""
        with self._lock:
            self._open = False
            threads = tuple(self._threads)
        for thread in threads:
            thread.join(_CLOSE_SECONDS / len(threads))
        return not any(thread.is_alive() for thread in threads)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._open or not self._idle:
                    self._threads.discard(threading.current_thread())
                    return
                parent = self._idle.popleft()
            self._send(parent)

    def _send(self, parent: int) -> None:
        while True:
            with self._lock:
                names = self._waiting[parent]
                if not names or not self._open:
                    del self._waiting[parent]
                    return
                name = names.popleft()
            try:
                self._invalidate(parent, name)
            except FileNotFoundError:
                pass  # the kernel did not hold it
            except OSError as fault:
                _log.warning("the kernel did not take a notice", parent=parent, fault=str(fault))
