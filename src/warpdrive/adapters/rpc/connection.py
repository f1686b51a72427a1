"""One peer's connection, below the calls: what it can make this process hold or do is bounded here.

HTTP/2 lets a peer ask for answers (pings, settings) and undo calls (resets) without end, and h2 answers each. What h2
bounds itself: streams at once, the size of header lists, continuation frames.
"""

import logging
import socket
from asyncio import BaseTransport, Transport
from collections.abc import Callable
from typing import Final, cast

from grpclib.config import Configuration
from grpclib.protocol import AbstractHandler, Connection, EventsProcessor, H2Protocol
from grpclib.utils import Wrapper
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    PingReceived,
    PriorityUpdated,
    RemoteSettingsChanged,
    StreamReset,
    UnknownFrameReceived,
)
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from warpdrive.adapters.rpc.limits import MIB, RpcLimits
from warpdrive.adapters.rpc.reading import GuardedStream, ReceiveBudget

log = logging.getLogger(__name__)

_COSTLY: Final = (PingReceived, PriorityUpdated, RemoteSettingsChanged, StreamReset, UnknownFrameReceived)
"""Events that cost us something and bring nobody's request further."""

SERVER_SIDE: Final = H2Configuration(client_side=False, header_encoding="ascii")
"""Headers are checked (h2's default): a request without a method or path is a protocol error, not a surprise later."""


_STREAM_WINDOW: Final = 256 * 1024
_CONNECTION_WINDOW: Final = MIB
_HTTP2_WINDOW: Final = 65_535
"""Bytes a peer may send before we have taken any: of one call, of all its calls, and what HTTP/2 begins with."""


class Allowance:
    """A bucket of permissions that fills at a rate: a burst may come at once, then so many a second."""

    def __init__(self, burst: int, per_s: float, monotonic: Callable[[], float]) -> None:
        self._left = float(burst)
        self._burst = float(burst)
        self._per_s = per_s
        self._monotonic = monotonic
        self._at = monotonic()

    def spend(self) -> bool:
        """Use one up; says whether there was one."""
        now = self._monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        self._left -= 1.0
        return self._left >= 0.0


class GuardedConnection(Connection):
    """Makes guarded streams."""

    def __init__(
        self,
        connection: H2Connection,
        transport: Transport,
        *,
        config: Configuration,
        limits: RpcLimits,
        budget: ReceiveBudget,
    ) -> None:
        super().__init__(connection, transport, config=config)
        self._limits = limits
        self._budget = budget

    def create_stream(self, *, stream_id: int | None = None, wrapper: Wrapper | None = None) -> GuardedStream:
        """Return a new call's stream."""
        stream = GuardedStream(self, self._connection, self._transport, stream_id=stream_id, wrapper=wrapper)
        stream.limits = self._limits
        stream.budget = self._budget
        return stream


class GuardedProtocol(H2Protocol):
    """grpclib's protocol with bounds. `admit` and `leave` keep the server's account of connections."""

    def __init__(
        self,
        handler: AbstractHandler,
        config: Configuration,
        *,
        limits: RpcLimits,
        budget: ReceiveBudget,
        monotonic: Callable[[], float],
        admit: Callable[["GuardedProtocol"], bool],
        leave: Callable[["GuardedProtocol"], None],
    ) -> None:
        super().__init__(handler, config, SERVER_SIDE)
        self._limits = limits
        self._budget = budget
        self._allowance = Allowance(limits.frames_burst, limits.frames_per_s, monotonic)
        self._admit = admit
        self._leave = leave
        self._h2: H2Connection | None = None
        self._wire: Transport | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Greet a new peer, or hang up when there are too many or it does not speak HTTP/2."""
        wire = cast("Transport", transport)
        self._wire = wire
        secured = wire.get_extra_info("ssl_object")
        if not self._admit(self) or (secured is not None and secured.selected_alpn_protocol() != "h2"):
            wire.abort()
            return
        raw = wire.get_extra_info("socket")
        if raw is not None and raw.family in {socket.AF_INET, socket.AF_INET6}:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A peer that vanished, or keeps its window at zero, is given up by the kernel; closing waits for no longer.
            patience = int(self._limits.keepalive_s * 1000)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        self._h2 = H2Connection(config=SERVER_SIDE)
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: self._limits.streams,
                SettingCodes.MAX_HEADER_LIST_SIZE: H2Connection.DEFAULT_MAX_HEADER_LIST_SIZE,
                SettingCodes.INITIAL_WINDOW_SIZE: _STREAM_WINDOW,
            },
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW - _HTTP2_WINDOW)
        self.connection = GuardedConnection(
            self._h2, wire, config=self.config, limits=self._limits, budget=self._budget
        )
        self.connection.flush()
        self.connection.initialize()
        self.processor = EventsProcessor(self.handler, self.connection)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the peer. A peer that breaks the protocol, or floods us, is told so and cut off."""
        wire, h2 = self._wire, self._h2
        if wire is None or h2 is None or wire.is_closing():
            return
        if wire.get_write_buffer_size() > self._limits.unsent:
            self._cut("the peer does not read")
            return
        try:
            events = h2.receive_data(data)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's bytes set off in the parser is the stranger's fault
            log.info("cutting a connection off: %s: %s", type(error).__name__, error)
            self.connection.flush()  # h2 has left a GOAWAY there
            self.processor.close("Protocol error")
            return
        self.connection.flush()
        for event in events:
            if _is_costly(event) and not self._allowance.spend():
                self._cut("the peer floods us with frames that bring no request further")
                return
            if isinstance(event, DataReceived) and not event.flow_controlled_length:
                continue  # grpclib would take a frame without bytes for the end of the request
            if event.__class__ in self._processors():
                self.processor.process(event)
        if not wire.is_closing():
            self.connection.flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the peer; its calls end."""
        self._leave(self)
        if self._h2 is not None:
            super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the peer reads too slowly."""
        if self._h2 is not None:
            super().pause_writing()

    def resume_writing(self) -> None:
        """Pass on that it reads again."""
        if self._h2 is not None:
            super().resume_writing()

    def say_goodbye(self) -> None:
        """Tell the peer that no further call will be taken here; calls under way go on.

        Written past h2, which would count itself as closed from then on and send nothing more.
        """
        if self._h2 is not None and self._wire is not None and not self._wire.is_closing():
            frame = GoAwayFrame(0, last_stream_id=self._h2.highest_inbound_stream_id, error_code=ErrorCodes.NO_ERROR)
            self._wire.write(frame.serialize())

    def hang_up(self) -> None:
        """Close the connection; what is written still leaves."""
        if self._wire is not None and not self._wire.is_closing():
            self._wire.close()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._wire is not None:
            self._wire.abort()

    def _processors(self) -> dict[type[Event], object]:
        # Gone once the connection is closed. What is not in it (unknown frames, for one) HTTP/2 wants ignored.
        found: dict[type[Event], object] = getattr(self.processor, "processors", {})
        return found

    def _cut(self, why: str) -> None:
        log.warning("cutting a connection off: %s", why)
        assert self._wire is not None
        if self._h2 is not None:
            self._wire.write(GoAwayFrame(0, error_code=ErrorCodes.ENHANCE_YOUR_CALM).serialize())
        self._wire.abort()


def _is_costly(event: Event) -> bool:
    return isinstance(event, _COSTLY) or (
        isinstance(event, DataReceived) and not event.data and event.stream_ended is None
    )
