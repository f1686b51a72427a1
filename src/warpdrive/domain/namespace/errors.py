"""What a Namespace refuses, as facts with fields. All are permanent: the same command fails again."""


class NamespaceError(Exception):
    """Base of every refusal of a Namespace."""


class InvalidNamespaceName(NamespaceError):
    """Raised when a namespace's name is empty or is no name (see `reason`)."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"namespace name {name!r} {reason}")
        self.name = name
        self.reason = reason


class InvalidMountPath(NamespaceError):
    """Raised when a mount path is not absolute and normal."""

    def __init__(self, path: str) -> None:
        super().__init__(f"mount path {path!r} is not absolute and normal")
        self.path = path


class DuplicateMountPath(NamespaceError):
    """Raised when two mount entries claim one path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"a mount entry on {path!r} exists already")
        self.path = path


class UnknownMountEntry(NamespaceError):
    """Raised when no mount entry is on the path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"no mount entry is on {path!r}")
        self.path = path


class BackendConflict(NamespaceError):
    """Raised when one backend name would stand for two places (another fingerprint)."""

    def __init__(self, name: str, known: str, offered: str) -> None:
        super().__init__(f"backend {name!r} already names another place: {known}, not {offered}")
        self.name = name
        self.known = known
        self.offered = offered


class InvalidBackend(NamespaceError):
    """Raised when a backend definition cannot be right, whatever the world looks like (see `reason`)."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"backend {name!r} {reason}")
        self.name = name
        self.reason = reason


class InvalidPolicy(NamespaceError):
    """Raised when a mount policy holds a word that it cannot hold."""

    def __init__(self, field: str, value: str) -> None:
        super().__init__(f"mount policy {field} cannot be {value!r}")
        self.field = field
        self.value = value


class NamespaceSealed(NamespaceError):
    """Raised when a sealed namespace is asked to change; unseal it first."""

    def __init__(self, name: str) -> None:
        super().__init__(f"namespace {name!r} is sealed")
        self.name = name


class NamespaceNotSealed(NamespaceError):
    """Raised when a namespace that is not sealed is asked to unseal."""

    def __init__(self, name: str) -> None:
        super().__init__(f"namespace {name!r} is not sealed")
        self.name = name


class NamespaceRetired(NamespaceError):
    """Raised when a retired namespace is asked for anything; retirement is final."""

    def __init__(self, name: str) -> None:
        super().__init__(f"namespace {name!r} is retired")
        self.name = name
