"""The agent's counters, read as Prometheus would read them."""

import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


def scrape(address: str) -> dict[str, float]:
    """Return every sample of `http://address/metrics`, summed over its labels. Raises OSError."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:  # our own agent
        text = answer.read().decode()
    totals: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] += sample.value  # type: ignore[assignment] # Counter takes floats
    return dict(totals)


def health(address: str) -> tuple[int, str]:
    """Return status and body of `http://address/healthz`; status 0 when nothing answers."""
    try:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=10) as answer:  # our own agent
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, "no answer"


@dataclass(frozen=True, slots=True)
class CacheReading:
    """Cache hits and misses so far, and bytes read from backends."""

    hits: float
    misses: float
    backend_bytes: float

    @classmethod
    def of(cls, address: str) -> "CacheReading":
        """Read the counters. Raises OSError when the agent does not answer, KeyError when one is missing."""
        totals = scrape(address)
        return cls(
            hits=totals["warpdrive_cache_hit_total"],
            misses=totals["warpdrive_cache_miss_total"],
            backend_bytes=totals.get("warpdrive_backend_bytes_read_total", 0.0),
        )

    def since(self, earlier: "CacheReading") -> "CacheReading":
        """What was added since an earlier reading."""
        return CacheReading(
            self.hits - earlier.hits, self.misses - earlier.misses, self.backend_bytes - earlier.backend_bytes
        )

    @property
    def hit_rate(self) -> float | None:
        """Hits over lookups, 0 to 1; None when nothing was looked up."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else None
