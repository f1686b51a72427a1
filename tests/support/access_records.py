"""Access records for tests, told apart by a number."""

from warpdrive.application.ports.access_log import AccessRecord


def access_record(number: int, *, key: str = "train/a.tar") -> AccessRecord:
    """Return a record whose `bytes_read` is `number`."""
    return AccessRecord(
        ts=1_700_000_000.25,
        window_ms=5000,
        node="node-7",
        user="ada",
        uid=1001,
        job="4711",
        backend="photos",
        key=key,
        path=f"/photos/{key}",
        version='"etag"',
        op="read",
        opens=1,
        bytes_read=number,
        hits=2,
        misses=1,
        latency_ms=1.5,
        latency_max_ms=0.9,
        error="",
    )
