"""Figures: percentiles and sums."""

from warpdrive.entrypoints.bench.figures import Figures, Latencies
from warpdrive.entrypoints.bench.report import format_latency


def test_percentiles_are_right_to_one_percent() -> None:
    """Of 1 ms, 2 ms, ... 1000 ms."""
    latencies = Latencies()
    for millisecond in range(1, 1001):
        latencies.add(millisecond * 1_000_000)
    for percent, seconds in ((50, 0.5), (95, 0.95), (99, 0.99), (100, 1.0)):
        assert abs(latencies.percentile(percent) / seconds - 1) < 0.01
    assert latencies.percentile(100) <= 1.0


def test_no_reads_have_no_latency() -> None:
    """Zero, not an error."""
    assert Latencies().percentile(99) == 0.0


def test_a_single_read_is_every_percentile() -> None:
    """Also below the clock's grain."""
    latencies = Latencies()
    latencies.add(0)
    assert latencies.count == 1
    assert latencies.percentile(50) <= 1e-9


def test_readers_are_added_up() -> None:
    """Bytes and reads are sums, seconds the longest, latencies one distribution."""
    first, second = Figures(bytes=10, reads=2, seconds=1.0), Figures(bytes=5, reads=1, seconds=3.0)
    first.latencies.add(1000)
    second.latencies.add(3000)
    first.merge(second)
    assert (first.bytes, first.reads, first.seconds, first.latencies.count) == (15, 3, 3.0, 2)
    assert first.latencies.longest == 3000


def test_different_bytes_of_one_piece_are_a_mismatch_within_and_between_readers() -> None:
    """The piece is named, with both digests."""
    one, other = Figures(), Figures()
    one.digest("/a", 0, 10, 1)
    one.digest("/a", 0, 10, 1)
    one.digest("/a", 10, 10, 2)
    assert one.mismatches == []
    other.digest("/a", 0, 10, 3)
    other.digest("/a", 10, 10, 2)
    one.merge(other)
    assert one.mismatches == ["/a at 0: 0000000000000001, then 0000000000000003"]


def test_latencies_have_three_digits_and_a_unit() -> None:
    """From nanoseconds to seconds."""
    assert [format_latency(value) for value in (2.0512, 0.00124, 0.0000873, 5e-9)] == [
        "2.05 s",
        "1.24 ms",
        "87.3 µs",
        "5 ns",
    ]
