"""What can be stored at all, and how much of it there is: asked before a command waits with others."""

from typing import Final

from warpdrive.application.ports.event_store import Append

_BIGINTS: Final = range(-(2**63), 2**63)
_OVERHEAD_BYTES: Final = 128


def weight(append: Append) -> int:
    """Return about how many bytes a command puts on the wire.

    Raises ValueError when something in it cannot be stored: it would fail all the commands that wait with it.
    """
    facts = append.facts
    texts = [facts.actor, facts.correlation_id, facts.causation_id]
    texts += [event.topic for event in append.events]
    for use in append.names:
        texts += [use.kind, use.name, use.owner]
        if use.uses == 0:
            raise ValueError(f"{use.kind} name {use.name!r} is neither taken nor given up")
    if any("\0" in text for text in texts):
        raise ValueError("PostgreSQL stores no text with a NUL character")
    if append.version not in _BIGINTS or any(event.version not in _BIGINTS for event in append.events):
        raise ValueError("a version is a signed number of 64 bits")
    # Encoding also finds lone surrogates (UnicodeEncodeError is a ValueError).
    return (
        sum(len(text.encode()) for text in texts)
        + sum(len(event.state) + _OVERHEAD_BYTES for event in append.events)
        + _OVERHEAD_BYTES
    )
