"""Why an auditor's question has no answer. Each message can be shown as it is."""

from collections.abc import Sequence
from datetime import datetime

from warpdrive.application.audit.wording import plain


class AuditError(Exception):
    """Base of every question that cannot be answered as it was asked."""


class BadReference(AuditError):
    """Raised when a text names no stream in any way that is known."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f"{text!r} {why}; write an id, or namespace/NAME, team/NAME, quota/TEAM/BACKEND, tenant/ID, "
            "price-book/NAME or token/ID"
        )
        self.text = text


class NoSuchStream(AuditError):
    """Raised when nothing of that name or id existed up to the position."""

    def __init__(self, text: str, position: int) -> None:
        super().__init__(f"there was no {text} up to position {position}")
        self.text = text
        self.position = position


class AmbiguousName(AuditError):
    """Raised when nobody holds a name any more and several did before. `holders`: a line for each."""

    def __init__(self, text: str, position: int, holders: Sequence[str]) -> None:
        listed = "".join(f"\n  {holder}" for holder in holders)
        super().__init__(
            f"nobody was called {text} at position {position}, and {len(holders)} were before; name one by its id:"
            f"{listed}"
        )
        self.holders = tuple(holders)


class BeyondHead(AuditError):
    """Raised when a position is asked for that the record has not reached."""

    def __init__(self, position: int, head: int) -> None:
        super().__init__(f"position {position} lies beyond the last event, at position {head}")
        self.position = position
        self.head = head


class BeforeRecord(AuditError):
    """Raised when a moment lies before the first event."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(f"nothing was recorded up to {moment:%Y-%m-%d %H:%M:%S}Z")
        self.moment = moment


class NoSuchFact(AuditError):
    """Raised when no event of the stream ever touched the fact."""

    def __init__(self, fact: str, known: Sequence[str]) -> None:
        super().__init__(f"no event touched {fact!r}; what events touched: {', '.join(known) or 'nothing'}")
        self.fact = fact
        self.known = tuple(known)


class Unfoldable(AuditError):
    """Raised when a stream's state cannot be made, because of the event at `position`."""

    def __init__(self, position: int, topic: str, why: str) -> None:
        super().__init__(
            f"the event at position {position} ({plain(topic)}) cannot be applied: {plain(why)}; run verify"
        )
        self.position = position
        self.topic = topic


class Backwards(AuditError):
    """Raised when the first of two places lies after the second."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"position {first} lies after position {second}: give the earlier place first")
        self.first = first
        self.second = second
