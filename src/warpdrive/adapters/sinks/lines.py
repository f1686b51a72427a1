"""One access record as one line of JSON, the fields named as in the record."""

import json
from collections.abc import Iterable

from warpdrive.application.ports.access_log import AccessRecord


def encode_lines(records: Iterable[AccessRecord]) -> bytes:
    r"""Return JSON lines. ASCII only: bytes of a name that are no UTF-8 appear as `\udcXX` escapes."""
    return b"".join(json.dumps(record._asdict(), separators=(",", ":")).encode("ascii") + b"\n" for record in records)
