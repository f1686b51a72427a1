"""The hash chain: what an event's hash is made of.

The database computes it when an event is appended (the trigger of revision 0001), this module computes it again for
whoever wants to know that nothing was altered. A hash is SHA-256 over these bytes, one after another:

| bytes | what |
|---|---|
| 32 | the hash of the event at the position before; zeros for the first event of all |
| 16 | stream, the UUID's bytes in network order |
| 8 | version |
| 4 + n | topic: length in bytes, then UTF-8 |
| 4 + n | state: length, then the bytes as stored |
| 4 + n | actor: length in bytes, then UTF-8 |
| 4, or 4 + 16 | command id: 16 and the UUID's bytes; -1 and nothing when there is none |
| 8 | recorded_at: microseconds since 2000-01-01T00:00:00Z |

Integers are signed and big-endian. Every field of variable length says its length, so no two events share their bytes.
Positions are not in it: they say in which order to walk.
"""

import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from warpdrive.application.ports.event_store import RecordedEvent

BEGINNING: Final = bytes(32)
"""What stands for the hash before the first event."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def chain_hash(previous: bytes, event: RecordedEvent) -> bytes:
    """Return the hash (32 bytes) that an event must have after the event with the hash `previous`."""
    topic = event.topic.encode()
    actor = event.actor.encode()
    command = b"" if event.command_id is None else event.command_id.bytes
    fields = (
        previous,
        event.stream.bytes,
        struct.pack(">qi", event.version, len(topic)),
        topic,
        struct.pack(">i", len(event.state)),
        event.state,
        struct.pack(">i", len(actor)),
        actor,
        struct.pack(">i", len(command) or -1),
        command,
        struct.pack(">q", (event.recorded_at - _EPOCH) // _MICROSECOND),
    )
    return sha256(b"".join(fields)).digest()
