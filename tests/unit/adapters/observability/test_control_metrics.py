"""The control plane's numbers as somebody scrapes them."""

from prometheus_client import CollectorRegistry, generate_latest

from warpdrive.adapters.observability.control_metrics import (
    ControlMeter,
    ControlReadings,
    IngestMeter,
    register_readings,
)
from warpdrive.application.ports.batch_intake import Ingested


def test_gauges_show_what_is_so_when_somebody_looks() -> None:
    """Nothing is pushed; each look reads anew."""
    lag = 7
    registry = CollectorRegistry()
    readings = ControlReadings(
        lag_positions=lambda: lag,
        lag_seconds=lambda: 0.5,
        head=lambda: 40,
        watchers=lambda: 3,
        ready=lambda: True,
        compared=lambda: 12,
        differing=lambda: 1,
        batches_waiting=lambda: 2,
        batches_oldest_s=lambda: 0.25,
    )
    register_readings(registry, readings)
    lag = 9
    shown = generate_latest(registry).decode()
    for line in (
        "warpdrive_control_events_position 40.0",
        "warpdrive_control_projection_lag_positions 9.0",
        "warpdrive_control_projection_lag_seconds 0.5",
        "warpdrive_control_watchers 3.0",
        "warpdrive_control_ready 1.0",
        "warpdrive_control_compared_streams 12.0",
        "warpdrive_control_differing_streams 1.0",
        "warpdrive_ingest_waiting_batches 2.0",
        "warpdrive_ingest_lag_seconds 0.25",
    ):
        assert f"\n{line}\n" in shown


def test_calls_are_counted_by_method_answer_and_door() -> None:
    """And their time is kept in buckets."""
    registry = CollectorRegistry()
    meter = ControlMeter(registry)
    meter.finished("ControlService/WhoAmI", "OK", "rest", 0.002)
    meter.finished("ControlService/WhoAmI", "OK", "rest", 0.2)
    shown = generate_latest(registry).decode()
    assert 'warpdrive_control_calls_total{code="OK",method="ControlService/WhoAmI",via="rest"} 2.0' in shown
    buckets = "warpdrive_control_call_duration_seconds_bucket"
    assert f'{buckets}{{le="0.0025",method="ControlService/WhoAmI",via="rest"}} 1.0' in shown


def test_batches_are_counted_with_their_records_once() -> None:
    """A repeated batch is a batch, and no records."""
    registry = CollectorRegistry()
    meter = IngestMeter(registry)
    meter.counted(Ingested(accepted=5, repeated=False, too_old=2, correction_ms=0), 0.02)
    meter.counted(Ingested(accepted=0, repeated=True, too_old=2, correction_ms=0), 0.02)
    shown = generate_latest(registry).decode()
    for line in (
        'warpdrive_ingest_batches_total{outcome="new"} 1.0',
        'warpdrive_ingest_batches_total{outcome="repeated"} 1.0',
        'warpdrive_ingest_records_total{outcome="counted"} 5.0',
        'warpdrive_ingest_records_total{outcome="too_old"} 2.0',
        "warpdrive_ingest_batch_duration_seconds_count 2.0",
    ):
        assert f"\n{line}\n" in shown
