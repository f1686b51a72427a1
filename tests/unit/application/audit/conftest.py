"""One plane with a history, on memory twins."""

from dataclasses import dataclass

import pytest

from tests.support.audit_story import Story, play
from tests.support.memory_plane import MemoryPlane
from warpdrive.application.projections.codec import EventCodec


@dataclass(frozen=True, slots=True)
class Past:
    """The plane, what happened on it, and how to read it."""

    on: MemoryPlane
    story: Story
    codec: EventCodec


@pytest.fixture
async def past() -> Past:
    """Play the story."""
    on = MemoryPlane()
    return Past(on, await play(on.plane, on.call, on.clock.advance), EventCodec())
