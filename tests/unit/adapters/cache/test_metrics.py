"""The cache's figures under the names that dashboards know."""

from warpdrive.adapters.cache.metrics import cache_metrics
from warpdrive.application.ports.page_cache import CacheStats

STATS = CacheStats(
    size_bytes=50,
    max_bytes=200,
    objects=3,
    evicted_blocks=7,
    evicted_bytes=700,
    corrupt_pages=1,
    store_failures=2,
    degraded=True,
)


def test_the_known_names_are_served() -> None:
    """Size, evictions and utilization keep their names; each name appears once, with a help text."""
    metrics = list(cache_metrics(STATS))
    values = {metric.name: metric.value for metric in metrics}
    assert len(values) == len(metrics)
    assert values["warpdrive_cache_size_bytes"] == 50
    assert values["warpdrive_cache_evictions_total"] == 7
    assert values["warpdrive_cache_utilization_ratio"] == 0.25
    assert all(metric.help for metric in metrics)
    assert {metric.name for metric in metrics if metric.kind == "counter"} == {
        name for name in values if name.endswith("_total")
    }
