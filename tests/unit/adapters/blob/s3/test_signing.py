"""Signature Version 4, against AWS's published example and against the SDK's signer."""

import calendar
import datetime as dt
from unittest import mock

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SdkCredentials

from warpdrive.adapters.blob.s3.place import S3Place, query_string
from warpdrive.adapters.blob.s3.signing import KeySet, RequestWriter
from warpdrive.application.ports.objects import ObjectKey

_MOMENT = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)
_KEYS = KeySet("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None)
_ODD_KEYS = ["plain", "a b+c%20d", "é😀", "~tilde*(!)'", "x//y/", "ctl\x01\n", 'p&<>"=?#;:@$,', "dot/../dot"]


def _now() -> float:
    return calendar.timegm(_MOMENT.timetuple())


def _headers(request: bytes) -> dict[str, str]:
    lines = request.decode("latin-1").split("\r\n")[1:-2]
    return dict(line.split(":", 1) for line in lines)


def test_agrees_with_the_published_example() -> None:
    """GET Object with a range, from AWS's documentation of SigV4 for S3."""
    writer = RequestWriter("examplebucket.s3.amazonaws.com", "us-east-1", _now)
    request = writer.write("GET", "/test.txt", "", (("range", "bytes=0-9"),), _KEYS)
    assert _headers(request)["authorization"].endswith(
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize("key", _ODD_KEYS)
@pytest.mark.parametrize("token", [None, "session/token+with=odd"])
def test_agrees_with_the_sdk_on_odd_keys(key: str, token: str | None) -> None:
    """The same signature as the vendor's own code makes for the same request, session token included."""
    place = S3Place("bucket", "eu-west-3", "http://127.0.0.1:8333", path_style=True)
    keys = _KEYS._replace(session_token=token)
    headers = (("if-match", '"etag"'), ("range", "bytes=5-9"))
    query = query_string({"list-type": "2", "prefix": key})
    path = place.path(ObjectKey(key))
    ours = _headers(RequestWriter(place.host_header, place.region, _now).write("GET", path, query, headers, keys))

    theirs = AWSRequest("GET", f"{place.endpoint}{path}?{query}", headers=dict(headers))
    signer = S3SigV4Auth(SdkCredentials(keys.access_key_id, keys.secret_access_key, token), "s3", "eu-west-3")
    with mock.patch("botocore.auth.get_current_datetime", return_value=_MOMENT.replace(tzinfo=None)):
        signer.add_auth(theirs)
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours.get("x-amz-security-token") == token


def test_new_day_new_keys_new_derived_key() -> None:
    """What is kept between requests never outlives what it was made from."""
    moment = _now()
    writer = RequestWriter("host", "us-east-1", lambda: moment)
    other = KeySet("AKIAOTHER", "other", None)

    def signed(keys: KeySet) -> str:
        return _headers(writer.write("GET", "/k", "", (), keys))["authorization"]

    def fresh(keys: KeySet) -> str:
        request = RequestWriter("host", "us-east-1", lambda: moment).write("GET", "/k", "", (), keys)
        return _headers(request)["authorization"]

    first = signed(_KEYS)
    assert signed(other) == fresh(other) != first
    assert signed(_KEYS) == first
    moment += 86_400
    assert signed(_KEYS) == fresh(_KEYS) != first


def test_without_keys_nothing_is_signed() -> None:
    """An anonymous request carries only what it asks."""
    request = RequestWriter("host", "us-east-1", _now).write("GET", "/k", "", (("range", "bytes=0-1"),), None)
    assert set(_headers(request)) == {"host", "range", "accept-encoding", "user-agent"}


def test_keys_hide_their_secret() -> None:
    """A key set that ends up in a log tells only its public part."""
    assert "wJalr" not in repr(_KEYS)
    assert "TOKEN" not in repr(_KEYS._replace(session_token="TOKEN"))
