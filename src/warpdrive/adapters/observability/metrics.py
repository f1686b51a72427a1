"""The agent's metrics under the names that users' dashboards know.

A collector reads plain values through `AgentReadings` whenever somebody scrapes; nothing is pushed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from warpdrive.adapters.observability.meters import AuthMeter, BackendMeter, LatencyHistogram, OperationMeter
from warpdrive.application.mount.telemetry import TelemetryState


@dataclass(frozen=True, slots=True)
class AgentReadings:
    """Where the numbers are. The callables are cheap and run on the agent's loop."""

    hits: Callable[[], int]
    misses: Callable[[], int]
    readahead_hits: Callable[[], int]
    readahead_wasted: Callable[[], int]
    cache: Callable[[], Iterable[tuple[str, str, str, float]]]
    """The cache's own samples: name, "counter" or "gauge", help text, value."""
    telemetry: Callable[[], TelemetryState]
    """What became of the access records."""
    operations: OperationMeter = field(default_factory=OperationMeter)
    backends: Iterable[BackendMeter] = ()
    """Walked anew at each scrape: backends come and go."""
    auth: AuthMeter = field(default_factory=AuthMeter)


class AgentCollector(Collector):
    """Turns readings into metric families. Counters are named without `_total`, which the exposition adds."""

    def __init__(self, readings: AgentReadings) -> None:
        self._readings = readings

    def describe(self) -> Iterable[Metric]:
        """Nothing to say in advance; registering must not read."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Read everything once."""
        yield from self._cache()
        yield from self._operations()
        yield from self._backends()
        yield from self._others()

    def _cache(self) -> Iterable[Metric]:
        readings = self._readings
        yield _counter("warpdrive_cache_hit", "Reads served wholly from the cache", readings.hits())
        yield _counter("warpdrive_cache_miss", "Reads that waited for a backend", readings.misses())
        for name, kind, text, value in readings.cache():
            if kind == "counter":
                yield _counter(name.removesuffix("_total"), text, value)
            else:
                yield _gauge(name, text, value)

    def _operations(self) -> Iterable[Metric]:
        meter = self._readings.operations
        operations = CounterMetricFamily(
            "warpdrive_fuse_operations", "Requests answered to the kernel", labels=["operation"]
        )
        durations = HistogramMetricFamily(
            "warpdrive_fuse_operation_duration_seconds", "How long kernel requests took", labels=["operation"]
        )
        for operation, histogram in sorted(meter.operations.items()):
            operations.add_metric([operation], histogram.count)
            _add(durations, [operation], histogram)
        yield operations
        yield durations

    def _backends(self) -> Iterable[Metric]:
        durations = HistogramMetricFamily(
            "warpdrive_backend_request_duration_seconds",
            "How long attempts at backend requests took",
            labels=["backend", "operation"],
        )
        errors = CounterMetricFamily(
            "warpdrive_backend_errors", "Attempts that failed", labels=["backend", "error_type"]
        )
        received = CounterMetricFamily(
            "warpdrive_backend_bytes_read", "Bytes of objects that arrived", labels=["backend"]
        )
        for meter in self._readings.backends:
            received.add_metric([meter.backend], meter.read_bytes)
            for kind, count in sorted(meter.errors.items()):
                errors.add_metric([meter.backend, kind], count)
            for operation, histogram in sorted(meter.requests.items()):
                _add(durations, [meter.backend, operation], histogram)
        yield durations
        yield errors
        yield received

    def _others(self) -> Iterable[Metric]:
        readings = self._readings
        yield _counter("warpdrive_readahead_hit", "Prefetched blocks that a reader entered", readings.readahead_hits())
        yield _counter(
            "warpdrive_readahead_wasted", "Prefetched blocks that nobody entered", readings.readahead_wasted()
        )
        refreshes = CounterMetricFamily(
            "warpdrive_auth_refresh", "Refreshes of credentials", labels=["provider", "status"]
        )
        for (provider, status), count in sorted(readings.auth.refreshes.items()):
            refreshes.add_metric([provider, status], count)
        yield refreshes
        yield from self._telemetry()

    def _telemetry(self) -> Iterable[Metric]:
        state = self._readings.telemetry()
        records = CounterMetricFamily(
            "warpdrive_telemetry_records", "Access records by what became of them", labels=["state"]
        )
        for name in ("recorded", "sent", "spooled", "lost"):
            records.add_metric([name], getattr(state, name))
        yield records
        yield _gauge("warpdrive_telemetry_waiting_records", "Access records not sent yet", state.waiting)
        yield _gauge("warpdrive_telemetry_spool_bytes", "Batches of access records on disk", state.spool_bytes)
        yield _counter("warpdrive_access_records_lost", "Access records that were dropped", state.lost)


def build_registry(readings: AgentReadings) -> CollectorRegistry:
    """Return a registry of its own with the agent's metrics and the process's (memory, descriptors, CPU)."""
    registry = CollectorRegistry()
    registry.register(AgentCollector(readings))
    ProcessCollector(registry=registry)
    return registry


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _add(family: HistogramMetricFamily, labels: list[str], histogram: LatencyHistogram) -> None:
    buckets: list[tuple[str, float]] = [(str(bound), count) for bound, count in histogram.cumulative()]
    buckets.append(("+Inf", histogram.count))
    family.add_metric(labels, buckets=buckets, sum_value=histogram.total)
