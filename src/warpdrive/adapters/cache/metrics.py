"""The cache's figures under their metric names, as plain values: the collector lives with the observability adapter."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from warpdrive.application.ports.page_cache import CacheStats


class Metric(NamedTuple):
    """One sample: Prometheus name, kind, help text, value."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    value: float


def cache_metrics(stats: CacheStats) -> Iterator[Metric]:
    """Yield the samples of one scrape."""
    utilization = stats.size_bytes / stats.max_bytes if stats.max_bytes else 0.0
    yield Metric("warpdrive_cache_size_bytes", "gauge", "Bytes recorded in the local cache.", stats.size_bytes)
    yield Metric("warpdrive_cache_max_bytes", "gauge", "Bytes the local cache may hold.", stats.max_bytes)
    yield Metric("warpdrive_cache_utilization_ratio", "gauge", "Recorded bytes / allowed bytes.", utilization)
    yield Metric("warpdrive_cache_objects", "gauge", "Object versions with recorded pages.", stats.objects)
    yield Metric("warpdrive_cache_evictions_total", "counter", "Blocks evicted.", stats.evicted_blocks)
    yield Metric("warpdrive_cache_evicted_bytes_total", "counter", "Bytes evicted.", stats.evicted_bytes)
    yield Metric(
        "warpdrive_cache_corrupt_pages_total", "counter", "Pages dropped as not what was recorded.", stats.corrupt_pages
    )
    yield Metric("warpdrive_cache_store_failures_total", "counter", "Stores refused by the disk.", stats.store_failures)
    yield Metric(
        "warpdrive_cache_degraded", "gauge", "1 while stores are suspended and reading is uncached.", stats.degraded
    )
