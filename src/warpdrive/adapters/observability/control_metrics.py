"""The control plane's numbers for Prometheus, every name in one place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: a command takes a few milliseconds, the longest deadline is minutes."""


@dataclass(frozen=True, slots=True)
class ControlReadings:
    """Where gauges look when somebody scrapes."""

    lag_positions: Callable[[], float]
    lag_seconds: Callable[[], float]
    head: Callable[[], float]
    watchers: Callable[[], float]
    ready: Callable[[], float]
    compared: Callable[[], float]
    differing: Callable[[], float]
    batches_waiting: Callable[[], float]
    batches_oldest_s: Callable[[], float]


class ControlMeter:
    """Counts calls (`CallMeter`) in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "warpdrive_control_calls", "Calls that have ended.", ("method", "code", "via"), registry=registry
        )
        self._seconds = Histogram(
            "warpdrive_control_call_duration_seconds",
            "How long calls took.",
            ("method", "via"),
            buckets=_BUCKETS,
            registry=registry,
        )

    def finished(self, method: str, code: str, via: str, seconds: float) -> None:
        """Count one call or stream that has ended."""
        self._calls.labels(method, code, via).inc()
        self._seconds.labels(method, via).observe(seconds)


class Counted(Protocol):
    """What came of a batch of access records."""

    @property
    def accepted(self) -> int:
        """Records counted."""

    @property
    def too_old(self) -> int:
        """Records left out."""

    @property
    def repeated(self) -> bool:
        """It had been counted before."""


class IngestMeter:
    """Counts batches of access records in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = Counter(
            "warpdrive_ingest_records", "Access records by what came of them.", ("outcome",), registry=registry
        )
        self._batches = Counter(
            "warpdrive_ingest_batches", "Batches of access records, new and repeated.", ("outcome",), registry=registry
        )
        self._seconds = Histogram(
            "warpdrive_ingest_batch_duration_seconds",
            "From a batch's coming until it was stored for good.",
            buckets=_BUCKETS,
            registry=registry,
        )

    def counted(self, done: Counted, seconds: float) -> None:
        """Count one batch."""
        self._batches.labels("repeated" if done.repeated else "new").inc()
        if not done.repeated:
            self._records.labels("counted").inc(done.accepted)
            self._records.labels("too_old").inc(done.too_old)
        self._seconds.observe(seconds)


def register_readings(registry: CollectorRegistry, readings: ControlReadings) -> None:
    """Show the gauges in a registry."""
    for name, text, look in (
        ("warpdrive_control_events_position", "Position of the last event.", readings.head),
        (
            "warpdrive_control_projection_lag_positions",
            "Positions between the events and the read models.",
            readings.lag_positions,
        ),
        (
            "warpdrive_control_projection_lag_seconds",
            "Age of the oldest event that is not in the read models.",
            readings.lag_seconds,
        ),
        ("warpdrive_control_watchers", "Nodes that watch.", readings.watchers),
        ("warpdrive_ingest_waiting_batches", "Batches that are not counted yet.", readings.batches_waiting),
        ("warpdrive_ingest_lag_seconds", "How long the oldest of them has waited.", readings.batches_oldest_s),
        ("warpdrive_control_ready", "1 when every readiness check is right.", readings.ready),
        ("warpdrive_control_compared_streams", "Streams replayed and compared with their rows.", readings.compared),
        (
            "warpdrive_control_differing_streams",
            "Streams of these whose rows were not what their events make.",
            readings.differing,
        ),
    ):
        Gauge(name, text, registry=registry).set_function(look)
