"""What travels beside a request and an answer: gRPC metadata and HTTP headers, which have the same names here."""

import string
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from warpdrive.application.control.errors import Malformed, Unauthenticated

AUTHORIZATION: Final = "authorization"
IDEMPOTENCY_KEY: Final = "idempotency-key"
CORRELATION_ID: Final = "x-correlation-id"
MIN_POSITION: Final = "x-warpdrive-min-position"
POSITION: Final = "x-warpdrive-position"

UNDERSTOOD: Final = (AUTHORIZATION, IDEMPOTENCY_KEY, CORRELATION_ID, MIN_POSITION)

LONGEST_CORRELATION_ID: Final = 128
"""Characters."""

_WORD: Final = frozenset(string.ascii_letters + string.digits + string.punctuation)
_LARGEST: Final = 2**63 - 1
_LONGEST_NUMBER: Final = 19
_LONGEST_SECRET: Final = 512


def correlation_id(metadata: Mapping[str, str], make: Callable[[], UUID]) -> str:
    """Return the caller's, or a new one when there is none or it could break a log line or a header."""
    given = metadata.get(CORRELATION_ID, "")
    usable = given and len(given) <= LONGEST_CORRELATION_ID and _WORD.issuperset(given)
    return given if usable else str(make())


def bearer(metadata: Mapping[str, str]) -> str | None:
    """Return the secret that was sent, or None. Raises Unauthenticated for any other way to say who calls."""
    given = metadata.get(AUTHORIZATION)
    if given is None:
        return None
    scheme, _, secret = given.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret or len(secret) > _LONGEST_SECRET or not _WORD.issuperset(secret):
        raise Unauthenticated
    return secret


def command_id(metadata: Mapping[str, str], make: Callable[[], UUID]) -> UUID:
    """Return the caller's idempotency-key, or a new id. Raises Malformed when it is no UUID."""
    given = metadata.get(IDEMPOTENCY_KEY)
    if given is None:
        return make()
    try:
        return UUID(given)
    except ValueError:
        raise Malformed(IDEMPOTENCY_KEY, "is no UUID") from None


def min_position(metadata: Mapping[str, str]) -> int:
    """Return the position that queries wait for; 0 for none. Raises Malformed."""
    given = metadata.get(MIN_POSITION, "0")
    if given.isascii() and given.isdigit() and len(given) <= _LONGEST_NUMBER and int(given) <= _LARGEST:
        return int(given)
    raise Malformed(MIN_POSITION, "is no position: write a whole number of 0 or more")
