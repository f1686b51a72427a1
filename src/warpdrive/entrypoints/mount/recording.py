"""Telemetry: the collector of access records, and the sink that the settings choose.

What the sinks grpc and http need, gRPC among it, is imported only when they are configured.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

import anyio

from warpdrive.adapters.sinks.file import FileLog
from warpdrive.adapters.sinks.nop import NopLog
from warpdrive.adapters.sinks.stdout import StdoutLog
from warpdrive.application.mount.telemetry import AccessCollector, CollectorSettings, TelemetryState
from warpdrive.application.ports.access_log import AccessLog
from warpdrive.application.ports.clock import Clock
from warpdrive.entrypoints.mount.control import check_files
from warpdrive.entrypoints.settings import AgentSettings

_CLOSE_SECONDS: Final = 3.0

_MOST_RECORDS: Final = 50_000
"""Records of a batch; the control plane takes 65,536 and no more."""

_LARGEST_GRPC: Final = 2 * 1024 * 1024
_LARGEST_HTTP: Final = 256 * 1024
"""Bytes of a batch in protobuf's encoding; as JSON it is up to eight times as long, and the server takes 4 MiB."""


class Sink(AccessLog, Protocol):
    """A log as its owner sees it."""

    @property
    def lost(self) -> int:
        """Records that were taken and are gone."""

    async def aclose(self, *, patience: float = 2.0) -> None:
        """Bring what is left where it belongs, for at most `patience` seconds."""


class Shipping(Sink, Protocol):
    """A log that brings records elsewhere."""

    @property
    def sent(self) -> int:
        """Records that arrived."""

    @property
    def spooled(self) -> int:
        """Records that went to disk."""

    @property
    def waiting(self) -> int:
        """Records that are still here."""

    @property
    def spool_bytes(self) -> int:
        """Bytes on disk now."""

    @property
    def fault(self) -> str:
        """Why nothing arrives."""

    async def run(self) -> None:
        """Bring them there until cancelled or closed."""


class Telemetry:
    """The collector and its sink."""

    def __init__(self, name: str, collector: AccessCollector, sink: Sink, shipping: Shipping | None) -> None:
        self.collector = collector
        self._name = name
        self._sink = sink
        self._shipping = shipping

    def state(self) -> TelemetryState:
        """Say what became of the records."""
        recorded, lost = self.collector.recorded + self.collector.lost, self.collector.lost + self._sink.lost
        if self._shipping is None:
            return TelemetryState(self._name, recorded, lost)
        shipping = self._shipping
        return TelemetryState(
            self._name,
            recorded,
            lost,
            sent=shipping.sent,
            spooled=shipping.spooled,
            waiting=shipping.waiting,
            spool_bytes=shipping.spool_bytes,
            fault=shipping.fault,
        )


@asynccontextmanager
async def recording(settings: AgentSettings, clock: Clock) -> AsyncIterator[Telemetry]:
    """Collect access records while the block runs; at its end what is left is written, sent or spooled.

    Raises TieFilesError when a file that sending needs cannot be used.
    """
    section = settings.telemetry
    shipping = _shipping(settings, clock) if section.leaves else None
    sink: Sink = shipping or _writing(settings)
    collector = AccessCollector(
        CollectorSettings(
            node=settings.agent.node or "",
            enabled=section.enabled,
            flush_interval=section.interval,
            batch_size=section.records,
            sample_metadata_ops=section.sample_metadata_ops,
        ),
        sink,
        clock,
        draw=random.random,
    )
    async with anyio.create_task_group() as carriers:
        if shipping is not None:
            carriers.start_soon(shipping.run)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(collector.run)
                yield Telemetry(section.sink, collector, sink, shipping)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
                await sink.aclose()
            carriers.cancel_scope.cancel()


def _writing(settings: AgentSettings) -> Sink:
    """Return the sink that keeps records on this machine, or nowhere."""
    section = settings.telemetry
    if section.enabled and section.sink == "stdout":
        return StdoutLog(batch_size=section.records)
    if section.enabled and section.sink == "file":
        assert section.file_path is not None, "the settings demand it"
        return FileLog(section.file_path, batch_size=section.records)
    return NopLog()


def _shipping(settings: AgentSettings, clock: Clock) -> Shipping:
    """Return the log that brings records to the control plane. Raises TieFilesError."""
    from warpdrive.adapters.control_client.dialling import DialFault, Dialling  # noqa: PLC0415  loads gRPC
    from warpdrive.adapters.sinks.grpc import GrpcSender  # noqa: PLC0415  the same
    from warpdrive.adapters.sinks.http import HttpSender  # noqa: PLC0415  loads httpx
    from warpdrive.adapters.sinks.shipping import ShippingLog, ShippingSettings  # noqa: PLC0415  loads protobuf
    from warpdrive.adapters.sinks.spool import Spool  # noqa: PLC0415  the same

    section, node = settings.telemetry, settings.agent
    if node.control_plane is None:  # else the tie looks at them
        check_files(node)
    over_grpc = section.sink == "grpc"
    address = section.control_plane_addr or str(node.control_plane)
    dialling = Dialling(address, node.token_file, node.ca_file, node.cert_file, node.key_file)
    faults = (DialFault,)
    return ShippingLog(
        ShippingSettings(
            node=node.node or "",
            metadata_sample_rate=section.sample_metadata_ops,
            batch_size=min(section.records, _MOST_RECORDS),
            largest=_LARGEST_GRPC if over_grpc else _LARGEST_HTTP,
        ),
        GrpcSender(dialling.channel, dialling.token, faults=faults)
        if over_grpc
        else HttpSender(address, dialling.token, dialling.tls, faults=faults),
        Spool(node.state_dir / "telemetry-spool"),
        clock,
    )
