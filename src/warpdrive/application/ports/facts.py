"""Everything observed and counted that no event says, as one bundle of ports for the composition root."""

from dataclasses import dataclass

from warpdrive.application.ports.usage_facts import UsageFacts


@dataclass(frozen=True, slots=True)
class Facts:
    """The ports, by subject."""

    usage: UsageFacts
