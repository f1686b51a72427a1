"""How much one peer, and all together, may ask of the door."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """Bounds of the gRPC server; sizes in bytes, times in seconds."""

    message: int = 4 * MIB
    """One request message. A longer one is refused by its length prefix, before its bytes are taken."""
    receiving: int = 64 * MIB
    """All requests together that are announced but not yet complete."""
    connections: int = 1024
    streams: int = 100
    """Calls at once on one connection, watch streams included; told to the peer, who must wait."""
    calls: int = 4096
    """Calls and streams of all connections that hold a task, also those whose request is still coming. The dispatcher
    counts those at work, and more strictly."""
    health_watches: int = 256
    """Health streams at once: they ask for no token and never end, and would else leave no call to anybody."""
    unsent: int = 8 * MIB
    """What waits in one connection for a peer that does not read. Data respects flow control; this bounds the
    rest (acknowledgements, trailers). Beyond it the connection is cut."""
    frames_burst: int = 1000
    frames_per_s: float = 200.0
    """Frames that ask for an answer or undo a call (pings, settings, resets): a burst, then a rate."""
    receive_s: float = 20.0
    """From the headers of a unary call to its whole message."""
    call_s: float = 60.0
    """The longest that any call but a stream of the server may take, whatever the client allows."""
    send_s: float = 30.0
    """A message of a stream that was not taken in this time ends the stream: its reader can resume."""
    handshake_s: float = 10.0
    drain_s: float = 10.0
    """How long calls under way may go on when the server stops."""
    keepalive_s: float = 30.0
    """A silent peer is asked this often whether it is there."""
    keepalive_answer_s: float = 20.0


DEFAULT_LIMITS: Final = RpcLimits()
