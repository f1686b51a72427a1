"""What a backend brings along to be held to the contract: a server, and a fresh place for each test."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.support.ports import Address
from warpdrive.application.ports.credentials import Credentials
from warpdrive.domain.namespace.values import BackendDefinition


@dataclass(frozen=True, slots=True)
class Place:
    """An empty, existing place (bucket, container, directory, or a prefix in one) of one test alone."""

    definition: BackendDefinition
    credentials: Credentials
    through: Callable[[Address], BackendDefinition] | None = None
    """The same place reached at another address: where a fault proxy listens. None without TCP."""
    address: Address | None = None
    """Where the server itself listens; None without TCP."""
    wrong_credentials: Credentials | None = None
    """Credentials that the server refuses; None where there is nothing to refuse."""
    missing: BackendDefinition | None = None
    """A bucket, container or root that does not exist; None where that cannot be."""


class RunningBackend(Protocol):
    """A server (or a directory) that lives for the session."""

    def place(self, name: str) -> Place:
        """Make a fresh place; `name` is unique in the session, [a-z0-9-], at most 40 characters."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One backend under contract. A module `provide_<name>.py` in this folder defines it as `PROVIDER`."""

    name: str
    start: Callable[[Path], AbstractContextManager[RunningBackend]]
    """Start the server for the session with the given scratch directory; called at most once."""
    unavailable: Callable[[], str | None] = lambda: None
    """Why it cannot run here (the server is not installed), which becomes the skip reason; or None."""
    tcp: bool = False
    """Reached over TCP: broken connections are tried through the proxy. `http` says so too."""
    http: bool = False
    """Speaks HTTP: 429 and 503 answers are tried through the proxy."""
    raw_names: bool = False
    """Keys may hold bytes that are not UTF-8."""
    odd_keys: bool = True
    """Keys may be ones no file can have ("a//b", one that is also a prefix); false for file trees."""
    weak_metadata: bool = False
    """Drops metadata given to write (local, sftp)."""
    storage_class: str = ""
    """What a listing says of objects that were written without a wish."""
    unsupported: frozenset[str] = field(default_factory=frozenset)
    """Names of contract tests that the *server under test* (not our adapter) cannot pass.

    Say why beside each in the provider's module; they are reported as skipped with that pointer.
    """
