"""Where a bucket is and how requests name it: options checked once, URLs made from them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.domain.namespace.values import BackendDefinition

DEFAULT_REGION = "us-east-1"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE = "/~"
"""Besides letters, digits and "_.-" what SigV4 leaves as it is in a path."""
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_KNOWN_OPTIONS = frozenset({"bucket", "region", "endpoint", "force_path_style", "prefix"})
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class S3Options:
    """The options of one backend definition, checked. `region` and `endpoint` are None when not given."""

    bucket: str
    region: str | None = None
    endpoint: str | None = None
    path_style: bool = False


@dataclass(frozen=True, slots=True)
class S3Place:
    """One bucket in one region behind one endpoint."""

    bucket: str
    region: str
    endpoint: str
    """scheme://host[:port], without the bucket and without a path."""
    path_style: bool

    @property
    def tls(self) -> bool:
        """Whether the endpoint speaks TLS."""
        return self.endpoint.startswith("https:")

    @property
    def host(self) -> str:
        """The name to connect to."""
        name = urlsplit(self.endpoint).hostname or ""
        return name if self.path_style else f"{self.bucket}.{name}"

    @property
    def port(self) -> int:
        """The TCP port to connect to."""
        url = urlsplit(self.endpoint)
        return url.port or _DEFAULT_PORTS[url.scheme]

    @property
    def host_header(self) -> str:
        """What the `Host` header says: the port only where it is not the scheme's own, IPv6 in brackets."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _DEFAULT_PORTS[urlsplit(self.endpoint).scheme] else f"{name}:{self.port}"

    def path(self, key: ObjectKey) -> str:
        """The percent-encoded path of an object, the same on the wire and in the signature."""
        quoted = quote(key.encode("utf-8", "surrogateescape"), safe=_SAFE)
        return f"/{self.bucket}/{quoted}" if self.path_style else f"/{quoted}"

    @property
    def bucket_path(self) -> str:
        """The path of the bucket itself."""
        return f"/{self.bucket}" if self.path_style else "/"


def query_string(parameters: Mapping[str, str]) -> str:
    """Encode a query in the order and form in which SigV4 signs it."""
    return "&".join(
        f"{quote(name, safe='~')}={quote(value.encode('utf-8', 'surrogateescape'), safe='~')}"
        for name, value in sorted(parameters.items())
    )


def read_options(definition: BackendDefinition) -> S3Options:
    """Check a definition's options. Raises BackendMisconfigured with the option's name."""
    options = definition.options
    unknown = sorted(set(options) - _KNOWN_OPTIONS)
    if unknown:
        raise BackendMisconfigured(f"backend {definition.name!r}: s3 knows no option {', '.join(unknown)}")
    bucket = options.get("bucket", "")
    if not _BUCKET.fullmatch(bucket):
        raise BackendMisconfigured(f"backend {definition.name!r}: bucket {bucket!r} is not a bucket's name")
    endpoint = options.get("endpoint") or None
    if endpoint is not None:
        endpoint = _checked_endpoint(definition.name, endpoint)
    style = options.get("force_path_style", "").lower()
    if style and style not in _BOOLEANS:
        raise BackendMisconfigured(f"backend {definition.name!r}: force_path_style is true or false, not {style!r}")
    # A dot in a bucket's name does not fit the one-label wildcard of AWS's certificates.
    path_style = _BOOLEANS[style] if style else endpoint is not None or "." in bucket
    return S3Options(bucket, options.get("region") or None, endpoint, path_style)


def _checked_endpoint(name: str, endpoint: str) -> str:
    url = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
    try:
        port = url.port
    except ValueError as error:
        raise BackendMisconfigured(f"backend {name!r}: endpoint {endpoint!r} has no valid port") from error
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or url.username or url.query or url.path not in {"", "/"}:
        raise BackendMisconfigured(f"backend {name!r}: endpoint is http(s)://host[:port], not {endpoint!r}")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{host}" + (f":{port}" if port else "")


def locate(options: S3Options, region: str | None) -> S3Place:
    """Complete the options with a region found elsewhere (the chain's), or the default one."""
    region = options.region or region or DEFAULT_REGION
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    endpoint = options.endpoint or f"https://s3.{region}.{suffix}"
    return S3Place(options.bucket, region, endpoint, options.path_style)
