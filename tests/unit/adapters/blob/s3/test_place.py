"""Options and URLs."""

import pytest

from warpdrive.adapters.blob.s3 import open_s3
from warpdrive.adapters.blob.s3.place import S3Place, locate, query_string, read_options
from warpdrive.application.ports.credentials import AccountKey, Anonymous, Login
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.domain.namespace.values import BackendDefinition


def _place(found: str | None = None, **options: str) -> S3Place:
    return locate(read_options(BackendDefinition("b", "s3", {"bucket": "data", **options})), found)


def test_aws_is_addressed_by_virtual_host() -> None:
    """The region comes from the options, else from the chain, else it is the default one."""
    place = _place()
    assert (place.endpoint, place.host, place.port, place.tls) == (
        "https://s3.us-east-1.amazonaws.com",
        "data.s3.us-east-1.amazonaws.com",
        443,
        True,
    )
    assert place.path(ObjectKey("a b")) == "/a%20b"
    assert place.bucket_path == "/"
    assert _place("eu-west-3").host == "data.s3.eu-west-3.amazonaws.com"
    assert _place("eu-west-3", region="us-west-2").region == "us-west-2"
    assert _place("cn-north-1").endpoint == "https://s3.cn-north-1.amazonaws.com.cn"


def test_endpoints_are_addressed_by_path() -> None:
    """Unless told otherwise."""
    place = _place(endpoint="http://127.0.0.1:9000/")
    assert (place.endpoint, place.host, place.port, place.tls) == ("http://127.0.0.1:9000", "127.0.0.1", 9000, False)
    assert (place.host_header, place.bucket_path) == ("127.0.0.1:9000", "/data")
    assert place.path(ObjectKey("a/é+~")) == "/data/a/%C3%A9%2B~"
    virtual = _place(endpoint="https://store.example", force_path_style="false")
    assert (virtual.host, virtual.host_header) == ("data.store.example", "data.store.example")
    assert _place(endpoint="http://[::1]:9000").host_header == "[::1]:9000"


def test_a_bucket_with_dots_is_addressed_by_path() -> None:
    """AWS's wildcard certificate covers one label only."""
    assert _place(bucket="my.data").path(ObjectKey("k")) == "/my.data/k"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "bucket"),
        ({"bucket": "a/b"}, "bucket"),
        ({"bucket": "data", "endpoint": "ftp://x"}, "endpoint"),
        ({"bucket": "data", "endpoint": "http://x:port"}, "port"),
        ({"bucket": "data", "endpoint": "http://x/base"}, "endpoint"),
        ({"bucket": "data", "endpoint": "http://me:pw@x"}, "endpoint"),
        ({"bucket": "data", "force_path_style": "maybe"}, "force_path_style"),
        ({"bucket": "data", "buket": "x"}, "buket"),
    ],
)
def test_bad_options_are_named(options: dict[str, str], words: str) -> None:
    """At once, before any connection."""
    with pytest.raises(BackendMisconfigured, match=words):
        open_s3(BackendDefinition("b", "s3", options), Anonymous())


@pytest.mark.parametrize("credentials", [AccountKey("k"), Login("u", "pw")])
def test_foreign_credentials_are_refused(credentials: AccountKey | Login) -> None:
    """By the name of their kind, without their content."""
    with pytest.raises(BackendMisconfigured, match=type(credentials).__name__) as caught:
        open_s3(BackendDefinition("b", "s3", {"bucket": "data"}), credentials)
    assert "pw" not in caught.value.detail


def test_queries_are_sorted_and_encoded() -> None:
    """As the signature wants them."""
    assert query_string({"prefix": "a b/+é", "delimiter": "/"}) == "delimiter=%2F&prefix=a%20b%2F%2B%C3%A9"
