"""The secret that a caller shows: `wd_<token id>_<256 random bits>`, known here by its digest only.

The id in it finds the token's stream, so a token holds from the moment it is written, and a revoked one ends without
any read model having to catch up.
"""

import base64
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from uuid import UUID

RANDOM_BYTES: Final = 32
_SHAPE: Final = re.compile(r"wd_([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's two parts. `random` is 43 characters of URL-safe base64."""

    token_id: UUID
    random: str = field(repr=False)

    @property
    def text(self) -> str:
        """What the bearer keeps and sends."""
        return f"wd_{self.token_id.hex}_{self.random}"

    @property
    def digest(self) -> str:
        """What we keep: SHA-256 of the random part, 64 hexadecimal digits.

        A plain hash is enough where the secret is 256 random bits: there is no list of likely ones to try.
        """
        return sha256(self.random.encode("ascii")).hexdigest()


def make_secret(token_id: UUID, random: bytes) -> Secret:
    """Make a secret of 32 random bytes."""
    assert len(random) == RANDOM_BYTES, "less could be guessed"
    return Secret(token_id, base64.urlsafe_b64encode(random).decode("ascii").rstrip("="))


def parse_secret(text: str) -> Secret | None:
    """Take a secret apart; None for what was never one of ours."""
    shape = _SHAPE.fullmatch(text)
    return None if shape is None else Secret(UUID(shape[1]), shape[2])
