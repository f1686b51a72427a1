"""Readings of an imaginary agent, every number different."""

from warpdrive.adapters.cache.metrics import cache_metrics
from warpdrive.adapters.observability.meters import AuthMeter, BackendMeter, OperationMeter
from warpdrive.adapters.observability.metrics import AgentReadings
from warpdrive.application.mount.telemetry import TelemetryState
from warpdrive.application.ports.page_cache import CacheStats


def cache_stats(*, degraded: bool = False) -> CacheStats:
    """Return totals of a small cache."""
    return CacheStats(
        size_bytes=256,
        max_bytes=1024,
        objects=4,
        evicted_blocks=5,
        evicted_bytes=6,
        corrupt_pages=1,
        store_failures=9,
        degraded=degraded,
    )


def readings() -> AgentReadings:
    """Return readings with at least one sample of every family."""
    operations = OperationMeter()
    for seconds in (0.0003, 0.004, 100.0):
        operations.observe("read", seconds)
    photos = BackendMeter("photos")
    photos.observe("read", 0.02)
    photos.bytes_read(4096)
    photos.error("throttled")
    photos.error("throttled")
    auth = AuthMeter()
    auth.refreshed("static", "ok")
    return AgentReadings(
        hits=lambda: 7,
        misses=lambda: 3,
        readahead_hits=lambda: 11,
        readahead_wasted=lambda: 2,
        cache=lambda: cache_metrics(cache_stats(degraded=True)),
        telemetry=lambda: TelemetryState(
            "grpc", recorded=60, lost=13, sent=41, spooled=17, waiting=19, spool_bytes=8192, fault=""
        ),
        operations=operations,
        backends=[photos],
        auth=auth,
    )
