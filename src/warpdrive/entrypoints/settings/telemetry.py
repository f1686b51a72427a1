"""What the agent says about itself: the sections `log`, `metrics` and `telemetry`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from warpdrive.entrypoints.settings.decoding import Section
from warpdrive.entrypoints.settings.kinds import Address, is_loopback, parse_peer
from warpdrive.entrypoints.settings.units import Duration


class LogSettings(Section, frozen=True, kw_only=True):
    """`console` is for people, `json` for machines; both go to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class MetricsSettings(Section, frozen=True, kw_only=True):
    """Where `/metrics` and `/healthz` are served."""

    enabled: bool = True
    addr: Address = Address("", 9090)


_LONGEST_INTERVAL: Final = 3600.0
_LOCAL_SINKS: Final = frozenset({"nop", "stdout", "file"})


class TelemetrySettings(Section, frozen=True, kw_only=True):
    """Where access records go. The numbers that are None depend on the sink: see `records` and `interval`."""

    enabled: bool = False
    sink: Literal["nop", "stdout", "file", "http", "grpc"] = "nop"
    file_path: Path | None = None
    control_plane_addr: str | None = None
    """For grpc "host:port", None: `agent.control_plane`; for http a URL."""
    sample_metadata_ops: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.1
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    flush_interval: Duration | None = None

    @property
    def records(self) -> int:
        """How many records make a batch."""
        return self.batch_size or (10_000 if self.sink == "grpc" else 100)

    @property
    def interval(self) -> float:
        """Seconds after which the windows of open handles end and a batch leaves."""
        return self.flush_interval or (1.0 if self.sink == "grpc" else 5.0)

    @property
    def leaves(self) -> bool:
        """Whether records are sent to a control plane."""
        return self.enabled and self.sink in {"grpc", "http"}

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Check what one value alone cannot show."""
        if self.sink == "file" and self.file_path is None:
            yield "file_path", 'is missing; "sink: file" needs it'
        if self.flush_interval is not None and self.flush_interval <= 0:
            yield "flush_interval", "must be longer than nothing"
        if self.interval > _LONGEST_INTERVAL and self.sink not in _LOCAL_SINKS:
            yield (
                "flush_interval",
                "must be an hour or less: what was not told is lost with the process",
            )
        address = self.control_plane_addr
        if self.sink in _LOCAL_SINKS:
            if address is not None:
                yield "control_plane_addr", "belongs to the sinks grpc and http"
        elif self.sink == "http":
            if (why := _why_no_url(address)) is not None:
                yield "control_plane_addr", why
        elif address is not None:
            try:
                parse_peer(address)
            except ValueError as error:
                yield "control_plane_addr", f"{error} (http takes a URL)"


def _why_no_url(text: str | None) -> str | None:
    """Say why a text is no control plane's URL; a token travels to other hosts through TLS only."""
    if text is None:
        return 'is missing; "sink: http" needs a URL, such as https://control.example.com:8090'
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return "is no URL"
    if url.scheme not in {"http", "https"} or not url.hostname:
        return "must be a URL, such as https://control.example.com:8090"
    if url.username is not None or url.path.strip("/") or url.query or url.fragment:
        return "must be a URL of a scheme, a host and a port, and nothing else"
    if url.scheme == "http" and not is_loopback(url.hostname):
        return "must begin with https: the token would travel in the clear"
    return None
