"""What API and ingest process say to each other over their socket: frames, each with its length before it."""

import json
from dataclasses import asdict
from struct import Struct
from typing import Any, Final

from warpdrive.application.control.errors import Malformed
from warpdrive.application.ports.batch_intake import BatchRefused, Ingested, IntakeUnavailable

HEAD: Final = Struct("!IQId")
"""Bytes that follow, the batch's number on this line, its records, and when it was received (Unix time, seconds)."""

ANSWER_HEAD: Final = Struct("!IQ")
"""Bytes that follow, and the number of the batch."""


def answer_bytes(outcome: Ingested | Exception) -> bytes:
    """Write what came of a batch. What nobody foresaw is the process's own matter: the batch may come again."""
    said: dict[str, Any]
    match outcome:
        case Ingested():
            said = {"done": asdict(outcome)}
        case Malformed(field=field, why=why):
            said = {"malformed": [field, why]}
        case BatchRefused():
            said = {"refused": str(outcome)}
        case _:
            said = {"unavailable": str(outcome) or type(outcome).__name__}
    return json.dumps(said).encode()


def answer_of(data: bytes) -> Ingested | Exception:
    """Read what came of a batch."""
    said = json.loads(data)
    if "done" in said:
        return Ingested(**said["done"])
    if "malformed" in said:
        return Malformed(*said["malformed"])
    return BatchRefused(said["refused"]) if "refused" in said else IntakeUnavailable(said["unavailable"])
