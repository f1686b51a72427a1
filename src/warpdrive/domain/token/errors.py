"""What a Token refuses, as facts with fields. All are permanent, and none repeats a digest."""


class TokenError(Exception):
    """Base of every refusal of a Token."""


class InvalidTokenGrant(TokenError):
    """Raised when a field of a grant cannot be right (see `reason`)."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"token's {field} {reason}")
        self.field = field
        self.reason = reason


class InvalidRevocation(TokenError):
    """Raised when the reason of a revocation cannot be kept (see `reason`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the reason of a token's revocation {reason}")
        self.reason = reason


class TokenRevoked(TokenError):
    """Raised when a token is revoked again; a revocation is final."""

    def __init__(self, token_id: str) -> None:
        super().__init__(f"token {token_id} is revoked already")
        self.token_id = token_id
