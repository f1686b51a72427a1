"""What the agent says about itself: the sections `log`, `metrics` and `telemetry`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec

from warpdrive.entrypoints.settings.decoding import Section
from warpdrive.entrypoints.settings.kinds import Address
from warpdrive.entrypoints.settings.units import Duration


class LogSettings(Section, frozen=True, kw_only=True):
    """`console` is for people, `json` for machines; both go to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class MetricsSettings(Section, frozen=True, kw_only=True):
    """Where `/metrics` and `/healthz` are served."""

    enabled: bool = True
    addr: Address = Address("", 9090)


class TelemetrySettings(Section, frozen=True, kw_only=True):
    """Where access records go. `flush_interval` in seconds, `batch_size` in records."""

    refused: ClassVar[Mapping[str, str]] = {
        "control_plane_addr": "belongs to the sinks grpc and http, which this version does not have",
    }

    not_yet: ClassVar[Mapping[tuple[str, str], str]] = {
        ("sink", word): f"{word} is not available in this version; use nop, stdout or file" for word in ("grpc", "http")
    }

    enabled: bool = False
    sink: Literal["nop", "stdout", "file"] = "nop"
    file_path: Path | None = None
    sample_metadata_ops: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.1
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 100
    flush_interval: Duration = Duration(5)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Check what one value alone cannot show."""
        if self.sink == "file" and self.file_path is None:
            yield "file_path", 'is missing; "sink: file" needs it'
        if self.flush_interval <= 0:
            yield "flush_interval", "must be longer than nothing"
