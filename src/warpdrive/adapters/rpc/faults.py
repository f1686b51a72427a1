"""A fault as a call's last word: status, message, details and metadata, small enough for every client."""

from typing import Any, Final

from grpclib.const import Status
from grpclib.server import Stream
from h2.exceptions import StreamClosedError

from warpdrive.adapters.wire.status import WireFault

_LONGEST: Final = 2048
"""Bytes of message and of details. Clients accept 8 KiB of headers; percent-encoding may treble a message."""


def shortened(message: str) -> str:
    """Return the message, cut where it would not fit."""
    encoded = message.encode()
    if len(encoded) <= _LONGEST:
        return message
    return encoded[:_LONGEST].decode(errors="ignore") + " ..."


async def send_fault(stream: Stream[Any, Any], fault: WireFault) -> None:
    """End the call with a fault. A client that is gone already misses nothing."""
    details = list(fault.details)
    if sum(each.ByteSize() for each in details) > _LONGEST:
        details = []
    try:
        await stream.send_trailing_metadata(
            status=Status(fault.code.value),
            status_message=shortened(fault.message),
            status_details=details or None,
            metadata=fault.metadata,
        )
    except StreamClosedError:
        return
