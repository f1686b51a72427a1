"""A request's headers, read before anything else happens: which method, until when, with which metadata.

grpclib answers some malformed headers with an exception that leaves the client waiting (a bad "-bin" value, a
time-out of a thousand digits), so they are looked at here and only what is known to be right is passed on.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from grpclib.const import Status

Headers = Sequence[tuple[str, str]]

_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
"""As the gRPC specification has it: at most eight digits and a unit."""
_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}

_WIDEST: Final = 99_999_999
"""The largest number that fits a time-out's eight digits."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer without a call: `http` other than 200 when the request is no gRPC at all."""

    status: Status
    message: str
    http: int = 200


def timeout_of(headers: Headers) -> float | None:
    """Return the smallest grpc-timeout in seconds, None when there is none. Raises ValueError for anything else."""
    smallest: float | None = None
    for name, value in headers:
        if name == "grpc-timeout":
            match = _TIMEOUT.fullmatch(value)
            if match is None:
                raise ValueError("grpc-timeout must be up to 8 digits and one of H M S m u n")
            seconds = int(match[1]) * _UNITS[match[2]]
            smallest = seconds if smallest is None else min(smallest, seconds)
    return smallest


def timeout_header(seconds: float) -> tuple[str, str]:
    """Return the header for a time-out, in milliseconds where they fit."""
    milliseconds = int(seconds * 1000)
    return "grpc-timeout", f"{milliseconds}m" if milliseconds <= _WIDEST else f"{min(int(seconds), _WIDEST)}S"


def refusal_of(headers: Headers, methods: Collection[str]) -> Refusal | None:
    """Say what is wrong with a request's headers; None when it can become a call."""
    found = dict(headers)
    content_type = found.get("content-type", "")
    encoding = found.get("grpc-encoding", "identity")
    try:
        timeout_of(headers)
    except ValueError as error:
        bad_timeout = str(error)
    else:
        bad_timeout = ""
    refusal: Refusal | None = None
    if found.get(":method") != "POST":
        refusal = Refusal(Status.UNIMPLEMENTED, "gRPC takes POST", http=405)
    elif content_type not in {"application/grpc", "application/grpc+proto"}:
        refusal = Refusal(Status.UNKNOWN, "content-type must be application/grpc", http=415)
    elif found.get("te") != "trailers":
        refusal = Refusal(Status.INVALID_ARGUMENT, 'the header "te: trailers" is missing')
    elif found.get(":path") not in methods:
        refusal = Refusal(Status.UNIMPLEMENTED, "there is no such method")
    elif encoding != "identity":
        refusal = Refusal(Status.UNIMPLEMENTED, f"messages cannot be compressed here ({encoding[:32]})")
    elif bad_timeout:
        refusal = Refusal(Status.INVALID_ARGUMENT, bad_timeout)
    return refusal


def passed_on(headers: Headers, *, timeout: float | None) -> list[tuple[str, str]]:
    """Return the headers that grpclib is to see: with our time-out in seconds, and without binary metadata.

    No rpc of ours takes binary metadata.
    """
    kept = [(name, value) for name, value in headers if name != "grpc-timeout" and not name.endswith("-bin")]
    if timeout is not None:
        kept.append(timeout_header(timeout))
    return kept
