"""Why a filesystem verb failed, other than by a backend's answer (`ports/errors.py`). One errno table maps both."""


class FileSystemError(Exception):
    """Base of the mount's own refusals."""


class NoSuchEntry(FileSystemError):
    """Raised when a path does not exist: ENOENT."""


class NotADirectory(FileSystemError):
    """Raised when a directory verb met a file: ENOTDIR."""


class IsADirectory(FileSystemError):
    """Raised when a file verb met a directory: EISDIR."""


class StaleInode(FileSystemError):
    """Raised when an inode's version is no longer the path's: ESTALE; the kernel looks the path up again (R1)."""


class ReadOnlyEntry(FileSystemError):
    """Raised when the mount entry may not be written: EROFS (R6)."""


class NoSuchAttribute(FileSystemError):
    """Raised when an extended attribute does not exist: ENODATA (R5)."""


class BadHandle(FileSystemError):
    """Raised when a handle is not open (any more): EBADF."""


class NameTooLong(FileSystemError):
    """Raised when a name has more than 255 bytes: ENAMETOOLONG."""


class BackendOffline(FileSystemError):
    """Raised when a mount entry has no working backend (bad config, missing extra, unresolved auth): EIO."""


class TenantRestricted(FileSystemError):
    """Raised when a mount entry's backend may only be used under a tenant's rules, which cannot be checked: EACCES."""


class MemoryExhausted(FileSystemError):
    """Raised when a request alone is larger than the whole `memory_limit`: EIO, and an operator's log line."""
