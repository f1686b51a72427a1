"""Header values as numbers."""

from datetime import UTC, datetime

import pytest

from warpdrive.adapters.blob.http.headers import (
    content_range,
    http_date_ns,
    retry_after,
    rfc3339_ns,
    whole_size,
)

SECOND = 10**9


def test_both_kinds_of_dates_are_whole_seconds_since_the_epoch() -> None:
    """The same moment in either notation is the same number, so a version's time does not flicker."""
    assert http_date_ns("Wed, 09 Sep 2009 09:20:02 GMT") == 1_252_488_002 * SECOND
    assert rfc3339_ns("2009-09-09T09:20:02.987Z") == 1_252_488_002 * SECOND


@pytest.mark.parametrize("value", [None, "", "yesterday"])
def test_unreadable_dates_are_zero(value: str | None) -> None:
    """A missing time is no fault of the object."""
    assert http_date_ns(value) == rfc3339_ns(value) == 0


def test_content_range_gives_first_end_and_size() -> None:
    """The last byte's number becomes an exclusive end."""
    assert content_range({"Content-Range": "bytes 5-9/100"}) == (5, 10, 100)
    assert content_range({}) is None
    assert content_range({"Content-Range": "bytes */100"}) is None


def test_whole_size_needs_no_range() -> None:
    """A refused or empty range still tells the object's size."""
    assert whole_size({"Content-Range": "bytes */100"}) == 100
    assert whole_size({"Content-Range": "bytes 0--1/0"}) == 0
    assert whole_size({"Content-Range": "bytes 0-1/*"}) is None
    assert whole_size({}) is None


def test_retry_after_is_seconds_or_a_date() -> None:
    """Both of the standard's notations count; a date in the past means now; rubbish counts for nothing."""
    now = datetime(2009, 9, 9, 9, 20, 0, tzinfo=UTC)
    assert retry_after({"Retry-After": "120"}) == 120.0
    assert retry_after({"Retry-After": "Wed, 09 Sep 2009 09:20:02 GMT"}, now=now) == 2.0
    assert retry_after({"Retry-After": "Wed, 09 Sep 2009 09:00:00 GMT"}, now=now) == 0.0
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None
