"""What a token grants: a role, and where it counts."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Role(Enum):
    """What the bearer may do; what that is for each call stands in the authorisation table."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    AGENT = "agent"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """What is given to the bearer of a secret.

    `digest` is the SHA-256 of the secret, 64 lowercase hex digits; the secret is 256 random bits, so its plain hash
    says nothing about it. `namespaces` and `teams` hold names or ids as the control plane writes them; empty means
    all. `node` is the one node that an agent's token is for, and "" for every other role. `expires_at` None: never.
    """

    role: Role
    digest: str
    namespaces: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    node: str = ""
    note: str = ""
    expires_at: datetime | None = None
