"""Access records as JSON lines on standard output, for collectors that read a container's log."""

import os
from collections.abc import Sequence

from warpdrive.adapters.sinks.lines import encode_lines
from warpdrive.adapters.sinks.writer import WritingLog
from warpdrive.application.ports.access_log import AccessRecord

_STDOUT = 1


class _Descriptor:
    """Writes whole batches to a descriptor of its own, past Python's buffers (other threads')."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)

    def write(self, batch: Sequence[AccessRecord]) -> None:
        """Write all lines. Raises OSError (EPIPE when nobody reads any more)."""
        left = memoryview(encode_lines(batch))
        while left:
            left = left[os.write(self._descriptor, left) :]

    def close(self) -> None:
        """Close our copy."""
        os.close(self._descriptor)


class StdoutLog(WritingLog):
    """Sink `stdout`. `descriptor`: where to, standard output unless told."""

    def __init__(
        self,
        *,
        descriptor: int = _STDOUT,
        batch_size: int = 100,
        flush_interval: float = 1.0,
        capacity: int = 100_000,
    ) -> None:
        super().__init__(
            _Descriptor(descriptor),
            name="stdout",
            batch_size=batch_size,
            flush_interval=flush_interval,
            capacity=capacity,
        )
