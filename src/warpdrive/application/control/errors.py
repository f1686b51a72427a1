"""What the control plane answers other than success, besides the domain's refusals and the ports' faults.

`adapters/wire/status.py` turns each of them into a google.rpc code; messages here are for the caller.
"""


class ControlError(Exception):
    """Base of the control plane's answers."""


class Unauthenticated(ControlError):
    """Raised when nobody is known by the token, or none was sent. Says no more than that."""

    def __init__(self) -> None:
        super().__init__(
            "a valid token is needed: send the header `authorization: Bearer wd_...`; "
            "`warpdrive-ctl token create` makes tokens"
        )


class PermissionDenied(ControlError):
    """Raised when the caller is known and may not: its role, its scope, or its node. `needed`: what it lacks."""

    def __init__(self, principal: str, needed: str) -> None:
        super().__init__(f"{principal} may not do this: it needs {needed}")
        self.principal = principal
        self.needed = needed


class NotFound(ControlError):
    """Raised when nothing has the name or id ("": there is none at all).

    `kind`: namespace, team, quota, price book, tenant, token, agent.
    """

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name!r}" if name else f"there is no {kind} yet")
        self.kind = kind
        self.name = name


class AlreadyThere(ControlError):
    """Raised when a name is taken, by a living thing or by a backend at another place."""

    def __init__(self, kind: str, name: str, detail: str = "") -> None:
        super().__init__(f"{kind} {name!r} exists already" + (f": {detail}" if detail else ""))
        self.kind = kind
        self.name = name


class Malformed(ControlError):
    """Raised when a request cannot be right, whatever the state. `field`: as the contract names it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class VersionMismatch(ControlError):
    """Raised when the caller has seen another version than there is: read again, decide again."""

    def __init__(self, kind: str, name: str, expected: int, actual: int) -> None:
        super().__init__(f"{kind} {name!r} is at version {actual}, not {expected}: read it again")
        self.expected = expected
        self.actual = actual


class TooBusy(ControlError):
    """Raised when a caller, or all together, ask more than is allowed. `retry_after`: seconds."""

    def __init__(self, what: str, retry_after: float) -> None:
        super().__init__(f"too much at once: {what}; try again in {retry_after:.1f} s")
        self.retry_after = retry_after


class NotCaughtUp(ControlError):
    """Raised when the read models did not reach the wanted position within the call's time."""

    def __init__(self, wanted: int, reached: int) -> None:
        super().__init__(f"the read models are at position {reached}, not yet at {wanted}; try again")
        self.wanted = wanted
        self.reached = reached
