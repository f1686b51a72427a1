"""The one verb that shipping needs of a control plane, and the three ways in which it can fail."""

from typing import Protocol


class NotTaken(Exception):
    """Base of the reasons why a batch is not stored over there. `detail`: for the log, never with a secret."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unreachable(NotTaken):
    """Raised when sending the same again later helps: nobody answers, or too many ask. `retry_after`: seconds."""

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unwelcome(NotTaken):
    """Raised when somebody has to mend something first: a token, a scope, an older control plane."""


class Denied(Unwelcome):
    """Raised when the token may not speak for the batch's node."""


class Refused(NotTaken):
    """Raised when this very batch will never be taken."""


class BatchSender(Protocol):
    """Brings batches to a control plane. One call at a time; never retries by itself."""

    async def send(self, request: bytes) -> None:
        """Send an IngestEventsRequest; returns when it is stored for good. Raises NotTaken's three."""

    async def aclose(self) -> None:
        """Give back what is open."""


class MemorySender:
    """The in-memory twin: keeps what it was sent, and fails as a test says."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        """What was taken, in order."""
        self.attempts = 0
        self.fault: NotTaken | None = None
        """Raised by every call while it is set."""
        self.denied_node: str | None = None
        """Whose batches are denied."""
        self.forgetful = False
        """Whether a fault comes after the request was taken: the answer was lost on the way."""

    async def send(self, request: bytes) -> None:
        """Take it, unless there is a fault."""
        self.attempts += 1
        if self.denied_node is not None and self.denied_node.encode() in request:
            raise Denied("not your node")
        if self.fault is None or self.forgetful:
            self.requests.append(request)
        if self.fault is not None:
            raise self.fault

    async def aclose(self) -> None:
        """Nothing is open."""
