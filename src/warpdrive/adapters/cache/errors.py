"""Why a cache directory cannot be used. Raised only while a cache starts; once running it never fails a reader."""

from pathlib import Path


class CacheError(Exception):
    """Base of every refusal to start; the message is for the operator."""


class CacheInUse(CacheError):
    """Raised when another process owns the cache directory. `holder`: its pid, or None if it did not say."""

    def __init__(self, path: Path, holder: int | None) -> None:
        who = f"process {holder}" if holder is not None else "another process"
        super().__init__(f"cache directory {path} is in use by {who}")
        self.path = path
        self.holder = holder


class CacheForeign(CacheError):
    """Raised when the directory holds something that is not a cache of ours; nothing in it was touched."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(f"{path} is not empty and not a WarpDrive cache (found {found!r}); name an empty directory")
        self.path = path
        self.found = found


class CacheFormatUnknown(CacheError):
    """Raised when the directory is a cache in a format this version cannot read; nothing in it was touched."""

    def __init__(self, path: Path, found: str, supported: int) -> None:
        super().__init__(
            f"cache directory {path} has format {found!r}, this version reads format {supported}; "
            "use the version that wrote it, or empty the directory"
        )
        self.path = path
        self.found = found
        self.supported = supported


class CacheUnusable(CacheError):
    """Raised when the directory cannot be made or written at start: missing rights, read-only or full disk."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"cache directory {path} cannot be used: {fault}")
        self.path = path
        self.fault = fault
