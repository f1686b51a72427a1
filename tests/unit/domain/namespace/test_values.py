"""Backends as values: what tells places apart, and what does not."""

from dataclasses import replace

from warpdrive.domain.namespace.values import BackendDefinition

_BUCKET = BackendDefinition(
    name="data", type="s3", options={"endpoint": "http://s3", "bucket": "b", "region": "eu"}, prefix="team/"
)


def test_a_place_is_the_fingerprint_without_the_prefix() -> None:
    """Backends with other prefixes, names, tenants or ways to one bucket share a place, and fingerprints keep form."""
    assert _BUCKET.place == "s3|endpoint=http://s3|bucket=b"
    assert _BUCKET.fingerprint == "s3|endpoint=http://s3|bucket=b|prefix=team/"
    for other in (
        replace(_BUCKET, prefix=""),
        replace(_BUCKET, name="more", auth="keys", tenant="0f3e4b0a-0000-4000-8000-000000000000"),
        replace(_BUCKET, options={**_BUCKET.options, "region": "us", "force_path_style": "true"}),
    ):
        assert other.place == _BUCKET.place


def test_another_bucket_is_another_place() -> None:
    """What says where bytes live tells places apart, and so does the type."""
    assert replace(_BUCKET, options={**_BUCKET.options, "bucket": "c"}).place != _BUCKET.place
    assert replace(_BUCKET, type="gcs").place != _BUCKET.place
    assert BackendDefinition(name="d", type="local", options={"root": "/d"}).place == "local|root=/d"
