"""Metric names and values as Prometheus scrapes them."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.agent_readings import readings
from warpdrive.adapters.observability.meters import LatencyHistogram
from warpdrive.adapters.observability.metrics import build_registry

PROMISED = {
    "warpdrive_cache_hit_total": set(),
    "warpdrive_cache_miss_total": set(),
    "warpdrive_cache_size_bytes": set(),
    "warpdrive_cache_evictions_total": set(),
    "warpdrive_cache_utilization_ratio": set(),
    "warpdrive_fuse_operations_total": {"operation"},
    "warpdrive_fuse_operation_duration_seconds_bucket": {"operation", "le"},
    "warpdrive_fuse_operation_duration_seconds_count": {"operation"},
    "warpdrive_fuse_operation_duration_seconds_sum": {"operation"},
    "warpdrive_backend_request_duration_seconds_bucket": {"backend", "operation", "le"},
    "warpdrive_backend_request_duration_seconds_count": {"backend", "operation"},
    "warpdrive_backend_request_duration_seconds_sum": {"backend", "operation"},
    "warpdrive_backend_errors_total": {"backend", "error_type"},
    "warpdrive_backend_bytes_read_total": {"backend"},
    "warpdrive_readahead_hit_total": set(),
    "warpdrive_readahead_wasted_total": set(),
    "warpdrive_auth_refresh_total": {"provider", "status"},
}
"""The names that users' dashboards know, with their labels."""

ADDED = {
    "warpdrive_cache_corrupt_pages_total",
    "warpdrive_cache_store_failures_total",
    "warpdrive_cache_degraded",
    "warpdrive_cache_evicted_bytes_total",
    "warpdrive_cache_max_bytes",
    "warpdrive_cache_objects",
    "warpdrive_access_records_lost_total",
    "warpdrive_telemetry_records_total",
    "warpdrive_telemetry_waiting_records",
    "warpdrive_telemetry_spool_bytes",
}


def scraped() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample of a scrape by name and labels."""
    text = generate_latest(build_registry(readings())).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_promised_name_is_there_with_its_labels_and_no_unknown_one() -> None:
    """Names are an interface: none missing, none renamed, nothing new by accident."""
    found: dict[str, set[str]] = {}
    for name, labels in scraped():
        if name.startswith("warpdrive_"):
            found[name] = {label for label, _ in labels}
    assert {name: labels for name, labels in found.items() if name not in ADDED} == PROMISED
    assert set(found) - set(PROMISED) == ADDED


def test_values_are_read_at_the_scrape() -> None:
    """Each number stands under its own name."""
    values = scraped()
    assert values["warpdrive_cache_hit_total", ()] == 7
    assert values["warpdrive_cache_miss_total", ()] == 3
    assert values["warpdrive_cache_size_bytes", ()] == 256
    assert values["warpdrive_cache_utilization_ratio", ()] == 0.25
    assert values["warpdrive_cache_evictions_total", ()] == 5
    assert values["warpdrive_readahead_hit_total", ()] == 11
    assert values["warpdrive_readahead_wasted_total", ()] == 2
    assert values["warpdrive_cache_degraded", ()] == 1
    assert values["warpdrive_access_records_lost_total", ()] == 13
    for state, count in (("recorded", 60), ("sent", 41), ("spooled", 17), ("lost", 13)):
        assert values["warpdrive_telemetry_records_total", (("state", state),)] == count
    assert values["warpdrive_telemetry_waiting_records", ()] == 19
    assert values["warpdrive_telemetry_spool_bytes", ()] == 8192
    assert values["warpdrive_backend_bytes_read_total", (("backend", "photos"),)] == 4096
    assert values["warpdrive_backend_errors_total", (("backend", "photos"), ("error_type", "throttled"))] == 2
    assert values["warpdrive_auth_refresh_total", (("provider", "static"), ("status", "ok"))] == 1
    assert values["warpdrive_fuse_operations_total", (("operation", "read"),)] == 3


def test_a_histogram_is_cumulative_and_complete() -> None:
    """Buckets count what took at most so long, +Inf counts all, the sum is in seconds."""
    values = scraped()
    name = "warpdrive_fuse_operation_duration_seconds"
    read = ("operation", "read")
    assert values[f"{name}_bucket", (("le", "0.0005"), read)] == 1
    assert values[f"{name}_bucket", (("le", "0.005"), read)] == 2
    assert values[f"{name}_bucket", (("le", "30.0"), read)] == 2
    assert values[f"{name}_bucket", (("le", "+Inf"), read)] == 3
    assert values[f"{name}_count", (read,)] == 3
    assert abs(values[f"{name}_sum", (read,)] - 100.0043) < 1e-9


def test_a_bound_belongs_to_its_own_bucket() -> None:
    """`le` means at most: a duration equal to a bound is counted by it."""
    histogram = LatencyHistogram((0.1, 1.0))
    for seconds in (0.1, 0.100001, 1.0, 1.000001):
        histogram.observe(seconds)
    assert histogram.cumulative() == [(0.1, 1), (1.0, 3)]
    assert histogram.count == 4
