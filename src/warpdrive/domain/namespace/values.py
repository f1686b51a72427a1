"""What a namespace is made of: backends as values, mount entries, their policies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

BACKEND_TYPES = ("azureblob", "s3", "gcs", "sftp", "local", "memory")

_PLACE_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "azureblob": ("endpoint", "account", "container"),
        "s3": ("endpoint", "bucket"),
        "gcs": ("endpoint", "bucket"),
        "sftp": ("host", "port", "root"),
        "local": ("root",),
        "memory": ("name",),
    }
)
"""The options that say where bytes live; the others (region, force_path_style, ...) say how to get there."""

_WAY_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"s3": ("region", "force_path_style"), "sftp": ("known_hosts",)}
)

OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {each: (*_PLACE_OPTIONS[each], *_WAY_OPTIONS.get(each, ())) for each in BACKEND_TYPES}
)
"""Every option of each type. None of them is a secret, and no other is let into an event."""

POLICY_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "write": ("off", "on"),
        "durability": ("close", "journal"),
        "conflict": ("keep-both", "fail", "overwrite"),
        "delete": ("deny", "allow"),
    }
)
"""What each field of a `MountPolicy` can say; the first word is its default."""


@dataclass(frozen=True, slots=True)
class BackendDefinition:
    """A configured place for bytes. Carries an auth *reference*, never a secret.

    `options` are the type's own keys (bucket, endpoint, region, force_path_style, account, container, host,
    port, root, known_hosts), all strings; `prefix` is "" or ends in "/". `tenant` is the Entra tenant whose access
    decides who may use it, a lowercase UUID; "" means that it is not tenant-restricted. It is no part of the place.
    """

    name: str
    type: str
    options: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    auth: str = ""
    tenant: str = ""

    @property
    def fingerprint(self) -> str:
        """Identify what it shows, whatever its name: type, endpoint, account or bucket, prefix."""
        return f"{self.place}|prefix={self.prefix}"

    @property
    def place(self) -> str:
        """Identify where its bytes live: the fingerprint without the prefix. Backends that share it share objects."""
        options = "|".join(f"{key}={self.options.get(key, '')}" for key in _PLACE_OPTIONS.get(self.type, ()))
        return f"{self.type}|{options}"


@dataclass(frozen=True, slots=True)
class MountPolicy:
    """What may be done below a mount entry (W0)."""

    write: str = "off"
    durability: str = "close"
    conflict: str = "keep-both"
    delete: str = "deny"


@dataclass(frozen=True, slots=True)
class MountEntry:
    """This path prefix of the namespace lives in that backend.

    `path` is absolute and normal: "/", "/a", "/a/b".
    """

    path: str
    backend: BackendDefinition
    policy: MountPolicy = MountPolicy()
