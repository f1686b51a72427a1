"""What the server says, in one file that stays short."""

import os
from pathlib import Path
from typing import BinaryIO, Final

import anyio
import anyio.to_thread
import structlog

_LIMIT_BYTES: Final = 16 * 1024**2
_LOOK_S: Final = 60.0
_TAIL_BYTES: Final = 2000

_log = structlog.get_logger(__name__)


class ServerLog:
    """The log file. The server holds it open for appending, so it is cut in place rather than replaced."""

    def __init__(self, path: Path, limit: int = _LIMIT_BYTES) -> None:
        self.path = path
        self._limit = limit

    def open(self) -> BinaryIO:
        """Open for appending; readable by us alone, since the server may quote statements."""
        self.cut()
        return os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")

    def tail(self, begin: int = 0) -> str:
        """Return the last lines written at or behind the byte `begin`; nothing when there are none."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                start = max(min(begin, size), size - _TAIL_BYTES)
                file.seek(start)
                lines = file.read().decode("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[1:] if start > begin else lines)

    def cut(self) -> None:
        """Put a log above its limit aside as NAME.1; lines written during the copy may be lost."""
        try:
            if self.path.stat().st_size <= self._limit:
                return
        except FileNotFoundError:
            return
        with self.path.open("r+b") as file, self.path.with_name(self.path.name + ".1").open("wb") as aside:
            os.fchmod(aside.fileno(), 0o600)
            os.sendfile(aside.fileno(), file.fileno(), 0, self._limit * 2)
            file.truncate(0)

    async def keep_short(self) -> None:
        """Look once a minute. Runs until cancelled."""
        while True:
            await anyio.sleep(_LOOK_S)
            try:
                await anyio.to_thread.run_sync(self.cut)
            except OSError as fault:  # a full disk must not end what the log is only about
                _log.warning("PostgreSQL's log not cut", path=str(self.path), fault=str(fault))
